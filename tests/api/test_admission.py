"""Admission: what is too much is refused at once, and what is light or essential goes on."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from api.identity.passwords import PLACES, hash_password, verify_password
from api.members.accounts import registration
from api.members.accounts import sign_in as auth_routes
from api.web_base.admission import HASHING_AT_ONCE, IN_FLIGHT_MAX, LAG_SECONDS_MAX, WAITING_MAX
from api.web_base.permissions import handlers_of
from models.base.db import run, sql, transaction
from runtime.telemetry.logs import ACCESS
from tests.kit.accounts import PASSWORD, auth, signed_up
from tests.kit.polls import held_status
from tests.kit.tracing import reaches
from tests.kit.waiting import until
from tests.kit.words import at
from tests.kit.world import Person, World


@pytest.fixture
async def member(world: World) -> Person:
    """Somebody whose window is open, and whose poll this process holds."""
    person = await world.person(group_number=1)
    await world.go_to(at("00:05"))
    await held_status(person)
    return person


async def test_a_request_takes_room_while_it_is_under_way(world: World, member: Person) -> None:
    async with transaction(world.database) as connection:
        await run(connection, sql("LOCK TABLE intents IN ACCESS EXCLUSIVE MODE"))
        sent = asyncio.create_task(member.post("/v1/mining/sessions"))
        await until(lambda: world.services.admission.in_flight == 1)
    assert (await sent).status_code == 202
    assert world.services.admission.in_flight == 0


async def test_beyond_its_room_a_process_refuses_at_once(world: World, member: Person) -> None:
    admission = world.services.admission
    await held_status(member)  # again, just before: a feed that was silent holds nothing
    admission.in_flight = IN_FLIGHT_MAX
    # What is held in memory, and what the server's keepers ask, is answered all the same.
    assert (await member.get("/v1/mining/status")).status_code == 200
    assert (await world.http.get("/healthz")).status_code == 200
    refused = await member.post("/v1/mining/sessions", key="late")
    assert refused.status_code == 503
    assert refused.json()["type"] == "urn:twtc:problem:busy"
    assert int(refused.headers["Retry-After"]) >= 1
    assert (admission.refused, admission.in_flight) == (1, IN_FLIGHT_MAX)
    # A poll that has to be looked up is not.
    stranger = await world.person()
    assert (await stranger.get("/v1/mining/status")).status_code == 503


async def test_a_refused_request_is_recorded_when_it_comes_again(
    world: World, member: Person
) -> None:
    world.services.admission.in_flight += IN_FLIGHT_MAX
    assert (await member.post("/v1/mining/sessions", key="one")).status_code == 503
    assert await world.value("SELECT count(*) FROM intents WHERE key = 'one'") == 0
    world.services.admission.in_flight -= IN_FLIGHT_MAX
    assert (await member.post("/v1/mining/sessions", key="one")).status_code == 202
    assert world.services.admission.in_flight == 0


async def test_a_late_event_loop_refuses_polls_too(world: World, member: Person) -> None:
    world.services.admission.lag_seconds = 2 * LAG_SECONDS_MAX
    refused = await member.get("/v1/mining/status")
    assert (refused.status_code, refused.json()["status"]) == (503, 503)
    for path in ("/healthz", "/", "/app/main.js"):
        assert (await world.http.get(path)).status_code == 200
    world.services.admission.lag_seconds = 0
    assert (await member.get("/v1/mining/status")).status_code == 200


async def test_the_lag_of_the_event_loop_is_measured(world: World) -> None:
    admission = world.services.admission
    async with admission.watching():
        await asyncio.sleep(0)
        blocked = asyncio.get_running_loop().time() + 2 * LAG_SECONDS_MAX
        while asyncio.get_running_loop().time() < blocked:
            pass
        await until(lambda: admission.lag_seconds > LAG_SECONDS_MAX)
        await until(lambda: admission.lag_seconds < LAG_SECONDS_MAX)


async def test_waiting_for_an_outcome_takes_nobodys_room(world: World, member: Person) -> None:
    admission = world.services.admission
    waiting = asyncio.create_task(member.post("/v1/mining/sessions", key="waits", Prefer="wait=10"))
    await until(lambda: admission.waiting == 1)
    assert admission.in_flight == 0
    await world.drain()
    assert (await waiting).json()["status"] == "APPLIED"
    assert (admission.waiting, admission.in_flight) == (0, 0)


@pytest.mark.parametrize("crowded", ["waiting", "in_flight", "lag_seconds"])
async def test_nobody_waits_for_an_outcome_when_there_is_much_to_do(
    world: World, member: Person, crowded: str
) -> None:
    full = {"waiting": WAITING_MAX, "in_flight": IN_FLIGHT_MAX - 1, "lag_seconds": LAG_SECONDS_MAX}
    setattr(world.services.admission, crowded, full[crowded])
    answer = await member.post("/v1/mining/sessions", Prefer="wait=10")
    assert answer.status_code == 202
    assert "Preference-Applied" not in answer.headers


async def test_a_body_that_comes_slowly_takes_nobodys_room(world: World, member: Person) -> None:
    rest = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"{"
        await rest.wait()
        yield b"}"

    headers = member.headers | {"Idempotency-Key": "slow", "Content-Type": "application/json"}
    sending = asyncio.create_task(
        world.http.post("/v1/mining/sessions", content=body(), headers=headers)
    )
    for _ in range(20):
        await asyncio.sleep(0)
        assert world.services.admission.in_flight == 0
    rest.set()
    assert (await sending).status_code == 202


async def test_sign_ins_at_once_leave_the_others_alone(world: World) -> None:
    member, _ = await signed_up(world)
    body = {"email": "ann@example.com", "password": PASSWORD}
    sign_ins = [asyncio.create_task(auth(world, "login", **body)) for _ in range(60)]
    reads = [asyncio.create_task(member.get("/v1/wallet")) for _ in range(IN_FLIGHT_MAX - 5)]
    assert {answer.status_code for answer in await asyncio.gather(*reads)} == {200}
    answers = await asyncio.gather(*sign_ins)
    refused = [answer for answer in answers if answer.status_code == 503]
    assert sum(answer.status_code == 200 for answer in answers) == PLACES
    assert len(refused) == 60 - PLACES
    for answer in refused:
        assert answer.json()["type"] == "urn:twtc:problem:busy"
        assert int(answer.headers["Retry-After"]) >= 1
    admission = world.services.admission
    assert (admission.hashing, admission.in_flight) == (0, 0)
    assert (await auth(world, "login", **body)).status_code == 200


async def test_sign_ins_at_once_are_worked_on_a_few_at_a_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work, most = 0, 0

    async def find(*args: object) -> None:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0)
        at_work -= 1

    monkeypatch.setattr(auth_routes, "find_by_identity", find)
    body = {"email": "ann@example.com", "password": PASSWORD}
    answers = await asyncio.gather(*(auth(world, "login", **body) for _ in range(PLACES)))
    assert {answer.status_code for answer in answers} <= {401, 429}
    assert most == HASHING_AT_ONCE


async def test_who_asks_elsewhere_holds_up_no_sign_in(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answered = 0, asyncio.Event()

    async def ask(*args: object) -> None:
        nonlocal asked
        asked += 1
        await answered.wait()

    monkeypatch.setattr(registration, "check_domain", ask)
    joining = [
        asyncio.create_task(
            auth(world, "register", email=f"p{n}@example.com", password="correct horse battery")
        )
        for n in range(HASHING_AT_ONCE + 1)
    ]
    await until(lambda: asked == HASHING_AT_ONCE + 1)
    assert (
        await auth(world, "login", email="ann@example.com", password=PASSWORD)
    ).status_code == 401
    answered.set()
    assert {answer.status_code for answer in await asyncio.gather(*joining)} == {202}


async def test_refusals_are_told_of_together(
    world: World, member: Person, caplog: pytest.LogCaptureFixture
) -> None:
    admission = world.services.admission
    with caplog.at_level(logging.INFO):
        async with admission.watching():
            admission.in_flight = IN_FLIGHT_MAX
            for _ in range(3):
                assert (await member.post("/v1/mining/sessions")).status_code == 503
            admission.in_flight = 0
    lines = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert lines == ["3 requests were refused with 503: too much at once"]
    assert not [r for r in caplog.records if r.name == ACCESS]


async def test_a_sign_in_that_waits_takes_nobodys_room(world: World) -> None:
    async with transaction(world.database) as connection:
        await run(connection, sql("LOCK TABLE identities IN ACCESS EXCLUSIVE MODE"))
        body = {"email": "ann@example.com", "password": PASSWORD}
        sent = asyncio.create_task(auth(world, "login", **body))
        await until(lambda: world.services.admission.hashing == 1)
        assert world.services.admission.in_flight == 0
    assert (await sent).status_code == 401
    assert world.services.admission.hashing == 0


def test_what_hashes_is_in_the_room_for_it(world: World) -> None:
    """By the source: no route reaches the hashing without having said so."""
    for path, method, handler in handlers_of(world.app):
        if reaches(handler.fn, {hash_password, verify_password}):
            assert "is_hashing" in handler.opt, (method, path)
