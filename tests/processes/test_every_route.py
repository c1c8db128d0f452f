"""A real web process among strangers: every route, by every method, with what nobody should send.

All of it is sent at once, over sockets of its own. Nothing is answered with 5xx but 503 that says
when to come back, no place is held afterwards, and the process answers its keepers meanwhile.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import pairwise, product

import pytest
from msgspec import Struct

from api.web_base.admission import IN_FLIGHT_MAX
from api.web_base.gate import BODY_SECONDS_MAX
from api.web_base.permissions import handlers_of
from api.web_base.tokens import issue_access_token
from runtime.clock import utcnow
from runtime.environment import Config
from tests.kit.documented import application
from tests.kit.processes import Processes, running

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
HEADERS = (
    *("Authorization", "Cookie", "Idempotency-Key", "Prefer", "If-None-Match", "User-Agent"),
    *("Last-Event-ID", "Device-Token", "X-Forwarded-For", "X-Request-Id", "Traceparent", "Host"),
    *("Accept", "Accept-Language", "Content-Type", "TWTC-Signature", "Forwarded"),
)
UNITS = ("a,", "1.1.1.1, ", 'W/"x", ', "wait=1,", "eyJ.", "\x7f")
READ = ("/", "/healthz", "/v1/me", "/v1/mining/status", "/v1/auth/login", "/v1/events",
        "/v1/ads/callbacks/house", "/metrics", "/docs/openapi.json")  # fmt: skip
NAMES = ("%00", "a%00.js", "%ED%A0%80", "%0a", "%D9%A1", "%ff", "a" * 300)
BODIES = {
    "nested": b"[" * 10_000,
    "deep": b'{"email":' + b'{"a":' * 2_500,
    "half": b'{"email": "\\ud800", "proof": "\\udfff"}',
    "NUL": b'{"proof": "a\\u0000b", "code": "\\u0000", "password": "\\u000012345678"}',
}
AT_ONCE = 20
HELD_AT_ONCE = 300
ANSWER_SECONDS_MAX = BODY_SECONDS_MAX + 20
HEALTH_SECONDS_MAX = 0.1
SILENCE_SECONDS_MAX = 3


class Attack(Struct, frozen=True):
    """What is sent, as it goes over the wire; `is_whole` if nothing more is to come."""

    name: str
    sent: bytes
    is_whole: bool = True


class Answer(Struct, frozen=True):
    """The head of what came back. Status 0: the connection was closed without an answer."""

    status: int
    head: str


def head(method: str, path: str, **headers: str) -> bytes:
    named = {"Host": "127.0.0.1"} | {name.replace("_", "-"): text for name, text in headers.items()}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {text}" for name, text in named.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def with_body(method: str, path: str, body: bytes, token: str) -> bytes:
    return head(
        method, path, Authorization=token, Idempotency_Key="k", Content_Type="application/json",
        Content_Length=str(len(body)),
    ) + body  # fmt: skip


def addresses() -> list[str]:
    """One of each route: with ids that are read, and name nothing."""
    names = {"uuid": "00000000-0000-7000-8000-000000000000", "number": "1", "day": "2026-03-01"}
    found = set()
    for path, _, _ in handlers_of(application()):
        parts = [
            names.get(part[1:-1], names["uuid"] if "view" in part or "boost" in part else "7")
            if part.startswith("{") else part
            for part in path.split("/")
        ]  # fmt: skip
        found.add("/".join(parts))
    return sorted(found)


def attacks(token: str) -> Iterator[Attack]:
    """Each of them on every route, by every method that the one is about."""
    for path in addresses():
        for method in METHODS:
            yield from without_end(method, path, token)
            base = path.rstrip("/")
            long = head(method, f"{base}/{'a' * 60_000}", Authorization=token)
            yield Attack(f"{method} {path}: long", long)
            query = head(method, f"{path}?cursor=%00&day=9999-12-31", Authorization=token)
            yield Attack(f"{method} {path}: query", query)
        for end in NAMES:
            name = head("GET", f"{base}/{end}", Authorization=token)
            yield Attack(f"{path}: {end[:9]}", name)
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            for what, body in BODIES.items():
                yield Attack(f"{method} {path}: {what}", with_body(method, path, body, token))
    for path in READ:
        method = "POST" if "login" in path or "callbacks" in path else "GET"
        for header, unit in product(HEADERS, UNITS):
            for size in (15_000, 300_000):
                sent = head(method, path, **{header: unit * (size // len(unit))})
                yield Attack(f"{path}: {header} of {size} {unit}", sent)


def without_end(method: str, path: str, token: str) -> Iterator[Attack]:
    """A body that never comes, and one that never ends."""
    unsent = head(method, path, Content_Length="100", Authorization=token)
    yield Attack(f"{method} {path}: unsent", unsent, False)
    piece = b"1000\r\n" + b" " * 0x1000 + b"\r\n"
    endless = head(method, path, Transfer_Encoding="chunked", Authorization=token) + 5 * piece
    yield Attack(f"{method} {path}: endless", endless, False)


async def send(port: int, attack: Attack) -> Answer:
    """Send it, and read the head of its answer; a stream is left at that."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        with suppress(ConnectionError):  # it may have been refused at its beginning
            writer.write(attack.sent)
            await writer.drain()
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                read = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return Answer(0, "")
        return Answer(int(read[9:12]), read.decode("latin-1"))
    finally:
        await hang_up(writer)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection that may be closed already."""
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def send_all(port: int, wanted: list[Attack]) -> dict[str, Answer]:
    """So many at a time, and those that hold on to their bodies beside them."""
    room, hall = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(HELD_AT_ONCE)

    async def one(attack: Attack) -> tuple[str, Answer]:
        async with room if attack.is_whole else hall:
            return attack.name, await send(port, attack)

    return dict(await asyncio.gather(*map(one, wanted)))


@asynccontextmanager
async def health(port: int) -> AsyncIterator[list[float]]:
    """When the process has said at once that it lives, asked all the time.

    This machine may be busy with something else, so not every answer counts: but none of what is
    sent may keep the process from answering anybody.
    """
    well = [time.perf_counter()]

    async def ask() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while True:
                began = time.perf_counter()
                writer.write(head("GET", "/healthz"))
                answer = await reader.readuntil(b"}")
                if time.perf_counter() - began < HEALTH_SECONDS_MAX:
                    well.append(time.perf_counter())
                assert answer.startswith(b"HTTP/1.1 200")
        finally:
            await hang_up(writer)

    asking = asyncio.create_task(ask())
    try:
        yield well
    finally:
        well.append(time.perf_counter())
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking


@pytest.fixture
def web(config: Config) -> Iterator[Processes]:
    """A web process by itself."""
    with running(Processes(config, {}), "web") as started:
        yield started


async def test_no_stranger_breaks_or_holds_up_anything(web: Processes, config: Config) -> None:
    token = f"Bearer {issue_access_token(config.secret, 64, utcnow())}"
    wanted = list(attacks(token))
    assert len(wanted) > 5_000
    async with health(web.port) as well:
        answers = await send_all(web.port, wanted)
    ours = {name: found for name, found in answers.items() if found.status >= 500}
    assert {name: found for name, found in ours.items() if found.status != 503} == {}
    for name, found in ours.items():
        assert "retry-after:" in found.head.lower(), name
    unsent = {name: found.status for name, found in answers.items() if name.endswith(": unsent")}
    assert set(unsent.values()) == {408}
    assert max(later - earlier for earlier, later in pairwise(well)) < SILENCE_SECONDS_MAX
    # Nothing is held: as many as there is room for are taken on at once.
    login = head("GET", "/v1/wallet", Authorization=token)
    after = [Attack(str(number), login) for number in range(IN_FLIGHT_MAX // 2)]
    assert {found.status for found in (await send_all(web.port, after)).values()} == {401}
