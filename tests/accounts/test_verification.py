"""Codes: an address is verified before anything is earned, and a new password is chosen."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from msgspec.structs import replace

from api.messages.senders import NoGateway, NotSentError, SmtpSender
from api.messages.texts import code_message
from models.accounts.codes import CodePurpose
from runtime.clock import utcnow
from tests.kit.accounts import (
    PASSWORD,
    auth,
    forgotten,
    from_before,
    registered,
    sent_code,
    signed_up,
    verify,
)
from tests.kit.problems import problem_of
from tests.kit.words import MICROSECOND
from tests.kit.world import World

ANN = "ann@example.com"


def other(code: str) -> str:
    """A code that is not this one."""
    return f"{(int(code) + 1) % 10**6:06}"


async def test_nothing_is_earned_before_the_address_is_verified(world: World) -> None:
    """By an account from before: today there is none before."""
    person, _ = await from_before(world)
    await world.go_to(person.next_opening())
    refusal = (await person.status())["refusal"]
    assert refusal["reason"] == "VERIFICATION_REQUIRED"
    refused = await person.post("/v1/mining/sessions", key="start")
    problem_of(refused, 403, "verification-required")
    assert await world.value("SELECT count(*) FROM intents WHERE user_id = :u", u=person.id) == 0
    access = person.headers["Authorization"].partition(" ")[2]  # hours later, a new one
    world.move_to(utcnow() + timedelta(minutes=1))
    assert (await auth(world, "verification-code", access)).status_code == 204
    await verify(world, access)
    assert (await person.status())["can_start"] is True
    assert (await person.post("/v1/mining/sessions", key="start")).status_code == 202


class Asker:
    """Who sends codes: by the ticket of a registration, or signed in to an account from before."""

    def __init__(self, world: World, ticket: str, access: str) -> None:
        self._world, self._access = world, access
        self._body = {"ticket": ticket} if ticket else {}
        self.right = 200 if ticket else 204

    async def verify(self, code: str) -> httpx.Response:
        return await auth(self._world, "verify", self._access, code=code, **self._body)

    async def ask(self) -> httpx.Response:
        return await auth(self._world, "verification-code", self._access, **self._body)


@pytest.fixture(params=["a registration", "an account from before"])
async def asker(world: World, request: pytest.FixtureRequest) -> Asker:
    if request.param == "a registration":
        return Asker(world, await registered(world), "")
    _, tokens = await from_before(world)
    return Asker(world, "", tokens["access_token"])


async def test_a_code_is_good_for_ten_minutes_and_five_attempts(world: World, asker: Asker) -> None:
    sent_at, code = utcnow(), sent_code(world)
    for _ in range(4):
        problem_of(await asker.verify(other(code)), 422, "code-wrong")
    world.move_to(sent_at + timedelta(minutes=10) - MICROSECOND)
    at_once = await asyncio.gather(*(asker.verify(code) for _ in range(5)))
    assert sorted(answer.status_code for answer in at_once) == [asker.right, 422, 422, 422, 422]


@pytest.mark.parametrize("minutes", [10, 11])
async def test_an_old_code_is_good_no_more(world: World, asker: Asker, minutes: int) -> None:
    world.move_to(utcnow() + timedelta(minutes=minutes))
    problem_of(await asker.verify(sent_code(world)), 422, "code-wrong")


async def test_five_wrong_attempts_use_a_code_up(world: World, asker: Asker) -> None:
    code = sent_code(world)
    await asyncio.gather(*(asker.verify(other(code)) for _ in range(5)))
    problem_of(await asker.verify(code), 422, "code-wrong")
    world.move_to(utcnow() + timedelta(minutes=1))
    assert (await asker.ask()).status_code == 204
    assert (await asker.verify(sent_code(world))).status_code == asker.right


async def test_a_code_a_minute_and_the_last_one_holds(world: World, asker: Asker) -> None:
    first = sent_code(world)
    world.move_to(utcnow() + timedelta(minutes=1) - MICROSECOND)
    early = await asker.ask()
    problem_of(early, 429, "code-sent")
    assert early.headers["Retry-After"] == "60"
    world.move_to(utcnow() + MICROSECOND)
    second = first
    while second == first:  # once in a million
        assert (await asker.ask()).status_code == 204
        second = sent_code(world)
        world.move_to(utcnow() + timedelta(minutes=1))
    problem_of(await asker.verify(first), 422, "code-wrong")
    assert (await asker.verify(second)).status_code == asker.right


async def test_who_is_verified_is_sent_no_code(world: World) -> None:
    _, tokens = await signed_up(world)
    code = sent_code(world)
    world.move_to(utcnow() + timedelta(minutes=1))
    assert (await auth(world, "verification-code", tokens["access_token"])).status_code == 204
    assert sent_code(world) == code


async def test_ones_code_verifies_nobody_else(world: World) -> None:
    ann, bob = await registered(world), await registered(world, "bob@example.com")
    code = sent_code(world)
    if code != sent_code(world, "bob@example.com"):  # once in a million they are the same
        problem_of(await auth(world, "verify", ticket=bob, code=code), 422, "code-wrong")
    assert (await auth(world, "verify", ticket=ann, code=code)).status_code == 200
    _, olds = await from_before(world, "old@example.com")
    mixed = await auth(world, "verify", olds["access_token"], code=code)
    assert mixed.status_code == 422 or code == sent_code(world, "old@example.com")


async def test_a_forgotten_password_is_replaced_and_ends_all_sign_ins(world: World) -> None:
    _, tokens = await signed_up(world)
    world.move_to(utcnow() + timedelta(minutes=1))
    nobodys, ticket = [await forgotten(world, each) for each in ("nobody@example.com", ANN)]
    chosen = {"ticket": ticket, "password": "another password"}
    wrong = other(sent_code(world))
    problem_of(await auth(world, "password/reset", **chosen, code=wrong), 422, "code-wrong")
    nobody = chosen | {"ticket": nobodys, "code": sent_code(world)}
    problem_of(await auth(world, "password/reset", **nobody), 422, "code-wrong")
    # A code for the one is no code for the other.
    mixed = await auth(world, "verify", tokens["access_token"], code=sent_code(world))
    problem_of(mixed, 422, "code-wrong")
    reset = await auth(world, "password/reset", **chosen, code=sent_code(world))
    assert reset.status_code == 200, reset.text
    refresh = await auth(world, "refresh", refresh_token=tokens["refresh_token"])
    problem_of(refresh, 401, "unauthorized")
    problem_of(await auth(world, "login", email=ANN, password=PASSWORD), 401, "unauthorized")
    again = {"email": ANN, "password": "another password"}
    assert (await auth(world, "login", **again)).status_code == 200
    assert await world.value("SELECT verified_at FROM users") is not None


async def test_a_password_is_changed_with_the_one_that_holds(world: World) -> None:
    _, here = await signed_up(world)
    there = (await auth(world, "login", email=ANN, password=PASSWORD)).json()
    change = {"password": "not the password", "new_password": "another password"}
    access = here["access_token"]
    problem_of(await auth(world, "password", access, **change), 403, "password-wrong")
    change["password"] = PASSWORD
    assert (await auth(world, "password", access, **change)).status_code == 204
    elsewhere = await auth(world, "refresh", refresh_token=there["refresh_token"])
    problem_of(elsewhere, 401, "unauthorized")
    assert (await auth(world, "refresh", refresh_token=here["refresh_token"])).status_code == 200


async def test_e_mail_leaves_by_smtp(unused_tcp_port: int) -> None:
    received: list[Envelope] = []

    class Inbox:
        async def handle_DATA(self, server: object, session: object, envelope: Envelope) -> str:  # noqa: N802
            received.append(envelope)
            return "250 OK"

    server = Controller(Inbox(), hostname="127.0.0.1", port=unused_tcp_port)
    server.start()
    try:
        sender = SmtpSender(f"smtp://127.0.0.1:{unused_tcp_port}", "TWTC <no-reply@twtc.example>")
        await sender.send(ANN, code_message(CodePurpose.SIGN_IN, "123456", "ar"))
    finally:
        server.stop()
    [envelope] = received
    assert (envelope.mail_from, envelope.rcpt_tos) == ("no-reply@twtc.example", [ANN])
    assert b"Auto-Submitted: auto-generated" in (envelope.content or b"")


async def test_a_mail_server_that_is_away_is_told_of(unused_tcp_port: int) -> None:
    sender = SmtpSender(f"smtp://127.0.0.1:{unused_tcp_port}", "no-reply@twtc.example")
    for away in (sender, NoGateway()):
        with pytest.raises(NotSentError):
            await away.send(ANN, code_message(CodePurpose.RESET, "123456", "en"))


async def test_without_a_gateway_no_phone_registers(world: World) -> None:
    services = world.services
    messenger = replace(services.messenger, phone=NoGateway())
    world.app.state.services = replace(services, messenger=messenger)
    answer = await auth(world, "register", phone="+4915112345678", password=PASSWORD)
    world.app.state.services = services
    assert problem_of(answer, 400, "bad-request")["errors"][0]["key"] == "phone"
