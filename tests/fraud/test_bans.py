"""Whoever closes an account that is held, and comes back, goes on where they stopped."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from engine.core.role import Role
from engine.fraud.levels import Alert, Hold, lasts_until, worst
from models.accounts.bans import INACTIVE
from models.accounts.register import Newcomer, register
from models.privacy.erasure import CLOSING_WAITS_MAX, ERASE_AFTER, close_account, close_inactive
from runtime.clock import utcnow
from tests.kit.members import close, hold, joined
from tests.kit.problems import problem_of
from tests.kit.staff import staff
from tests.kit.words import START
from tests.kit.world import Person, World

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
SIGNALS = {"screen": "1x1@1", "timezone": "UTC", "language": "en", "canvas": "c", "webgl": "w"}


async def alert_of(world: World, user_id: int) -> tuple[int | None, Any, datetime | None]:
    """Level, hold and its end, as they are kept."""
    [row] = await world.rows(
        """SELECT t.level, u.hold, u.hold_until FROM users u
           LEFT JOIN fraud_trails t ON t.bucket = u.bucket AND t.user_id = u.id
           WHERE u.id = :u""",
        u=user_id,
    )
    return row.level, row.hold, row.hold_until


async def forget(world: World) -> None:
    """Let the hour go by after which a closed account is erased."""
    await world.go_to(utcnow() + ERASE_AFTER + HOUR)


async def newcomer(world: World, kind: str, value: str) -> int:
    keyring = world.config.keyring
    account = await register(
        world.database, keyring, world.table, Newcomer(kind, value, "x"), utcnow()
    )
    return account.id


async def tell_device(person: Person) -> None:
    assert (await person.post("/v1/me/device", SIGNALS)).status_code == 200
    await person.world.drain()


async def test_a_suspended_account_is_closed_when_that_is_over(world: World) -> None:
    person, _ = await joined(world)
    until = utcnow() + DAY
    await hold(world, person.id, 4, until)
    problem_of(await close(person, "another password"), 403, "password-wrong")
    refused = await close(person)
    problem_of(refused, 409, "suspended")
    assert datetime.fromisoformat(refused.json()["retry_at"]) == until
    world.move_to(until)
    assert (await close(person)).status_code == 200


async def test_nobody_waits_longer_than_a_month_to_be_forgotten(world: World) -> None:
    person, _ = await joined(world)
    until = utcnow() + CLOSING_WAITS_MAX + SECOND
    await hold(world, person.id, 4, until)
    assert (await close(person)).status_code == 200
    await forget(world)
    assert await world.value("SELECT email FROM users WHERE id = :u", u=person.id) is None
    again = await newcomer(world, "email", "ann+again@example.com")
    assert await alert_of(world, again) == (4, "SUSPENDED", until)
    [told] = await world.rows("SELECT user_id, event_type, severity FROM fraud_logs")
    assert tuple(told) == (again, "CAME_BACK", "HIGH")
    world.move_to(until)
    await world.go_to(until + DAY)
    assert await world.value("SELECT count(*) FROM bans") == 0


async def test_a_level_outlives_its_account_until_it_has_decayed(world: World) -> None:
    person, _ = await joined(world)
    await hold(world, person.id, 3, None)
    raised_at = utcnow()
    assert (await close(person)).status_code == 200
    await forget(world)
    again = await newcomer(world, "email", "ann@example.com")
    assert await alert_of(world, again) == (3, None, None)
    kept = await world.value("SELECT raised_at FROM fraud_trails WHERE user_id = :u", u=again)
    assert kept == raised_at
    await close_account(world.database, world.services.copies, again, utcnow())
    world.move_to(raised_at + 3 * DAY)
    await forget(world)
    third = await newcomer(world, "email", "ann@example.com")
    assert await alert_of(world, third) == (None, None, None)


async def test_a_number_is_remembered_as_well(world: World) -> None:
    first = await newcomer(world, "phone", "+4915112345678")
    until = utcnow() + 60 * DAY
    await hold(world, first, 4, until)
    await close_account(world.database, world.services.copies, first, utcnow())
    await forget(world)
    again = await newcomer(world, "phone", "+4915112345678")
    assert await alert_of(world, again) == (4, "SUSPENDED", until)
    assert await alert_of(world, await newcomer(world, "phone", "+4915112345679")) == (
        None,
        None,
        None,
    )


async def test_whoever_left_with_nothing_against_them_leaves_nothing(world: World) -> None:
    person, _ = await joined(world)
    await tell_device(person)
    assert (await close(person)).status_code == 200
    await forget(world)
    assert await world.value("SELECT count(*) FROM bans") == 0
    assert await world.value("SELECT count(*) FROM mailboxes") == 0


async def test_a_banned_account_is_remembered_for_two_years_once_it_is_closed(
    world: World,
) -> None:
    admin, person = await staff(world, Role.ADMIN), (await joined(world))[0]
    answer = await admin.post(f"/v1/admin/users/{person.id}/disable", {"reason": "a farm"})
    assert answer.status_code == 200
    await world.rows("UPDATE users SET last_login_at = CAST(:now AS timestamptz) RETURNING 1")
    away = utcnow() + INACTIVE + SECOND
    world.move_to(away)
    assert await close_inactive(world.database, world.shop.copies, away) >= 1
    world.move_to(away + 2 * HOUR)
    await world.go_to(away + 3 * HOUR)
    again = await newcomer(world, "email", "a.nn@example.com")
    assert await alert_of(world, again) == (None, None, None)  # dots count at that provider
    again = await newcomer(world, "email", "ann+1@example.com")
    assert await alert_of(world, again) == (0, "SUSPENDED", away + INACTIVE)


async def test_a_device_is_remembered_for_whoever_is_new_on_it(world: World) -> None:
    person, _ = await joined(world)
    sister, _ = await joined(world, "bob@example.com")
    for owner in (person, sister):
        await tell_device(owner)
    await hold(world, person.id, 4, utcnow() + 60 * DAY)
    assert (await close(person)).status_code == 200
    await forget(world)
    stranger, _ = await joined(world, "carl@example.com")
    for owner in (stranger, sister, stranger):
        await tell_device(owner)
    assert (await alert_of(world, stranger.id))[:2] == (4, "SUSPENDED")
    assert (await alert_of(world, sister.id))[1] is None
    events = await world.rows("SELECT user_id, event_type FROM fraud_logs ORDER BY created_at")
    assert [tuple(row) for row in events] == [(stranger.id, "CAME_BACK")]


async def flagged(world: World, user_id: int) -> list[dict[str, Any]]:
    """What somebody was flagged for as one who came back."""
    found = await world.rows(
        "SELECT details FROM fraud_logs WHERE event_type = 'CAME_BACK' AND user_id = :u", u=user_id
    )
    return [msgspec.json.decode(row.details) for row in found]


@pytest.mark.parametrize("banned", ["suspend", "disable"])
async def test_whoever_is_banned_does_not_come_back_beside_the_account(
    world: World, banned: str
) -> None:
    chief, owner = await staff(world, Role.SUPERADMIN), await world.person()
    await tell_device(owner)
    reason = {"reason": "a farm"}
    answer = await chief.post(f"/v1/admin/users/{owner.id}/{banned}", reason)
    assert answer.is_success, answer.text
    again = await world.person()
    for _ in range(2):
        await tell_device(again)
    assert len(await flagged(world, again.id)) == 1
    assert (await alert_of(world, again.id))[1] == "SUSPENDED"
    assert (await again.post("/v1/tasks/1/started")).status_code == 403


async def test_whoever_is_suspended_names_no_device_of_others(world: World) -> None:
    owner, person = await world.people(2)
    await hold(world, owner.id, 4, utcnow() + DAY)
    await tell_device(owner)
    await tell_device(person)
    assert await flagged(world, person.id) == []
    world.move_to(utcnow() + DAY)
    await tell_device(owner)
    assert await world.value("SELECT count(*) FROM fingerprints") == 2


@pytest.mark.parametrize("over", ["CAPTCHA", "SUSPENDED", "released", "closed"])
async def test_whoever_is_not_banned_brings_nobody_anything(world: World, over: str) -> None:
    owner = await world.person()
    await tell_device(owner)
    if over == "closed":
        await close_account(world.database, world.services.copies, owner.id, utcnow())
    else:
        until = utcnow() + (DAY if over == "CAPTCHA" else -SECOND)
        await hold(world, owner.id, 3, until)
        await world.rows(
            "UPDATE users SET hold = :hold WHERE id = :u RETURNING 1",
            hold="CAPTCHA" if over == "CAPTCHA" else "SUSPENDED",
            u=owner.id,
        )
    sister = await world.person()
    await tell_device(sister)
    assert await flagged(world, sister.id) == []
    assert (await alert_of(world, sister.id))[1] is None


async def test_a_closed_account_counts_before_it_is_forgotten(world: World) -> None:
    owner = await world.person()
    await tell_device(owner)
    await hold(world, owner.id, 4, utcnow() + 60 * DAY)
    await close_account(world.database, world.services.copies, owner.id, utcnow())
    again = await world.person()
    await tell_device(again)
    assert await flagged(world, again.id) == [{"level": 4}]


@pytest.mark.parametrize(("level", "flagged"), [(2, 1), (0, 0)])
async def test_closed_accounts_count_on_a_device_while_they_are_remembered(
    world: World, level: int, flagged: int
) -> None:
    for number in range(3):
        user_id = await newcomer(world, "email", f"u{number}@example.com")
        await tell_device(Person(world, user_id, 1))
        await hold(world, user_id, level, None)
        await close_account(world.database, world.services.copies, user_id, utcnow())
    await forget(world)
    assert await world.value("SELECT count(*) FROM fingerprints") == 0
    await tell_device(Person(world, await newcomer(world, "email", "v@example.com"), 1))
    many = "SELECT count(*) FROM intents WHERE kind = 'fraud.flag' AND payload @> :event"
    query = many.replace(":event", """'{"event": "MULTI_ACCOUNT"}'""")
    assert await world.value(query) == flagged


def test_what_lasts_longest_of_several() -> None:
    at, later = START, START + 9 * DAY
    over = Alert(1, at - DAY, None, None)
    assert lasts_until(over, at) is None
    assert worst([over], at) is None
    high = Alert(4, at - DAY)
    assert lasts_until(high, at) == at + 3 * DAY
    captcha = Alert(0, None, Hold.CAPTCHA, later)
    suspended = Alert(1, at, Hold.SUSPENDED, at + DAY)
    assert worst([over, high, captcha], at) == Alert(4, at - DAY, Hold.CAPTCHA, later)
    found = worst([suspended, high, captcha], at)
    assert found == Alert(4, at - DAY, Hold.SUSPENDED, at + DAY)
