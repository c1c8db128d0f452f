"""Asking for another address: who may, for which, and what the answers tell."""

import re
from datetime import datetime

import pyotp
import pytest
from msgspec.structs import replace

from api.messages.senders import NoGateway
from runtime.clock import utcnow
from tests.kit.accounts import PASSWORD, sent_code
from tests.kit.contacts import (
    ANN,
    HOUR,
    MINUTE,
    NEW,
    WAIT,
    claimed_all,
    confirm,
    message,
    signs_in,
    waits,
    want,
)
from tests.kit.members import joined
from tests.kit.problems import problem_of
from tests.kit.world import World


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
