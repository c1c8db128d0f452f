"""Versions of the configuration: who changes it, from when on it holds, and what it cannot be."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from engine.admin.configuration import (
    BASE_RATE_MICRO_MAX,
    LIMITS,
    Configuration,
    ConfigurationError,
    check_configuration,
)
from engine.core.limit import Limit
from engine.core.money import format_amount
from engine.core.role import Role
from engine.core.versions import Version, in_force
from engine.ledger.vesting import Vesting
from engine.tasks.state import Category
from models.base.db import DATABASE_ERRORS, connected, run, sql, transaction
from models.installation.configuration import load_versions
from runtime.clock import utcnow
from tests.kit.staff import configure, judge_pay, staff
from tests.kit.words import START
from tests.kit.world import Person, World

PATH = "/v1/admin/configuration"


def body(after: int, **changes: Any) -> dict[str, Any]:
    settings = msgspec.to_builtins(replace(Configuration(), **changes))
    return {"after": after, "settings": settings, "reason": "the market moved"}


@pytest.mark.parametrize(
    "changes",
    [
        {"base_rate_micro_per_hour": 0},
        {"base_rate_micro_per_hour": BASE_RATE_MICRO_MAX + 1},
        {"boosts_per_day": -1},
        {"boosts_per_day": 21},
        {"bonus_micro": 0},
        {"task_mix": {Category.ADS: 19}},
        {"task_mix": {Category.ADS: 21, Category.QUIZ: -1}},
        {"limits": {}},
        {"limits": Configuration().limits | {"more": Limit(1, 1)}},
        {"limits": Configuration().limits | {"mining": Limit(0, 1)}},
        {"contact_wait_hours": 23},
        {"contact_wait_hours": 721},
        {"contact_back_days": 2},
        {"vesting": Vesting(daily_limit_micro=-1)},
        {"vesting": Vesting(days=366)},
        {"vesting": Vesting(days=8, days_one_address=7)},
        {"vesting": Vesting(score_below=0)},
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    check_configuration(Configuration())
    with pytest.raises(ConfigurationError):
        check_configuration(replace(Configuration(), **changes))


def test_the_highest_version_whose_time_has_come_holds() -> None:
    hour = timedelta(hours=1)
    versions = [
        Version(n, START + n * hour, replace(Configuration(), boosts_per_day=n))
        for n in range(1, 4)
    ]
    for offset, number in ((0, 1), (1, 1), (1.99, 1), (2, 2), (3, 3), (99, 3)):
        assert in_force(versions, START + offset * hour).boosts_per_day == number


async def test_a_new_rate_holds_for_later_starts_only(world: World) -> None:
    early, late = await world.people(2, group_number=1)
    await world.go_to(early.next_opening())
    await configure(world, base_rate_micro_per_hour=30_000_000)
    await early.mine()
    await world.go_to(utcnow() + timedelta(minutes=5))
    await late.mine()
    await world.live_until(utcnow() + timedelta(hours=5))
    assert (await early.balance(), await late.balance()) == ("100.000000", "120.000000")


async def test_the_highest_rate_that_may_be_set_is_mined_with(world: World) -> None:
    person = await world.person(group_number=1)
    await configure(world, base_rate_micro_per_hour=BASE_RATE_MICRO_MAX)
    await world.go_to(person.next_opening())
    assert (await person.mine())["status"] == "APPLIED"
    await world.live_until(utcnow() + timedelta(hours=5))
    assert await person.balance() == format_amount(4 * BASE_RATE_MICRO_MAX)


async def test_two_change_it_and_the_trail_says_so(world: World) -> None:
    chief, other = await staff(world, Role.SUPERADMIN), await staff(world, Role.SUPERADMIN)
    answer = await chief.post(PATH, body(1, boosts_per_day=4))
    assert answer.status_code == 202, answer.text
    assert answer.json()["changes"] == {"boosts_per_day": [3, 4]}
    world.move_to(utcnow() + timedelta(hours=1))
    shown = (await chief.get(PATH)).json()
    assert [v["version"] for v in shown["versions"]] == [1]  # one alone changes nothing
    assert (await judge_pay(other, answer.json())).json()["status"] == "APPROVED"
    shown = (await chief.get(PATH)).json()
    assert [(v["version"], v["author_id"]) for v in shown["versions"]] == [(2, chief.id), (1, None)]
    assert shown["in_force"]["boosts_per_day"] == 3
    world.move_to(utcnow() + timedelta(minutes=5))
    assert (await chief.get(PATH)).json()["in_force"]["boosts_per_day"] == 4
    entries = (await chief.get("/v1/admin/log")).json()["items"]
    told = {
        e["action"]: (e["actor_id"], e["after"]) for e in entries if e["subject_kind"] != "user"
    }
    assert told["configuration.change"] == (other.id, {"boosts_per_day": 4})
    assert told["pay.propose"][0] == chief.id
    assert told["pay.approve"][0] == other.id


async def test_what_a_release_before_wrote_has_the_limits_that_are_new(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    chief, other = await staff(world, Role.SUPERADMIN), await staff(world, Role.SUPERADMIN)
    proposed = await chief.post(PATH, body(1, boosts_per_day=4))
    with monkeypatch.context() as newer:
        newer.setitem(LIMITS, "gifts", Limit(5, 60))
        approved = await judge_pay(other, proposed.json())
        assert approved.json()["status"] == "APPROVED", approved.text
        async with connected(world.database) as connection:
            stored, last = await load_versions(connection)
    assert stored.settings.limits["gifts"] == last.settings.limits["gifts"] == Limit(5, 60)
    assert last.settings.boosts_per_day == 4


async def test_two_at_once_do_not_overwrite_each_other(world: World) -> None:
    chief, other = await staff(world, Role.SUPERADMIN), await staff(world, Role.SUPERADMIN)
    first = await chief.post(PATH, body(1, boosts_per_day=4))
    assert (await other.post(PATH, body(1, boosts_per_day=5))).status_code == 409  # one is open
    await configure(world, boosts_per_day=6)
    late = await judge_pay(other, first.json())
    assert (late.status_code, late.json()["type"]) == (409, "urn:twtc:problem:conflict")
    assert (await judge_pay(chief, first.json(), "reject")).status_code == 200
    second = await chief.post(PATH, body(1, boosts_per_day=5))
    assert (second.status_code, second.json()["type"]) == (409, "urn:twtc:problem:conflict")
    same = await chief.post(PATH, body(2, boosts_per_day=6))
    assert same.status_code == 400


@pytest.mark.parametrize("name", ["base_rate_micro_per_hour", "bonus_micro"])
async def test_a_version_pays_twice_what_was_paid_at_most(world: World, name: str) -> None:
    chief = await staff(world, Role.SUPERADMIN)
    twice = 2 * getattr(Configuration(), name)
    assert (await chief.post(PATH, body(1, **{name: twice + 1}))).status_code == 400
    assert (await chief.post(PATH, body(1, **{name: twice}))).status_code == 202


@pytest.mark.parametrize(
    "settings",
    [{"boosts_per_day": 99}, {"unknown": 1}, {"limits": {"mining": {"quota": "x"}}}],
)
async def test_a_bad_configuration_changes_nothing(world: World, settings: dict[str, Any]) -> None:
    chief = await staff(world, Role.SUPERADMIN)
    sent = body(1)
    sent["settings"] |= settings
    assert (await chief.post(PATH, sent)).status_code == 400
    assert len((await chief.get(PATH)).json()["versions"]) == 1


async def test_no_version_holds_for_the_past_and_none_changes(world: World) -> None:
    statement = sql("""
        INSERT INTO configuration_versions
            (version, settings, changed, author_id, reason, created_at, effective_from)
        VALUES (2, '{}', '{}', 1, '', :now, :now)""")
    for wrong in (statement, sql("UPDATE configuration_versions SET reason = 'x'")):
        with pytest.raises(DATABASE_ERRORS):
            async with transaction(world.database) as connection:
                await run(connection, wrong, {"now": utcnow()} if wrong.names else None)


async def test_the_number_of_boosts_is_the_configured_one(world: World) -> None:
    person: Person = await world.person()
    await configure(world, boosts_per_day=7)
    world.move_to(utcnow() + timedelta(minutes=6))
    assert (await person.get("/v1/videos")).json()["boosts_left_today"] == 7
