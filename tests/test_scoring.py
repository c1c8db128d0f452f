"""The anomaly score: measured by night, explained, and acted upon."""

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from engine.anomaly.acts import Act, measure
from engine.anomaly.bands import Band, band_of
from engine.anomaly.features import FEATURES, features, is_enough
from engine.anomaly.model import FORMAT, Model, ModelError, Steps, judge, read_model, write_model
from engine.anomaly.norms import norms_of
from models.clock import utcnow
from models.scoring import read_scores, store_model
from tests.day import do_task, tasks
from tests.words import START
from tests.world import Person, World
from workers.scoring.examples import examples
from workers.scoring.nightly import FIRST_MODEL, score_day, train_model
from workers.scoring.training import train

DAY = date(2026, 3, 1)


def model(odds_of_many_acts: float) -> Model:
    """A model that looks at nothing but the number of acts a day."""
    steps = {"acts_a_day": Steps([30.0], [-5.0, odds_of_many_acts], 0.0)}
    return Model(FORMAT, 0.0, steps, [(-10.0, 0.0), (0.0, 30.0), (10.0, 100.0)])


@pytest.mark.parametrize(
    ("score", "band"),
    [
        (0, "NORMAL"),
        (30, "NORMAL"),
        (31, "MONITOR"),
        (60, "MONITOR"),
        (61, "REVIEW"),
        (80, "REVIEW"),
        (81, "SUSPEND"),
        (100, "SUSPEND"),
    ],
)
def test_the_four_bands(score: int, band: str) -> None:
    assert band_of(score) is Band(band)


def test_a_day_is_measured_as_it_was() -> None:
    acts = [
        Act("mining.start", 100.0, "DONE", 100.0, None, "d", "i"),
        Act("ad.complete", 161.5, "DONE", 1.5, None, "d", "i"),
        Act("task.start", 170.0, "DONE", None, 1, "d", "j"),
        Act("task.answer", 174.0, "WRONG", 4.0, 1, "d", "j"),
        Act("task.start", 10_000.0, "REFUSED", None, 9, "d", "j"),
    ]
    day = measure(acts[::-1])
    assert (day.acts, day.refused, day.right, day.wrong) == (5, 1, 0, 1)
    assert (day.gaps, day.visits) == ([8.5], [100.0, 10_000.0])
    assert (day.phases, day.ad_lags, day.answers) == ([100.0], [1.5], [4.0])
    assert (day.devices, day.ips) == (["d"], ["i", "j"])
    assert measure(acts, is_tracked=False).devices is None


def test_little_says_nothing() -> None:
    found = features([measure([])], {})
    assert found.keys() == FEATURES.keys()
    assert {n for n, v in found.items() if v is not None} <= {"hours_active", "acts_a_day"}
    assert not is_enough([measure([])])


def test_a_verdict_adds_up_and_names_its_reasons() -> None:
    busy = [measure([Act("task.start", n * 60.0, "DONE", number=1) for n in range(40)])]
    verdict = judge(model(9.0), features(busy, {}))
    assert (verdict.score, verdict.band) == (93, Band.SUSPEND)
    [reason] = verdict.reasons
    assert (reason.feature, reason.value, reason.weight) == ("acts_a_day", 40.0, 9.0)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 99},
        {"base": "1"},
        {"steps": {"unheard_of": {"thresholds": [], "values": [1.0], "unknown": 0.0}}},
        {"steps": {"acts_a_day": {"thresholds": [2.0, 1.0], "values": [1, 2, 3], "unknown": 0}}},
        {"steps": {"acts_a_day": {"thresholds": [1.0], "values": [1.0], "unknown": 0.0}}},
        {"scale": [[0, 50], [1, 40]]},
        {"scale": [[0, -1], [1, 40]]},
        {"run": "me"},
    ],
)
def test_a_stored_model_is_only_numbers(change: dict[str, Any]) -> None:
    artefact = msgspec.json.decode(write_model(model(1.0))) | change
    with pytest.raises(ModelError):
        read_model(msgspec.json.encode(artefact))


def test_examples_are_the_same_for_the_same_seed() -> None:
    assert examples(1, 7, 7) == examples(1, 7, 7)
    assert examples(1, 7, 7) != examples(2, 7, 7)


async def work(person: Person, number: int) -> None:
    """Begin tasks a dozen times."""
    for _ in range(number):
        person.world.move_to(utcnow() + timedelta(seconds=3))
        await person.post("/v1/tasks/1/started")
    await person.world.drain()


async def test_a_night_scores_who_did_enough_and_flags_who_looks_like_a_program(
    world: World,
) -> None:
    busy, idle = await world.people(2)
    await store_model(world.database, model(9.0), 0, utcnow())
    await work(busy, 35)
    await work(idle, 2)
    now = START + timedelta(days=1, minutes=50)
    world.move_to(now)
    for flagged in (1, 1):  # a second run scores again, and flags nobody twice
        result = await score_day(world.database, world.table, DAY, now)
        assert result == {"measured": 2, "scored": 1, "flagged": flagged}
    await world.drain()
    logged = await world.rows(
        "SELECT user_id, event_type, severity, details FROM fraud_logs"
        " WHERE event_type = 'SUSPICIOUS_BEHAVIOR'"
    )
    [(user_id, _, severity, details)] = [tuple(row) for row in logged]
    assert (user_id, severity) == (busy.id, "CRITICAL")
    assert msgspec.json.decode(details)["score"] == 93
    assert (await busy.status())["refusal"]["reason"] == "SUSPENDED"
    [kept] = await read_scores(world.database, busy.id, 10)
    assert (kept.score, kept.band, kept.model_version) == (93, "SUSPEND", 1)
    assert await read_scores(world.database, idle.id, 10) == []


async def test_of_who_objects_to_tracking_no_device_is_measured(world: World) -> None:
    person = await world.person()
    consents = {"tracking": False, "marketing": False}
    await world.http.put("/v1/me/consents", json=consents, headers=person.headers)
    await work(person, 3)
    await score_day(world.database, world.table, DAY, utcnow())
    measures = msgspec.json.decode(await world.value("SELECT measures FROM account_days"))
    assert (measures["acts"], measures["devices"], measures["ips"]) == (3, None, None)


async def test_a_tasks_day_is_measured_with_its_latencies(world: World) -> None:
    person = await world.person()
    for task in [t for t in await tasks(person) if t["status"] == "AVAILABLE"]:
        await do_task(person, task)
    await score_day(world.database, world.table, DAY, utcnow())
    measures = msgspec.json.decode(await world.value("SELECT measures FROM account_days"))
    assert measures["tasks"] == 5
    assert measures["tasks_left"] == 0
    assert measures["right"] == len(measures["answers"])
    assert measures["steps_in_order"] == 4


async def test_the_night_trains_on_the_installations_own_people(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.scoring.training.TREES", 10)
    for person in await world.people(7):
        await work(person, 31)
    await score_day(world.database, world.table, DAY, utcnow())
    assert await train_model(world.database, DAY, utcnow()) == {"people": 7}
    assert await world.value("SELECT count(*) FROM anomaly_models") == 0  # too few
    monkeypatch.setattr("workers.scoring.nightly.PEOPLE_MIN", 7)
    assert await train_model(world.database, DAY, utcnow()) == {"people": 7}
    assert await world.value("SELECT max(version) FROM anomaly_models") == 1
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert await train_model(world.database, DAY, utcnow()) == {}


def test_the_first_model_can_be_read() -> None:
    assert len(read_model(FIRST_MODEL.read_bytes()).steps) > 10


def test_what_is_trained_is_what_the_library_says() -> None:
    accounts, labels = examples(3, 70, 70)
    norms = norms_of(accounts[:70])
    found = [features(days, norms) for days in accounts]
    model = train(found, labels, 3)
    people = [judge(model, each).score for each in found[:70]]
    programs = [judge(model, each).score for each in found[70:]]
    assert sorted(people)[35] < 31 < 61 <= sorted(programs)[35]


async def test_the_timetable_scores_yesterday(world: World) -> None:
    await store_model(world.database, model(-1.0), 0, utcnow())
    await work(await world.person(), 31)
    await world.go_to(START + timedelta(days=1, hours=1))
    found = await world.rows(
        "SELECT payload FROM intents WHERE kind = 'accounts.score'"
        " AND payload ->> 'day' = '2026-03-01' AND status = 'APPLIED'"
    )
    assert len(found) == 1
    assert await world.value("SELECT count(*) FROM anomaly_scores") == 1
