"""Changing what one signs in with: both sides are told, it waits, and there is a way back."""

import asyncio
from datetime import datetime, timedelta

import pyotp
import pytest

from models.accounts.register import IdentityTakenError, Newcomer, register
from runtime.clock import utcnow
from tests.kit.accounts import PASSWORD, auth, forgotten, sent_code
from tests.kit.contacts import (
    ANN,
    BACK,
    HOUR,
    NEW,
    WAIT,
    claimed,
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
from tests.kit.members import joined, whole_database
from tests.kit.problems import problem_of
from tests.kit.world import World


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
