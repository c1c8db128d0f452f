"""Cohorts: farms are found by what their accounts share, and nobody else is."""

import math
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from random import Random

import msgspec
import pytest

from engine.core.role import Role
from engine.fraud.anomaly.acts import Act, Day
from engine.fraud.anomaly.cohorts import (
    LIKENESS_MIN,
    Cohort,
    find_cohorts,
    groups_of,
    is_excess,
    keys_of,
    likeness,
)
from engine.fraud.anomaly.model import in_words
from engine.fraud.anomaly.traits import NAMES, Gallery, Trait, trait_of
from models.base.db import run, sql, transaction
from models.base.encoding import encode
from models.base.trail import Actor
from models.fraud.cohorts import store_cohorts
from models.fraud.review import clear
from runtime.clock import utcnow
from tests.kit.words import START
from tests.kit.world import Person, World
from workers.scoring.example_farms import farm
from workers.scoring.example_people import PEOPLE
from workers.scoring.examples import measured
from workers.scoring.nightly import score_day

DAY = date(2026, 3, 1)
WEEKS_OF_TOWN = 28


def days_of(acts: list[list[Act]], network: str | None = None) -> list[Day]:
    """Three days of an account, all on one network if it is given."""
    days = measured(acts[:3])
    if network is None:
        return days
    return [msgspec.structs.replace(day, networks=[network]) for day in days]


@cache
def crowd(seed: int, count: int) -> list[list[list[Act]]]:
    """What so many people did."""
    random = Random(seed)
    return [PEOPLE[n % len(PEOPLE)](random) for n in range(count)]


def townspeople() -> list[Trait]:
    """Four hundred people who registered over four weeks."""
    return [
        trait_of(n, days_of(acts), n * WEEKS_OF_TOWN / 400)
        for n, acts in enumerate(crowd(1, 400))
        if any(acts[:3])
    ]


def search(found: Iterable[Trait], *, only: str | None = None) -> list[Cohort]:
    """The cohorts among accounts."""
    gallery, keys = Gallery(), defaultdict(list)
    for each in found:
        place = gallery.add(each)
        for key in keys_of(each):
            if only in (None, key[0]):
                keys[key].append(place)
    return list(find_cohorts(gallery, groups_of(keys), range(len(gallery))))


def members(cohorts: Iterable[Cohort]) -> set[int]:
    """Everybody in any of them."""
    return {user_id for cohort in cohorts for user_id in cohort.users}


def a_farm(networks: int, size: int = 40) -> list[list[list[Act]]]:
    """What the accounts of a farm of polite programs did."""
    return farm(Random(8), size, networks=networks)


def test_a_farm_on_one_network_is_found() -> None:
    # Registered over the same weeks as everybody, so that nothing but the network is shared.
    farmers = [
        trait_of(1_000 + n, days_of(acts, "rack"), n * WEEKS_OF_TOWN / 40)
        for n, acts in enumerate(a_farm(1))
    ]
    cohorts = search([*townspeople(), *farmers])
    found = {cohort.shared: cohort for cohort in cohorts}
    assert len(set(found["network"].users) & set(range(1_000, 1_040))) >= 36
    assert members(cohorts) <= set(range(1_000, 1_040))
    assert "pauses before acts" in found["network"].alike


def test_a_farm_that_shares_no_network_is_found_by_its_program() -> None:
    farmers = [trait_of(1_000 + n, days_of(acts), 9.5) for n, acts in enumerate(a_farm(40))]
    found = members(search([*townspeople(), *farmers]))
    assert len(found & set(range(1_000, 1_040))) >= 36
    assert found <= set(range(1_000, 1_040))


def test_a_family_behind_one_address_is_no_cohort() -> None:
    """Not even one in which all do the same: five are five."""
    family = [
        trait_of(1_000 + n, days_of(acts, "home"), 9.5) for n, acts in enumerate(a_farm(1, 5))
    ]
    assert search([*townspeople(), *family]) == []


def test_a_carriers_customers_are_no_cohort() -> None:
    carried = [
        trait_of(1_000 + n, days_of(acts, "carrier"), n * WEEKS_OF_TOWN / 500)
        for n, acts in enumerate(crowd(2, 500))
    ]
    assert search([*townspeople(), *carried]) == []


def test_a_carrier_of_three_thousand_is_no_cohort_and_hides_no_farm() -> None:
    """The same five hundred six times over, each time with a little of another's day."""
    random, carried = Random(4), []
    for n in range(3_000):
        mixed = days_of(crowd(2, 500)[n % 500], "carrier")[: random.choice((2, 3))]
        carried.append(trait_of(10_000 + n, mixed, random.uniform(0, WEEKS_OF_TOWN)))
    unlike = {each.user_id for each in carried}
    # Six times the same person is no six people: the town has them six times as well.
    town = [msgspec.structs.replace(each, user_id=n) for n, each in enumerate(carried)]
    town = [msgspec.structs.replace(each, networks=(), registered=-99.0) for each in town]
    farmers = [
        trait_of(20_000 + n, days_of(acts, "carrier"), random.uniform(0, WEEKS_OF_TOWN))
        for n, acts in enumerate(a_farm(1))
    ]
    found = members(search([*town, *carried, *farmers], only="network"))
    assert not found & unlike
    assert len(found) >= 30


def test_a_campaigns_day_is_no_cohort() -> None:
    newcomers = [trait_of(1_000 + n, days_of(acts), 9.5) for n, acts in enumerate(crowd(3, 300))]
    assert search([*townspeople(), *newcomers]) == []


def test_without_others_nobody_can_say_what_is_usual() -> None:
    farmers = [trait_of(n, days_of(acts, "rack"), 9.5) for n, acts in enumerate(a_farm(1))]
    assert search(farmers) == []


def test_what_is_not_known_makes_nobody_alike() -> None:
    unknown = [(0.0, math.inf)] * len(NAMES)
    assert likeness(unknown, unknown, [1.0] * len(NAMES)) == 0 < LIKENESS_MIN
    known = [(1.0, 0.01)] * len(NAMES)
    assert likeness(known, unknown, [1.0] * len(NAMES)) == 0
    assert likeness(known, known, [1.0] * len(NAMES)) > LIKENESS_MIN
    assert likeness(known, known, [0.0] * len(NAMES)) == 0  # nobody differs: it says nothing


@pytest.mark.parametrize(
    ("likes", "expected", "is_one"),
    [(7, 0.01, False), (8, 0.01, True), (40, 2.0, True), (40, 11.0, False), (12, 2.9, False)],
)
def test_what_chance_brings_together_is_no_excess(
    likes: int, expected: float, is_one: bool
) -> None:
    assert is_excess(likes, expected) is is_one


async def put_days(world: World, people: list[Person], acts: list[list[list[Act]]]) -> None:
    """Measures of three days of each."""
    statement = sql("""
        INSERT INTO account_days (bucket, day, user_id, measures)
        SELECT :bucket, CAST(:day AS date), :user_id, CAST(:measures AS jsonb)
    """)
    for person, account in zip(people, acts, strict=True):
        async with transaction(world.database) as connection:
            for number, day in enumerate(days_of(account, "rack")):
                at = {"bucket": person.id % 64, "day": DAY + timedelta(days=number)}
                measures = {"user_id": person.id, "measures": encode(day)}
                await run(connection, statement, at | measures)


async def test_a_night_flags_a_cohort_once_until_it_grows(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who solved the CAPTCHA, or was cleared, is left alone until there is new evidence."""
    people = await world.people(3)
    night = START + timedelta(days=3, minutes=50)
    world.move_to(night)
    cohort = Cohort("network", tuple(person.id for person in people), 0.2, ("pauses",))

    async def store(day: date, found: Cohort) -> int:
        return sum(
            [
                await store_cohorts(world.database, p.id % 64, day, {p.id: found}, 0, utcnow())
                for p in people
            ]
        )

    assert await store(DAY, cohort) == 3
    await world.drain()
    refused = await people[0].status()
    assert refused["refusal"]["reason"] == "CAPTCHA_REQUIRED"
    details = msgspec.json.decode(
        await world.value("SELECT details FROM fraud_logs WHERE event_type = 'SHARED_PROGRAM'")
    )
    assert (details["accounts"], details["shared"]) == (3, "network")
    scores = "SELECT score, band, reasons FROM anomaly_scores WHERE user_id = :u"
    [score] = await world.rows(scores, u=people[0].id)
    assert (score.score, score.band) == (61, "REVIEW")
    assert in_words(msgspec.json.decode(score.reasons)) == [
        "one of 3 accounts that look like one program's"
    ]
    assert await store(DAY + timedelta(days=1), cohort) == 0
    grown = msgspec.structs.replace(cohort, users=(*cohort.users, 98, 99))
    actor = Actor(people[1].id, Role.MODERATOR, None)
    assert await clear(world.database, actor, people[0].id, "a school class", utcnow())
    assert await store(DAY + timedelta(days=2), grown) == 2


async def test_the_night_finds_cohorts_among_what_was_measured(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.fraud.anomaly.cohorts.LIKES_MIN", 4)
    monkeypatch.setattr("engine.fraud.anomaly.cohorts.IMPROBABLE", 4.0)
    monkeypatch.setattr("engine.fraud.anomaly.cohorts.OUTSIDE_MIN", 10)
    monkeypatch.setattr("engine.fraud.anomaly.cohorts.LIKENESS_MIN", 2.0)
    people = await world.people(36)
    async with transaction(world.database) as connection:
        for person in people[:24]:
            old = {"bucket": person.id % 64, "id": person.id, "at": START - timedelta(days=60)}
            statement = "UPDATE users SET created_at = :at WHERE bucket = :bucket AND id = :id"
            await run(connection, sql(statement), old)
    await put_days(world, people, [*crowd(1, 24), *a_farm(1, 12)])
    monkeypatch.setattr("workers.scoring.nightly.measure_bucket", measured_already)
    world.move_to(START + timedelta(days=3, minutes=50))
    result = await score_day(world.database, world.table, DAY + timedelta(days=2), utcnow())
    assert result.in_cohorts >= 8
    await world.drain()
    flagged = await world.rows("SELECT user_id FROM fraud_logs WHERE severity = 'HIGH'")
    assert {row.user_id for row in flagged} <= {person.id for person in people[24:]}
    assert len(flagged) >= 8


async def measured_already(*_: object) -> int:
    """The measures are there: as many for each bucket as is enough for a sample of all."""
    return 1
