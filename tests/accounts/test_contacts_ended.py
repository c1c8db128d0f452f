"""Changes of address that end otherwise: with the account, with time, with a process."""

from datetime import datetime

import pytest

from models.accounts.register import IdentityTakenError, Newcomer, register
from models.contacts.change import NoChangeError, cancel_change, confirm_change, find_change
from models.privacy.erasure import ERASE_AFTER, close_account
from runtime.clock import utcnow
from tests.kit.contacts import ANN, BACK, DAY, HOUR, NEW, WAIT, claimed, token, undo, waits, want
from tests.kit.members import hold, joined
from tests.kit.problems import problem_of
from tests.kit.world import World


async def test_nothing_takes_effect_while_the_account_is_off(world: World) -> None:
    person, _ = await joined(world)
    await waits(person)
    switch = "UPDATE users SET is_active = :on WHERE id = :u RETURNING 1"
    await world.rows(switch, on=False, u=person.id)
    await world.go_to(utcnow() + WAIT + HOUR)
    assert await world.value("SELECT status FROM contact_changes") == "WAITING"
    await world.rows(switch, on=True, u=person.id)
    await world.go_to(utcnow() + HOUR)
    assert await world.value("SELECT status FROM contact_changes") == "APPLIED"


async def test_a_request_lapses_after_a_day(world: World) -> None:
    person, _ = await joined(world)
    assert (await want(person)).status_code == 201
    await world.go_to(utcnow() + DAY + HOUR)
    problem_of(await person.get("/v1/me/contact"), 404, "not-found")
    kept = await world.rows("SELECT new_email, new_identity FROM contact_changes")
    assert [tuple(row) for row in kept] == [(None, None)]


async def test_a_suspended_account_changes_nothing(world: World) -> None:
    person, _ = await joined(world)
    await hold(world, person.id, 4, utcnow() + DAY)
    refused = await want(person)
    problem_of(refused, 409, "suspended")
    assert datetime.fromisoformat(refused.json()["retry_at"]) == utcnow() + DAY


@pytest.mark.parametrize("banned", ["suspended", "disabled"])
async def test_a_banned_account_leaves_no_address_to_come_back_with(
    world: World, banned: str
) -> None:
    person, _ = await joined(world)
    await waits(person)
    await world.go_to(utcnow() + WAIT + HOUR)
    until = utcnow() + BACK + 2 * DAY
    if banned == "suspended":
        await hold(world, person.id, 4, until)
    else:
        await world.rows(
            "UPDATE users SET is_active = false WHERE id = :u RETURNING 1", u=person.id
        )
    await world.go_to(utcnow() + BACK + HOUR)
    former = Newcomer("email", "ann+again@example.com", "x")
    with pytest.raises(IdentityTakenError):
        await register(world.database, world.config.keyring, world.table, former, utcnow())
    await world.rows("UPDATE users SET is_active = true WHERE id = :u RETURNING 1", u=person.id)
    await world.go_to(until + HOUR)
    assert await claimed(world) == {(NEW, person.id)}
    again = await register(world.database, world.config.keyring, world.table, former, utcnow())
    assert again.id != person.id


async def test_closing_and_forgetting_take_the_change_along(world: World) -> None:
    person, _ = await joined(world)
    await waits(person)
    await close_account(world.database, world.services.copies, person.id, utcnow())
    problem_of(await undo(world, token(world)), 422, "code-wrong")
    await world.go_to(utcnow() + ERASE_AFTER + HOUR)
    await world.go_to(utcnow() + WAIT + HOUR)
    assert await world.value("SELECT count(*) FROM contact_changes") == 0
    assert await claimed(world) == set()
    assert await world.value("SELECT email FROM users WHERE id = :u", u=person.id) is None


async def test_an_export_shows_the_change_and_no_way_in(world: World) -> None:
    person, _ = await joined(world)
    await waits(person)
    [row] = (await person.get("/v1/me/export")).json()["tables"]["contact_changes"]
    assert (row["new_email"], row["old_email"], row["status"]) == (NEW, ANN, "WAITING")
    assert token(world) not in str(row)


async def test_what_is_confirmed_too_late_claims_nothing(world: World) -> None:
    person, _ = await joined(world)
    assert (await want(person)).status_code == 201
    change = await find_change(world.database, person.id)
    assert change is not None
    await cancel_change(world.database, person.id, utcnow())
    with pytest.raises(NoChangeError):
        await confirm_change(world.database, change, utcnow() + WAIT, utcnow())
    assert await claimed(world) == {(ANN, person.id)}
    assert await world.value("SELECT count(*) FROM identities") == 1


async def test_what_an_ended_process_left_is_given_up(world: World) -> None:
    """It ended the change, and nothing after that."""
    person, _ = await joined(world)
    await waits(person)
    await world.rows(
        """UPDATE contact_changes SET status = 'CANCELLED', ended_at = CAST(:now AS timestamptz),
               new_email = NULL, old_email = NULL RETURNING 1"""
    )
    await world.go_to(utcnow() + HOUR)
    assert await claimed(world) == {(ANN, person.id)}
