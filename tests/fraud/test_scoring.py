"""The anomaly score: measured by night, explained, and acted upon."""

from collections.abc import Mapping
from datetime import date, timedelta
from random import Random

import msgspec
import pytest

from engine.core.role import Role
from engine.fraud.actions import Sample, Scores
from engine.fraud.anomaly.acts import Act, measure
from engine.fraud.anomaly.bands import FLAGS
from engine.fraud.anomaly.features import FEATURES, features, is_enough, weeks_of
from engine.fraud.anomaly.model import (
    judge,
    read_model,
)
from engine.fraud.anomaly.norms import norms_of
from models.base.trail import Actor
from models.fraud.review import clear
from models.fraud.scoring import store_model
from runtime.clock import utcnow
from tests.kit.day import do_task, tasks
from tests.kit.scores import model
from tests.kit.staff import staff
from tests.kit.words import START
from tests.kit.world import Person, World
from workers.scoring.example_people import PEOPLE
from workers.scoring.examples import examples, measured
from workers.scoring.nightly import FIRST_MODEL, score_day, train_model
from workers.scoring.training import learn

DAY = date(2026, 3, 1)


LAST = DAY + timedelta(days=2)


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


def test_who_objects_lacks_only_what_their_device_and_addresses_say() -> None:
    person = PEOPLE[1](Random(3))
    tracked, untracked = measured(person), measured(person, is_tracked=False)
    with_all, without = features(tracked[:7], {}), features(untracked[:7], {})
    assert without == with_all | {"devices": None, "ips_a_day": None}
    assert {day.networks for day in untracked} == {None}


def test_nobody_is_scored_before_enough_days() -> None:
    busy = [measure([Act("task.start", n * 60.0, "DONE", number=1) for n in range(90)])]
    assert not is_enough(busy)
    assert not is_enough(busy * 2)
    assert is_enough(busy * 3)
    assert not is_enough([measure([Act("task.start", 60.0, "DONE", number=1)])] * 7)


def test_people_who_follow_the_reminder_are_people() -> None:
    """However steadily: the steady ones of the examples start with an alarm clock."""
    first, random = read_model(FIRST_MODEL.read_bytes()), Random(11)
    accounts = [measured(PEOPLE[2](random)) for _ in range(40)]
    norms = norms_of(accounts)
    held = [
        account
        for account in accounts
        if any(
            judge(first, features(week, norms)).band in FLAGS
            for week in weeks_of(account)
            if is_enough(week)
        )
    ]
    assert held == []


async def work(person: Person, number: int) -> None:
    """Begin tasks so many times."""
    for _ in range(number):
        person.world.move_to(utcnow() + timedelta(seconds=3))
        await person.post("/v1/tasks/1/started")
    await person.world.drain()


async def work_for_days(world: World, people: Mapping[Person, int]) -> None:
    """Three days of so many begun tasks each."""
    for days in range(3):
        world.move_to(START + timedelta(days=days))
        for person, number in people.items():
            await work(person, number)


async def score_all(world: World) -> Scores:
    """The nights after the three days, the last one's result."""
    for day in (DAY, DAY + timedelta(days=1)):
        await score_day(world.database, world.table, day, utcnow())
    return await score_day(world.database, world.table, LAST, utcnow())


async def test_a_night_scores_who_did_enough_and_flags_who_looks_like_a_program(
    world: World,
) -> None:
    busy, idle = await world.people(2)
    await store_model(world.database, model(9.0), 0, utcnow())
    await work_for_days(world, {busy: 12, idle: 2})
    world.move_to(START + timedelta(days=3, minutes=50))
    for flagged in (1, 1):  # a second run scores again, and flags nobody twice
        result = await score_all(world)
        assert result == Scores(2, 1, flagged, 0)
    await world.drain()
    logged = await world.rows(
        "SELECT user_id, event_type, severity, details FROM fraud_logs"
        " WHERE event_type = 'SUSPICIOUS_BEHAVIOR'"
    )
    [(user_id, _, severity, details)] = [tuple(row) for row in logged]
    assert (user_id, severity) == (busy.id, "CRITICAL")
    assert msgspec.json.decode(details)["score"] == 93
    moderator = await staff(world, Role.MODERATOR)
    [shown] = (await moderator.get("/v1/admin/suspicions")).json()["items"]
    assert shown["details"]["reasons"]
    assert all("points to a " in line for line in shown["details"]["reasons"])
    assert (await busy.status())["refusal"]["reason"] == "SUSPENDED"
    scores = "SELECT score, band, model_version FROM anomaly_scores WHERE user_id = :u"
    [kept] = await world.rows(scores, u=busy.id)
    assert (kept.score, kept.band, kept.model_version) == (93, "SUSPEND", 1)
    assert await world.rows(scores, u=idle.id) == []


async def test_whom_a_moderator_cleared_is_not_flagged_again_for_a_week(world: World) -> None:
    busy, moderator = await world.people(2)
    await store_model(world.database, model(9.0), 0, utcnow())
    await work_for_days(world, {busy: 12})
    world.move_to(START + timedelta(days=3, minutes=50))
    assert (await score_all(world)).flagged == 1
    actor = Actor(moderator.id, Role.MODERATOR, None)
    assert await clear(world.database, actor, busy.id, "a school class", utcnow())
    assert (await score_all(world)).flagged == 0
    band = "SELECT band FROM anomaly_scores WHERE user_id = :u ORDER BY day DESC LIMIT 1"
    assert await world.value(band, u=busy.id) == "SUSPEND"
    world.move_to(utcnow() + timedelta(days=7, minutes=1))
    assert (await score_all(world)).flagged == 1


async def test_of_who_objects_to_tracking_no_device_is_measured(world: World) -> None:
    person = await world.person()
    consents = {"tracking": False, "marketing": False}
    await world.http.put("/v1/me/consents", json=consents, headers=person.headers)
    await work(person, 3)
    await score_day(world.database, world.table, DAY, utcnow())
    measures = msgspec.json.decode(await world.value("SELECT measures FROM account_days"))
    assert (measures["acts"], measures["devices"]) == (3, None)
    assert (measures["ips"], measures["networks"]) == (None, None)


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
    await work_for_days(world, dict.fromkeys(await world.people(8), 10))
    await score_all(world)
    assert await train_model(world.database, LAST, utcnow()) == Sample(8)
    assert await world.value("SELECT count(*) FROM anomaly_models") == 0  # too few
    monkeypatch.setattr("workers.scoring.nightly.PEOPLE_MIN", 8)
    assert await train_model(world.database, LAST, utcnow()) == Sample(8)
    assert await world.value("SELECT max(version) FROM anomaly_models") == 1
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert await train_model(world.database, LAST, utcnow()) == Sample()


def test_the_first_model_can_be_read() -> None:
    assert len(read_model(FIRST_MODEL.read_bytes()).steps) > 10


def test_what_is_trained_tells_people_and_programs_apart() -> None:
    accounts, labels = examples(3, 60, 60)
    norms = norms_of(accounts[:60])
    learnt = learn(accounts, labels, 3)
    scores = [judge(learnt, features(days[:7], norms)).score for days in accounts]
    assert sorted(scores[:60])[30] < 31 < 61 <= sorted(scores[60:])[30]
    for name, steps in learnt.steps.items():
        rising = steps.values if FEATURES[name].sign > 0 else steps.values[::-1]
        assert (steps.unknown, rising) == (0, sorted(rising))


async def test_the_timetable_scores_yesterday(world: World) -> None:
    await store_model(world.database, model(-1.0), 0, utcnow())
    person = await world.person()
    for days in range(3):
        await world.go_to(START + timedelta(days=days, hours=2))
        await work(person, 11)
    await world.go_to(START + timedelta(days=3, hours=1))
    found = await world.rows(
        "SELECT payload FROM intents WHERE kind = 'accounts.score'"
        " AND payload ->> 'day' = '2026-03-03' AND status = 'APPLIED'"
    )
    assert len(found) == 1
    assert await world.value("SELECT count(*) FROM anomaly_scores") == 1
