"""Changing what one signs in with: both sides are told, it waits, and there is a way back."""

import asyncio
import re
from datetime import datetime, timedelta
from typing import Any

import httpx
import pyotp
import pytest
from msgspec.structs import replace

from api.messages.senders import NoGateway
from engine.admin.permissions import Role
from models.accounts.register import IdentityTakenError, Newcomer, register
from models.contacts.change import NoChangeError, cancel_change, confirm_change, find_change
from models.privacy.erasure import ERASE_AFTER, close_account
from runtime.clock import utcnow
from tests.kit.accounts import PASSWORD, auth, forgotten, sent_code
from tests.kit.contacts import (
    ANN,
    BACK,
    DAY,
    HOUR,
    MINUTE,
    NEW,
    WAIT,
    claimed,
    claimed_all,
    confirm,
    emails,
    message,
    signs_in,
    token,
    told,
    undo,
    waits,
    want,
)
from tests.kit.members import hold, joined, whole_database
from tests.kit.problems import problem_of
from tests.kit.staff import promote, staff
from tests.kit.world import Person, World


async def test_a_change_waits_for_two_days_then_ends_the_other_sign_ins(world: World) -> None:
    person, tokens = await joined(world)
    elsewhere = (await auth(world, "login", email=ANN, password=PASSWORD)).json()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    body = {"email": NEW, "password": PASSWORD}
    asked = await world.http.post("/v1/me/contact", json=body, headers=bearer)
    assert asked.status_code == 201
    await told(world)
    confirmed = await confirm(person, "new", NEW)
    at = utcnow() + WAIT
    assert datetime.fromisoformat(confirmed.json()["effective_at"]) == at
    assert NEW in message(world, ANN)
    # Nothing has changed so far, but both are taken.
    assert await emails(person) == ANN
    assert await signs_in(world, ANN) and not await signs_in(world, NEW)
    assert await claimed(world) == {(ANN, person.id), (NEW, person.id)}
    for email in (ANN, NEW, "ann.new+x@example.com"):
        with pytest.raises(IdentityTakenError):
            newcomer = Newcomer("email", email, "x")
            keyring, table = world.config.keyring, world.table
            await register(world.database, keyring, table, newcomer, utcnow())
    await world.go_to(at - timedelta(minutes=10))
    assert await emails(person) == ANN
    await world.go_to(at + timedelta(minutes=10))
    assert await emails(person) == NEW
    assert await signs_in(world, NEW) and not await signs_in(world, ANN)
    here = await auth(world, "refresh", refresh_token=tokens["refresh_token"])
    there = await auth(world, "refresh", refresh_token=elsewhere["refresh_token"])
    assert (here.status_code, there.status_code) == (200, 401)
    # The way back ends: only then the former address is somebody else's to take.
    assert await claimed(world) == {(ANN, person.id), (NEW, person.id)}
    await world.go_to(utcnow() + BACK + HOUR)
    assert await claimed(world) == {(NEW, person.id)}
    problem_of(await person.get("/v1/me/contact"), 404, "not-found")
    problem_of(await undo(world, token(world)), 422, "code-wrong")
    text = await whole_database(world)
    assert world.config.keyring.index("email", ANN) not in text


async def test_the_former_address_makes_it_so_at_once(world: World) -> None:
    person, _ = await joined(world)
    await waits(person)
    confirmed = await confirm(person, "old", ANN)
    assert confirmed.json()["status"] == "APPLIED"
    assert datetime.fromisoformat(confirmed.json()["back_until"]) == utcnow() + BACK
    assert await emails(person) == NEW
    assert await signs_in(world, NEW)


async def test_the_former_address_stops_it_while_it_waits(world: World) -> None:
    person, _ = await joined(world)
    await waits(person)
    undone = await undo(world, f" {token(world)} ")
    assert undone.json() == {"status": "CANCELLED"}
    assert await claimed(world) == {(ANN, person.id)}
    await world.go_to(utcnow() + WAIT + HOUR)
    assert await emails(person) == ANN
    assert await signs_in(world, ANN)  # nobody got in: the password stays
    problem_of(await undo(world, token(world)), 422, "code-wrong")


async def test_the_former_address_takes_it_back_for_a_week(world: World) -> None:
    person, tokens = await joined(world)
    await waits(person)
    await world.go_to(utcnow() + WAIT + HOUR)
    assert await emails(person) == NEW
    thiefs = (await auth(world, "login", email=NEW, password=PASSWORD)).json()
    world.move_to(utcnow() + BACK - 2 * HOUR)
    undone = await undo(world, token(world))
    assert undone.json() == {"status": "REVERTED"}
    assert await emails(person) == ANN
    for email in (ANN, NEW):
        assert not await signs_in(world, email)
    for each in (tokens, thiefs):
        refused = await auth(world, "refresh", refresh_token=each["refresh_token"])
        assert refused.status_code == 401
    assert await claimed(world) == {(ANN, person.id)}
    ticket = await forgotten(world)
    await told(world)
    chosen = {"ticket": ticket, "password": "another password", "code": sent_code(world, ANN)}
    assert (await auth(world, "password/reset", **chosen)).status_code == 200
    assert await signs_in(world, ANN, "another password")


async def test_a_factor_of_whoever_changed_it_goes_with_the_change(world: World) -> None:
    person, _ = await joined(world)
    await waits(person)
    begun = (await person.post("/v1/auth/mfa/totp", {"password": PASSWORD})).json()["secret"]
    code = {"code": pyotp.TOTP(begun).at(utcnow())}
    assert (await person.post("/v1/auth/mfa/totp/confirm", code)).status_code == 200
    await world.go_to(utcnow() + WAIT + HOUR)
    assert (await undo(world, token(world))).json() == {"status": "REVERTED"}
    for table in ("second_factors", "recovery_codes"):
        assert await world.value(f"SELECT count(*) FROM {table}") == 0
    ticket = await forgotten(world)
    await told(world)
    chosen = {"ticket": ticket, "password": "another password", "code": sent_code(world, ANN)}
    assert (await auth(world, "password/reset", **chosen)).status_code == 200
    owner = await auth(world, "login", email=ANN, password="another password")
    assert owner.json()["access_token"]


@pytest.mark.parametrize("address", [NEW, "+966507654321"])
async def test_both_former_addresses_are_told(world: World, address: str) -> None:
    person, _ = await joined(world)
    number = "+966501234567"
    kept = world.config.keyring.seal("phone", person.id, number)
    await world.rows("UPDATE users SET phone = :kept RETURNING 1", kept=kept)
    await waits(person, address)
    word = token(world)
    assert address in message(world, ANN) and "makes it so at once" in message(world, ANN)
    # As before one address alone hastens it; the other one is told, and can take it back.
    assert address in message(world, number) and sent_code(world, ANN) not in message(world, number)
    assert "support" not in message(world, number)
    assert token(world, number) == word
    assert (await undo(world, token(world, number))).json() == {"status": "CANCELLED"}


async def test_nobody_learns_whether_an_address_is_known(world: World) -> None:
    person, _ = await joined(world)
    await joined(world, "bob@example.com")
    world.move_to(utcnow() + MINUTE)
    answers = []
    for address in ("bob@example.com", "bob+1@example.com", "nobody@example.com"):
        asked = await want(person, address)
        shown = await person.get("/v1/me/contact")
        resent = await person.post("/v1/me/contact/code", {"address": "new"})
        body = {"address": "new", "code": "000000"}
        wrong = await person.post("/v1/me/contact/confirm", body)
        answers.append(
            [
                (answer.status_code, answer.text.replace(address, "X"))
                for answer in (asked, shown, resent, wrong)
            ]
        )
        assert (
            await person.world.http.delete("/v1/me/contact", headers=person.headers)
        ).status_code == 204
        world.move_to(utcnow() + MINUTE)
    assert [[status for status, _ in each] for each in answers] == [[201, 200, 429, 422]] * 3
    shapes = [[re.sub(r"2026-[^\"]+", "T", text) for _, text in each] for each in answers]
    assert shapes[0] == shapes[1] == shapes[2]
    assert "asked for" in message(world, "bob@example.com")
    assert "asked for" in message(world, "bob+1@example.com")
    assert sent_code(world, "nobody@example.com")
    assert len(await claimed_all(world)) == 2


@pytest.mark.parametrize("times", range(3))
async def test_of_two_changes_to_one_mailbox_one_wins(world: World, times: int) -> None:
    ann, _ = await joined(world)
    bob, _ = await joined(world, "bob@example.com")
    addresses = {ann: "carl@example.com", bob: "carl+1@example.com"}
    for person, address in addresses.items():
        assert (await want(person, address)).status_code == 201
    answers = await asyncio.gather(
        *(confirm(person, "new", address) for person, address in addresses.items())
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    loser = ann if answers[0].status_code == 409 else bob
    problem_of(next(a for a in answers if a.status_code == 409), 409, "identity-taken")
    owners = {user for name, user in await claimed(world) if name == "carl@example.com"}
    assert owners == {ann.id, bob.id} - {loser.id}
    problem_of(await loser.get("/v1/me/contact"), 404, "not-found")
    await world.go_to(utcnow() + WAIT + HOUR)
    assert sorted([await emails(ann) or "", await emails(bob) or ""]) == sorted(
        [addresses[ann if loser is bob else bob], ANN if loser is ann else "bob@example.com"]
    )


async def test_a_newcomer_and_a_change_cannot_both_have_it(world: World) -> None:
    person, _ = await joined(world)
    assert (await want(person)).status_code == 201
    newcomer = Newcomer("email", NEW, "x")
    await register(world.database, world.config.keyring, world.table, newcomer, utcnow())
    problem_of(await confirm(person, "new", NEW), 409, "identity-taken")
    assert await emails(person) == ANN


async def test_two_confirmations_at_once_and_a_word_against_them(world: World) -> None:
    person, _ = await joined(world)
    await waits(person)
    word = token(world)
    answers = await asyncio.gather(
        confirm(person, "old", ANN),
        confirm(person, "old", ANN),
        undo(world, word),
        undo(world, word),
    )
    applied = [answer.status_code for answer in answers[:2]].count(200)
    undone = [answer.status_code for answer in answers[2:]].count(200)
    assert applied <= 1 and undone == 1
    assert await emails(person) == ANN
    assert await claimed(world) == {(ANN, person.id)}


async def test_the_password_and_the_second_factor_guard_it(world: World) -> None:
    person, _ = await joined(world)
    problem_of(await want(person, password="not the password"), 403, "password-wrong")
    secret = (await person.post("/v1/auth/mfa/totp", {"password": PASSWORD})).json()["secret"]
    totp = pyotp.TOTP(secret)
    first = totp.at(utcnow())
    kept = await person.post("/v1/auth/mfa/totp/confirm", {"code": first})
    recovery = kept.json()["recovery_codes"][0]
    problem_of(await want(person), 403, "second-factor-needed")
    used = {"method": "totp", "code": first}  # it turned the factor on: not fresh
    problem_of(await want(person, second_factor=used), 422, "code-wrong")
    world.move_to(utcnow() + MINUTE)
    fresh = {"method": "totp", "code": totp.at(utcnow())}
    assert (await want(person, second_factor=fresh)).status_code == 201
    world.move_to(utcnow() + MINUTE)
    spare = {"method": "recovery", "code": recovery}
    assert (await want(person, second_factor=spare)).status_code == 201
    for number in range(5):
        wrong = {"method": "recovery", "code": f"{number:020}"}
        problem_of(await want(person, second_factor=wrong), 422, "code-wrong")
    problem_of(await want(person, second_factor=spare), 429, "mfa-locked")


async def test_a_factor_of_codes_sends_one_when_it_is_needed(world: World) -> None:
    person, _ = await joined(world)
    assert (await person.post("/v1/auth/mfa/code", {"password": PASSWORD})).status_code == 200
    problem_of(await want(person), 403, "second-factor-needed")
    given = {"method": "code", "code": sent_code(world, ANN)}
    assert (await want(person, second_factor=given)).status_code == 201


@pytest.mark.parametrize(
    ("address", "status", "problem"),
    [
        (ANN, 400, "bad-request"),
        ("one<me@x.example>", 400, "bad-request"),
        ("me@mailinator.com", 422, "address-disposable"),
        ("12", 400, "bad-request"),
    ],
)
async def test_what_cannot_be_is_refused(
    world: World, address: str, status: int, problem: str
) -> None:
    person, _ = await joined(world)
    problem_of(await want(person, address), status, problem)
    assert await world.value("SELECT count(*) FROM contact_changes") == 0


async def test_ones_own_address_in_another_form_is_no_other(world: World) -> None:
    """Giving it up, unconfirmed, would give up what one signs in with."""
    person, _ = await joined(world)
    kept = world.config.keyring.seal("email", person.id, "Ann@Example.com")  # as in older rows
    await world.rows("UPDATE users SET email = :kept RETURNING 1", kept=kept)
    answer = await want(person, ANN)
    await world.http.delete("/v1/me/contact", headers=person.headers)
    assert await signs_in(world, ANN)
    problem_of(answer, 400, "bad-request")


async def test_no_number_is_taken_that_cannot_be_told(world: World) -> None:
    person, _ = await joined(world)
    services = world.services
    messenger = replace(services.messenger, phone=NoGateway())
    world.app.state.services = replace(services, messenger=messenger)
    problem_of(await want(person, "+966501234567"), 400, "bad-request")


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


async def test_one_change_at_a_time_until_its_way_back_is_over(world: World) -> None:
    person, _ = await joined(world)
    await waits(person)
    world.move_to(utcnow() + MINUTE)
    problem_of(await want(person, "third@example.com"), 409, "conflict")
    await world.go_to(utcnow() + WAIT + HOUR)
    refused = await want(person, "third@example.com")
    problem_of(refused, 409, "conflict")
    until = datetime.fromisoformat(refused.json()["retry_at"])
    cancelled = await world.http.delete("/v1/me/contact", headers=person.headers)
    problem_of(cancelled, 404, "not-found")  # only the former address takes it back
    await world.go_to(until + HOUR)
    assert (await want(person, "third@example.com")).status_code == 201


async def test_another_request_replaces_one_that_was_not_confirmed(world: World) -> None:
    person, _ = await joined(world)
    assert (await want(person)).status_code == 201
    problem_of(await want(person, "other@example.com"), 429, "code-sent")
    first = sent_code(world, NEW)
    world.move_to(utcnow() + MINUTE)
    assert (await want(person, "other@example.com")).status_code == 201
    if first != sent_code(world, "other@example.com"):  # once in a million
        body = {"address": "new", "code": first}
        problem_of(await person.post("/v1/me/contact/confirm", body), 422, "code-wrong")
    assert (await confirm(person, "new", "other@example.com")).status_code == 200
    assert await claimed_all(world) and len(await claimed_all(world)) == 2


async def test_a_request_lapses_after_a_day(world: World) -> None:
    person, _ = await joined(world)
    assert (await want(person)).status_code == 201
    await world.go_to(utcnow() + DAY + HOUR)
    problem_of(await person.get("/v1/me/contact"), 404, "not-found")
    kept = await world.rows("SELECT new_email, new_identity FROM contact_changes")
    assert [tuple(row) for row in kept] == [(None, None)]


async def test_a_number_is_added_and_changed_in_the_same_way(world: World) -> None:
    person, _ = await joined(world)
    await waits(person, "+4915112345678")
    assert "+4915112345678" in message(world, ANN)
    await world.go_to(utcnow() + WAIT + HOUR)
    me = (await person.get("/v1/me")).json()
    assert (me["email"], me["phone"]) == (ANN, "+4915112345678")
    login = {"phone": "+49 151 12345678", "password": PASSWORD}
    assert (await auth(world, "login", **login)).status_code == 200
    assert (await undo(world, token(world))).json() == {"status": "REVERTED"}
    me = (await person.get("/v1/me")).json()
    assert (me["email"], me["phone"]) == (ANN, None)


async def test_an_alias_of_ones_own_mailbox_is_free(world: World) -> None:
    person, _ = await joined(world)
    await waits(person, "ann+shop@example.com")
    await world.go_to(utcnow() + WAIT + HOUR)
    assert await emails(person) == "ann+shop@example.com"
    await world.go_to(utcnow() + BACK + HOUR)
    assert await claimed(world) == {(ANN, person.id)}  # the mailbox is still theirs
    assert await world.value("SELECT count(*) FROM identities") == 1


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


async def _propose(by: Person, user: Person, address: str = NEW) -> httpx.Response:
    body = {"email": address, "reason": "showed their papers"}
    return await by.post(f"/v1/admin/users/{user.id}/contact-changes", body)


async def _decide(by: Person, row: dict[str, Any], what: str = "approve") -> httpx.Response:
    path = f"/v1/admin/users/{row['user_id']}/contact-changes/{row['id']}/{what}"
    answer = await by.post(path, {"note": "looked at it"})
    await told(by.world)
    return answer


async def test_support_changes_it_with_four_eyes_and_it_waits(world: World) -> None:
    person, _ = await joined(world)
    one, other = await staff(world, Role.ADMIN), await staff(world, Role.ADMIN)
    proposed = await _propose(one, person)
    assert proposed.status_code == 201, proposed.text
    row = proposed.json()
    problem_of(await _decide(one, row), 409, "conflict")
    assert (await _decide(other, row)).json()["status"] == "WAITING"
    assert "support" in message(world, ANN) and token(world)
    assert "use this address" in message(world, NEW)
    problem_of(await _decide(other, row), 409, "conflict")
    for side in ("new", "old"):  # codes have no say in it
        body = {"address": side, "code": "123456"}
        problem_of(await person.post("/v1/me/contact/confirm", body), 404, "not-found")
    await world.go_to(utcnow() + WAIT + HOUR)
    assert await emails(person) == NEW
    trail = await world.rows("SELECT action, actor_id FROM admin_log WHERE action ~ '^contact'")
    assert {tuple(line) for line in trail} == {
        ("contact.propose", one.id),
        ("contact.approve", other.id),
    }
    [shown] = (await one.get("/v1/admin/contact-changes")).json()["items"]
    assert (shown["status"], shown["address"], shown["decider_id"]) == ("APPLIED", NEW, other.id)
    assert (await undo(world, token(world))).json() == {"status": "REVERTED"}
    assert await emails(person) == ANN


async def test_who_may_not_has_no_say(world: World) -> None:
    person, _ = await joined(world)
    one, other = await staff(world, Role.ADMIN), await staff(world, Role.ADMIN)
    chief = await staff(world, Role.SUPERADMIN)
    problem_of(await _propose(one, one), 409, "conflict")
    problem_of(await _propose(one, chief), 409, "conflict")
    row = (await _propose(one, person)).json()
    problem_of(await _propose(other, person, "third@example.com"), 409, "conflict")
    problem_of(await _decide(person, row), 403, "forbidden")
    await promote(world, one, Role.USER)
    problem_of(await _decide(other, row), 409, "conflict")
    problem_of(await _decide(other, row, "reject"), 409, "conflict")  # it ended with the role
    again = (await _propose(other, person)).json()
    assert (await _decide(other, again, "reject")).json()["status"] == "REJECTED"  # withdrawn
    late = (await _propose(other, person)).json()
    world.move_to(utcnow() + 7 * DAY)
    problem_of(await _decide(chief, late), 409, "conflict")
    assert await claimed(world) >= {(ANN, person.id)}
    assert await emails(person) == ANN


async def test_ten_approvals_at_once_and_a_taken_address(world: World) -> None:
    person, _ = await joined(world)
    bob, _ = await joined(world, "bob@example.com")
    one, other = await staff(world, Role.ADMIN), await staff(world, Role.ADMIN)
    taken = (await _propose(one, person, "bob+1@example.com")).json()
    problem_of(await _decide(other, taken), 409, "conflict")
    assert (await _decide(other, taken, "reject")).status_code == 200
    row = (await _propose(one, person)).json()
    answers = await asyncio.gather(*(_decide(other, row) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    rejected = await _decide(one, row, "reject")  # while it waits
    assert rejected.json()["status"] == "REJECTED"
    await world.go_to(utcnow() + WAIT + HOUR)
    assert await emails(person) == ANN
    assert {(ANN, person.id), ("bob@example.com", bob.id)} <= await claimed(world)


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
