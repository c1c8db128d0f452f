"""Strangers who want a web process to stop: each attack a coroutine, all in a process of their own.

They have at most a tenth of one core together, and wait when they have used more: what costs the
one who sends it as much as the one who is sent it is no attack.
"""

import asyncio
import itertools
import socket
import struct
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, suppress

from msgspec import Struct

from runtime.serving import room_for

SHARE_MAX = 0.08
PAUSE_SECONDS = 0.05
# Not all at once: what all of them cost shows only when it is spent.
BETWEEN_SECONDS = 0.005
PATIENCE_SECONDS = 12
HELD = 300
DRIPPING = 50
SIGN_INS_AT_ONCE = 60
SILENT = 1_500
UNREAD = 30
# Where they come from: limits are by address.
ADDRESSES = tuple(f"127.0.1.{number}" for number in range(1, 51))

_JSON = "Content-Type: application/json\r\n"
UNSENT = (
    "GET /v1/ads/callbacks/house", "POST /v1/auth/login", "GET /v1/mining/status", "POST /healthz",
    "PUT /v1/me/consents", "POST /v1/mining/sessions", "GET /app/main.js", "DELETE /v1/me",
)  # fmt: skip
NONSENSE = (
    f"GET /app/{'a' * 60_000}", f"GET /app/{'a' * 7_000}", "GET /app/a%00.js", "GET /%ED%A0%80",
    "GET /v1/videos?country=US%0A", "GET /v1/tasks/%D9%A1/started", "GET /app/" + "a." * 3_000,
)  # fmt: skip
HEADERS = (
    "Authorization: Bearer " + "eyJ." * 60_000, "X-Forwarded-For: " + "1.1.1.1, " * 1_500,
    "If-None-Match: " + 'W/"x", ' * 2_000, "Cookie: " + "a=b; " * 3_000,
    "Prefer: " + "wait=1, " * 1_900,
)  # fmt: skip
COOKIES = tuple('Cookie: twtc_refresh="' + '\\"' * n + '"\r\n' for n in (8_000, 2_000, 20))
LARGE = "GET /swagger/swagger-ui-bundle.js"
BODIES = (b"[" * 10_000, b'{"a":' * 3_000, b'{"email": "\\ud800"}', b'{"email": "a\\u0000"}')


class Report(Struct, frozen=True):
    """What they did: how often each attack, and the processor's time that it took them."""

    done: dict[str, int]
    share: float


class Attackers:
    """All of them, until their time is up."""

    def __init__(self, port: int, seconds: float) -> None:
        self._port = port
        self._done: Counter[str] = Counter()
        self._began, self._used = time.monotonic(), time.process_time()
        self._ends = self._began + seconds
        self._addresses = itertools.cycle(ADDRESSES)
        self._may_go_on = asyncio.Event()

    @property
    def done(self) -> Mapping[str, int]:
        """How often they have done each attack."""
        return self._done

    @property
    def share(self) -> float:
        """How much of one core they have used."""
        elapsed = max(time.monotonic() - self._began, 0.1)
        return (time.process_time() - self._used) / elapsed

    async def attack(self) -> Report:
        """Do it."""
        kinds = (
            *itertools.repeat(self._hold, HELD),
            *itertools.repeat(self._drip, DRIPPING),
            *(self._shout, self._nonsense, self._bodies, self._cookie, self._silent, self._streams),
            *itertools.repeat(self._unread, UNREAD),
            *itertools.repeat(self._sign_in, SIGN_INS_AT_ONCE),
        )
        numbers = itertools.count()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._ends - time.monotonic()):
                each = (self._again(kind, next(numbers)) for kind in kinds)
                await asyncio.gather(self._hold_back(), *each)
        return Report(dict(self._done), self.share)

    async def _hold_back(self) -> None:
        """All wait while they have used more than they may: one looks, for it costs too."""
        while True:
            if self.share > SHARE_MAX:
                self._may_go_on.clear()
            else:
                self._may_go_on.set()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _again(self, kind: Callable[[int], Awaitable[None]], number: int) -> None:
        await asyncio.sleep(number * BETWEEN_SECONDS)
        for turn in itertools.count(number):
            await self._may_go_on.wait()
            with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await kind(turn)
            self._done[kind.__name__.strip("_")] += 1

    async def _ask(self, *parts: bytes, pause: float = 0) -> None:
        """Send the parts, with a pause after each, and read until the other side has enough."""
        source = (next(self._addresses), 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, local_addr=source)
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause)
            await reader.read(1)
        finally:
            writer.close()

    async def _hold(self, turn: int) -> None:
        """A body that never comes."""
        await self._ask(_head(UNSENT[turn % len(UNSENT)], "Content-Length: 100\r\n"))

    async def _drip(self, turn: int) -> None:
        """A body that comes a byte a second."""
        head = _head(UNSENT[turn % len(UNSENT)], _JSON + "Content-Length: 100\r\n")
        await self._ask(head, *(b" " for _ in range(99)), pause=1)

    async def _shout(self, turn: int) -> None:
        """Headers that are larger than anything."""
        await self._ask(_head("GET /v1/me", HEADERS[turn % len(HEADERS)] + "\r\n"))

    async def _nonsense(self, turn: int) -> None:
        """Addresses that are longer than anything, or none."""
        await self._ask(_head(NONSENSE[turn % len(NONSENSE)], ""))

    async def _bodies(self, turn: int) -> None:
        """JSON that goes deep, and text that cannot be."""
        body = BODIES[turn % len(BODIES)]
        sized = f"{_JSON}Content-Length: {len(body)}\r\n"
        await self._ask(_head("POST /v1/auth/login", sized) + body)

    async def _cookie(self, turn: int) -> None:
        """A cookie with nothing but quoted quotes."""
        sized = f"{COOKIES[turn % len(COOKIES)]}{_JSON}Content-Length: 2\r\n"
        await self._ask(_head("POST /v1/auth/refresh", sized) + b"{}")

    async def _silent(self, turn: int) -> None:
        """More connections than a server may have by default, and not a byte on any."""
        loop = asyncio.get_running_loop()
        with ExitStack() as stack:
            for _ in range(SILENT):
                await self._may_go_on.wait()
                one = stack.enter_context(socket.socket())
                one.setblocking(False)
                one.bind((next(self._addresses), 0))
                await loop.sock_connect(one, ("127.0.0.1", self._port))
                self._done["silent connection"] += 1
            await asyncio.sleep(PATIENCE_SECONDS)

    async def _unread(self, turn: int) -> None:
        """Something large, of which nothing is taken."""
        await self._leave(_head(LARGE, ""))

    async def _streams(self, turn: int) -> None:
        """The same in HTTP/2, as often as one connection may ask."""
        await self._leave(h2_requests(LARGE.partition(" ")[2], 190))

    async def _leave(self, request: bytes) -> None:
        """Send it, and read nothing."""
        loop = asyncio.get_running_loop()
        with socket.socket() as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            one.setblocking(False)
            one.bind((next(self._addresses), 0))
            await loop.sock_connect(one, ("127.0.0.1", self._port))
            await loop.sock_sendall(one, request)
            await asyncio.sleep(PATIENCE_SECONDS - 1)

    async def _sign_in(self, turn: int) -> None:
        """Somebody who is not there, with a password that has to be hashed."""
        body = b'{"email": "nobody%d@bench.example", "password": "correct horse"}' % turn
        sized = f"{_JSON}Content-Length: {len(body)}\r\n"
        await self._ask(_head("POST /v1/auth/login", sized) + body)


def _head(line: str, headers: str) -> bytes:
    return f"{line} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode()


def h2_requests(path: str, count: int) -> bytes:
    """HTTP/2 without asking first: so many requests, and no room for any answer."""
    fields = {":method": "GET", ":scheme": "http", ":path": path, ":authority": "x"}
    head = b"".join(
        b"\0%c%b%c%b" % (len(name), name.encode(), len(value), value.encode())
        for name, value in fields.items()
    )
    settings = _frame(4, 0, 0, struct.pack(">HI", 4, 0))
    asked = b"".join(_frame(1, 5, 1 + 2 * n, head) for n in range(count))
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings + asked


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def attack(port: int, seconds: float) -> Report:
    """So many seconds of all attacks, in this process."""
    room_for(2 * SILENT)
    return asyncio.run(Attackers(port, seconds).attack())


def idle(port: int, seconds: float) -> Report:
    """As many connections, on which nothing is sent."""
    return asyncio.run(_idle(port, seconds))


async def _idle(port: int, seconds: float) -> Report:
    addresses: Iterator[str] = itertools.cycle(ADDRESSES)
    writers = []
    for _ in range(HELD + DRIPPING):
        _, writer = await asyncio.open_connection(
            "127.0.0.1", port, local_addr=(next(addresses), 0)
        )
        writers.append(writer)
    await asyncio.sleep(seconds)
    for writer in writers:
        writer.close()
    return Report({"idle": len(writers)}, 0.0)
