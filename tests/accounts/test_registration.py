"""Registering and resetting tell nobody whether an address is known: not by answer, not by time."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from api.messages.texts import Message
from api.web_base.background import UNDER_WAY_MAX
from models.accounts.registrations import MESSAGES_MAX
from runtime.clock import utcnow
from runtime.pii import Keyring
from tests.kit.accounts import PASSWORD, auth, registered, sent_code, sent_text, signed_up
from tests.kit.problems import problem_of
from tests.kit.world import World

KNOWN, UNKNOWN = "ann@example.com", "bob@example.com"
MINUTE = timedelta(minutes=1)


def comparable(answer: httpx.Response) -> tuple[Any, ...]:
    """All that an answer says, but for what is each one's own."""
    body = answer.json() if answer.content else None
    if isinstance(body, dict):
        body.pop("ticket", None)
    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    return answer.status_code, headers, body


async def test_nothing_exists_before_the_code_is_given(world: World) -> None:
    ticket = await registered(world)
    for table in ("users", "identities", "wallets", "sign_ins", "codes"):
        assert await world.value(f"SELECT count(*) FROM {table}") == 0, table
    login = await auth(world, "login", email=KNOWN, password=PASSWORD)
    problem_of(login, 401, "unauthorized")
    answer = await auth(world, "verify", ticket=ticket, code=sent_code(world), in_cookie=True)
    assert answer.status_code == 200 and answer.json()["refresh_token"] is None
    assert "twtc_refresh=" in answer.headers["set-cookie"]
    assert await world.value("SELECT verified_at = created_at FROM users")
    assert (await auth(world, "login", email=KNOWN, password=PASSWORD)).status_code == 200


async def test_a_known_address_is_told_by_message_and_by_nothing_else(world: World) -> None:
    await signed_up(world, language="ar")
    world.move_to(utcnow() + MINUTE)
    answers, tickets = [], {}
    for address in (KNOWN, UNKNOWN):
        answer = await auth(world, "register", email=address, password="a stranger's password")
        tickets[address] = answer.json()["ticket"]
        answers.append(comparable(answer))
    world.move_to(utcnow() + MINUTE)
    for address in (KNOWN, UNKNOWN):
        resent = await auth(world, "verification-code", ticket=tickets[address])
        early = await auth(world, "verification-code", ticket=tickets[address])
        wrong = await auth(world, "verify", ticket=tickets[address], code="000000")
        answers += [comparable(resent), comparable(early), comparable(wrong)]
    assert answers[0] == answers[1]
    assert answers[2:5] == answers[5:8]
    assert [status for status, *_ in answers[2:5]] == [204, 429, 422]
    assert "لديك حساب" in sent_text(world, KNOWN)
    assert not any(letter.isdigit() for letter in sent_text(world, KNOWN))
    code = sent_code(world, UNKNOWN)
    assert (await auth(world, "verify", ticket=tickets[UNKNOWN], code=code)).status_code == 200
    assert (await auth(world, "login", email=KNOWN, password=PASSWORD)).status_code == 200


async def test_no_code_works_for_an_address_that_is_taken_meanwhile(world: World) -> None:
    """Who guessed the code of a known address, one in a million, gets the same answer too."""
    first = await registered(world)
    code = sent_code(world)
    second = await registered(world)  # within the minute: the message that was sent is good for it
    assert (await auth(world, "verify", ticket=second, code=code)).status_code == 200
    problem_of(await auth(world, "verify", ticket=first, code=code), 422, "code-wrong")
    world.move_to(utcnow() + MINUTE)
    sent: list[str] = []

    class Listening:
        async def send(self, address: str, message: Message) -> None:
            sent.append(message.text)

    for table in ("identities", "mailboxes"):  # unknown for a while, so that a code is told
        await world.rows(f"UPDATE {table} SET value = value || 'x' RETURNING 1")
    messenger = replace(world.services.messenger, email=Listening())
    services = world.services
    world.app.state.services = replace(services, messenger=messenger)
    assert (await auth(world, "verification-code", ticket=first)).status_code == 204
    world.app.state.services = services
    for table in ("identities", "mailboxes"):
        await world.rows(f"UPDATE {table} SET value = left(value, 64) RETURNING 1")
    guessed = sent[0].split()[0]
    problem_of(await auth(world, "verify", ticket=first, code=guessed), 422, "code-wrong")
    assert await world.value("SELECT count(*) FROM users") == 1


async def test_nobody_uses_up_the_attempts_of_who_owns_an_address(world: World) -> None:
    """A stranger registers it too, and guesses with their own ticket."""
    strangers, owners = await registered(world), await registered(world)
    right = sent_code(world)
    wrong = f"{(int(right) + 1) % 10**6:06}"
    guesses = await asyncio.gather(
        *(auth(world, "verify", ticket=strangers, code=wrong) for _ in range(8))
    )
    assert {answer.status_code for answer in guesses} == {422}
    problem_of(await auth(world, "verify", ticket=strangers, code=right), 422, "code-wrong")
    assert (await auth(world, "verify", ticket=owners, code=right)).status_code == 200


async def test_a_password_set_beforehand_by_a_stranger_is_none(world: World) -> None:
    stranger = await auth(world, "register", email=KNOWN, password="a stranger's password")
    assert stranger.status_code == 202
    world.move_to(utcnow() + MINUTE)
    await signed_up(world)
    login = {"email": KNOWN, "password": "a stranger's password"}
    problem_of(await auth(world, "login", **login), 401, "unauthorized")


async def test_a_lost_answer_is_given_again(world: World) -> None:
    ticket = await registered(world)
    code = sent_code(world)
    answers = [await auth(world, "verify", ticket=ticket, code=code) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    wrong = f"{(int(code) + 1) % 10**6:06}"
    problem_of(await auth(world, "verify", ticket=ticket, code=wrong), 422, "code-wrong")
    access = answers[0].json()["access_token"]
    await auth(world, "mfa/code", access, password=PASSWORD)
    problem_of(await auth(world, "verify", ticket=ticket, code=code), 422, "code-wrong")


async def test_the_same_code_at_once_makes_one_account_for_all_who_send_it(world: World) -> None:
    given = {"ticket": await registered(world), "code": sent_code(world)}
    answers = await asyncio.gather(*(auth(world, "verify", **given) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert await world.value("SELECT count(*) FROM users") == 1


async def test_a_ticket_opens_nothing_after_a_new_password(world: World) -> None:
    """Whoever saw ticket and code is shut out as everybody else who was signed in."""
    ticket = await registered(world)
    given = {"ticket": ticket, "code": sent_code(world)}
    access = (await auth(world, "verify", **given)).json()["access_token"]
    change = {"password": PASSWORD, "new_password": "another good password"}
    assert (await auth(world, "password", access, **change)).status_code == 204
    problem_of(await auth(world, "verify", **given), 422, "code-wrong")


async def test_what_is_over_is_deleted_within_the_hour(world: World) -> None:
    await world.go_to(utcnow() + timedelta(hours=3))
    await registered(world)
    await world.go_to(utcnow() + timedelta(hours=2, minutes=5))
    for table in ("registrations", "address_codes"):
        assert await world.value(f"SELECT count(*) FROM {table}") == 0


async def test_a_ticket_lives_for_an_hour_and_five_messages(world: World) -> None:
    ticket = await registered(world)
    for _ in range(MESSAGES_MAX - 1):
        world.move_to(utcnow() + MINUTE)
        assert (await auth(world, "verification-code", ticket=ticket)).status_code == 204
    world.move_to(utcnow() + MINUTE)
    problem_of(await auth(world, "verification-code", ticket=ticket), 401, "unauthorized")
    ticket = await registered(world, UNKNOWN)
    world.move_to(utcnow() + timedelta(minutes=59))
    assert (await auth(world, "verification-code", ticket=ticket)).status_code == 204
    code = sent_code(world, UNKNOWN)
    world.move_to(utcnow() + MINUTE)
    problem_of(await auth(world, "verify", ticket=ticket, code=code), 422, "code-wrong")
    problem_of(await auth(world, "verification-code", ticket=ticket), 401, "unauthorized")
    problem_of(await auth(world, "verify", ticket="x", code=code), 422, "code-wrong")
    assert await world.value("SELECT count(*) FROM users") == 0


async def test_an_address_under_way_is_sealed_and_its_key_may_go(world: World) -> None:
    ticket = await registered(world)
    found = "".join(row[0] for row in await world.rows("SELECT r::text FROM registrations r"))
    assert KNOWN not in found
    services = world.services
    other = Keyring((b"another-key-of-thirty-two-bytes!",), services.config.keyring.index_secret)
    config = replace(services.config, keyring=other)
    world.app.state.services = replace(services, config=config)
    answer = await auth(world, "verify", ticket=ticket, code=sent_code(world))
    world.app.state.services = services
    problem_of(answer, 422, "code-wrong")


async def test_a_mail_server_that_does_not_answer_holds_nobody_up(world: World) -> None:
    services, away = world.services, asyncio.Event()

    class Silent:
        async def send(self, address: str, message: Message) -> None:
            await away.wait()

    messenger = replace(services.messenger, email=Silent())
    world.app.state.services = replace(services, messenger=messenger)
    for number in range(UNDER_WAY_MAX):
        forgotten = {"email": f"{number}@example.com"}
        services.background.start(away.wait())  # type: ignore[arg-type]
    answer = await world.http.post("/v1/auth/password/forgotten", json=forgotten)
    problem_of(answer, 503, "busy")
    assert (services.admission.in_flight, services.admission.hashing) == (0, 0)
    away.set()
    await services.background.finished()
    away.clear()
    body = {"email": UNKNOWN, "password": PASSWORD}
    answer = await world.http.post("/v1/auth/register", json=body)  # and is not waited for
    assert answer.status_code == 202
    assert (services.admission.in_flight, services.admission.hashing) == (0, 0)
    away.set()
    await services.background.finished()
    world.app.state.services = services


Ask = Callable[[World, str, int], Awaitable[httpx.Response]]
ROUND, ROUNDS_MAX = 60, 4
TICKETS: dict[str, str] = {}


async def _register(world: World, address: str, turn: int) -> httpx.Response:
    body = {"email": address, "password": PASSWORD}
    return await world.http.post("/v1/auth/register", json=body)


async def _forgotten(world: World, address: str, turn: int) -> httpx.Response:
    return await world.http.post("/v1/auth/password/forgotten", json={"email": address})


async def _reset(world: World, address: str, turn: int) -> httpx.Response:
    # Long: of short ones only the first ten would be judged.
    body = {"ticket": TICKETS.pop(address), "password": PASSWORD, "code": f"{turn:016}"}
    return await world.http.post("/v1/auth/password/reset", json=body)


async def _login(world: World, address: str, turn: int) -> httpx.Response:
    body = {"email": address, "password": "not the password"}
    return await world.http.post("/v1/auth/login", json=body)


async def _seconds(world: World, ask: Ask, address: str, turn: int) -> float:
    """How long an answer takes, of the loop's clock, which is not frozen."""
    if ask is _reset:
        asked = await _forgotten(world, address, turn)  # there is a code to be wrong about
        TICKETS[address] = asked.json()["ticket"]
        await world.services.background.finished()
    clock = asyncio.get_running_loop().time
    begun = clock()
    await ask(world, address, turn)
    took = clock() - begun
    await world.services.background.finished()
    return took


@pytest.mark.parametrize("ask", [_register, _forgotten, _reset, _login])
async def test_time_does_not_tell_a_known_address(world: World, ask: Ask) -> None:
    """By the share of pairs in which the known one took longer (the AUC): half of them, if time
    tells nothing. In turns, so that whatever else the machine does meets both alike.

    Chance alone is a tenth off once in twenty rounds of 60 pairs; more rounds tell it from a
    difference.
    """
    people = [f"known-{number}@example.com" for number in range(4)]
    for address in people:
        await signed_up(world, address)
    await world.rows("UPDATE users SET is_active = false WHERE id % 128 = 0 RETURNING 1")
    known, unknown = list[float](), list[float]()
    longer = 1.0
    for turn in range(-4, ROUND * ROUNDS_MAX):
        world.move_to(utcnow() + MINUTE)
        pair = [(known, people[turn % 4]), (unknown, f"nobody-{turn % 4}@example.com")]
        for times, address in pair if turn % 2 else reversed(pair):
            took = await _seconds(world, ask, address, max(0, turn))
            if turn >= 0:  # the first are for warmth
                times.append(took)
        if known and turn % ROUND == ROUND - 1:
            longer = sum(k > u for k in known for u in unknown) / len(known) ** 2
            if abs(longer - 0.5) < 0.1:
                break
    assert abs(longer - 0.5) < 0.1, (longer, len(known))
