"""What every request passes before it is routed (decision 0042).

Nothing behind it waits for a stranger: a request goes on when all of it is here, its body included,
and is neither longer than anything we understand nor unreadable.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from datetime import date
from typing import Any
from uuid import UUID

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from api.web_base.client_ip import client_ip, networks_of
from api.web_base.pieces import in_pieces
from api.web_base.problems import ProblemError, bad_request, body_too_large, not_found, send_problem

# RFC 9110, section 4.1: so much should be understood. Nothing of ours comes near it.
TARGET_BYTES_MAX = 8_000
HEADERS_BYTES_MAX = 16 * 1024
# Ours have less than 200. A browser that keeps others' for the same host has few of them.
COOKIES_BYTES_MAX = 4 * 1024
BODY_BYTES_MAX = 16 * 1024
BODY_SECONDS_MAX = 10
# Requests whose bodies are on their way: 32 MiB at most, of which one address has a tenth.
ARRIVING_MAX = 2_000
ARRIVING_PER_ADDRESS_MAX = 200


class Gate:
    """The application behind bounds. A HEAD is answered as its GET is, without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.lobby = Lobby()

    # Not a coroutine of its own: the poll would pay for it.
    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Refuse, wait for the body, or pass on."""
        if scope["type"] == ScopeType.WEBSOCKET:
            return self._app(scope, receive, send)
        is_head = scope["method"] == "HEAD"
        send = _without_body(send) if is_head else in_pieces(send, receive)
        has_body, refusal = _look(scope)
        if refusal is not None:
            return send_problem(refusal, send)
        if has_body:
            return self._arrive(scope, receive, send, is_head=is_head)
        return self._pass(scope, receive, send, is_head=is_head)

    def _pass(
        self, scope: HTTPScope, receive: Receive, send: Send, *, is_head: bool
    ) -> Awaitable[None]:
        if is_head:
            scope["method"] = "GET"
            receive = _hung_up(receive)
        return self._app(scope, receive, send)

    async def _arrive(
        self, scope: HTTPScope, receive: Receive, send: Send, *, is_head: bool
    ) -> None:
        try:
            async with self.lobby.place(_network_of(scope)):
                body = await _read(receive)
        except TimeoutError:
            await send_problem(_late(), send)
        except ProblemError as refusal:
            await send_problem(refusal, send)
        else:
            await self._pass(scope, _tell(body, receive), send, is_head=is_head)


def plainly_named(app: ASGIApp) -> ASGIApp:
    """Middleware: what a path names is written as we write it, or there is no such thing.

    The framework reads `1_0` and digits of every script as numbers.
    """

    def middleware(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["path_params"] and not _is_plain(scope["path"], scope["path_params"]):
            raise not_found("page")
        return app(scope, receive, send)

    return middleware


def _is_plain(path: str, named: Mapping[str, Any]) -> bool:
    segments = path.lower().split("/")
    return all(str(v) in segments for v in named.values() if isinstance(v, int | UUID | date))


class Lobby:
    """Where requests wait for their bodies. When it is full, who has waited longest has to go."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Timeout, str] = {}  # the oldest first
        self._of_address: dict[str, dict[asyncio.Timeout, None]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    @asynccontextmanager
    async def place(self, address: str) -> AsyncIterator[None]:
        """Wait here. Raise TimeoutError when the time is up, or when others need the place."""
        async with asyncio.timeout(BODY_SECONDS_MAX) as until:
            own = self._of_address.get(address, {})
            if len(own) >= ARRIVING_PER_ADDRESS_MAX:
                self._end(next(iter(own)))
            elif len(self._waiting) >= ARRIVING_MAX:
                self._end(next(iter(self._waiting)))
            self._waiting[until] = address
            self._of_address.setdefault(address, {})[until] = None
            try:
                yield
            finally:
                self._forget(until)

    def _end(self, until: asyncio.Timeout) -> None:
        self._forget(until)
        if not until.expired():
            until.reschedule(asyncio.get_running_loop().time())

    def _forget(self, until: asyncio.Timeout) -> None:
        address = self._waiting.pop(until, None)
        if address is not None:
            own = self._of_address[address]
            del own[until]
            if not own:
                del self._of_address[address]


def _look(scope: HTTPScope) -> tuple[bool, ProblemError | None]:
    """Whether a body comes with a request, and why the request is refused."""
    if len(scope["path"]) + len(scope["query_string"]) > TARGET_BYTES_MAX:
        detail = f"Path and query must be of at most {TARGET_BYTES_MAX} bytes."
        return False, ProblemError("uri-too-long", "Address too long", 414, detail)
    size, cookies, length, is_chunked = 0, 0, b"", False
    for name, value in scope["headers"]:
        size += len(name) + len(value)
        if name == b"content-length":
            length = value
        elif name == b"transfer-encoding":
            is_chunked = True
        elif name == b"cookie":
            cookies += len(value)
    if size > HEADERS_BYTES_MAX:
        return False, _too_large("All headers", HEADERS_BYTES_MAX)
    if cookies > COOKIES_BYTES_MAX:
        return False, _too_large("All cookies", COOKIES_BYTES_MAX)
    if not scope["path"].isprintable():
        return False, not_found("page")
    if not length:
        return is_chunked, None
    if len(length) > 18 or not length.isdigit() or int(length) > BODY_BYTES_MAX:
        return False, body_too_large()
    return is_chunked or int(length) > 0, None


def _too_large(what: str, most: int) -> ProblemError:
    detail = f"{what} together must be of at most {most} bytes."
    return ProblemError("headers-too-large", "Headers too large", 431, detail)


def _network_of(scope: Scope) -> str:
    proxies = scope["litestar_app"].state.services.config.trusted_proxies
    return networks_of(client_ip(scope, proxies))[0][0]


def _late() -> ProblemError:
    return ProblemError(
        "request-timeout",
        "Body did not arrive",
        408,
        f"The whole body has to arrive within {BODY_SECONDS_MAX} seconds. Send it again.",
        {"Connection": "close"},
    )


async def _read(receive: Receive) -> bytes:
    """The whole body. Raise ProblemError if it is too large, or breaks off."""
    body, is_whole = bytearray(), False
    while not is_whole:
        message: Any = await receive()
        if message["type"] != "http.request":
            raise bad_request("The body broke off.")
        body += message.get("body", b"")
        if len(body) > BODY_BYTES_MAX:
            raise body_too_large()
        is_whole = not message.get("more_body", False)
    return bytes(body)


def _tell(body: bytes, receive: Receive) -> Receive:
    """What tells of a body that is here, and then of what comes after it."""
    messages: list[Any] = [{"type": "http.request", "body": body, "more_body": False}]

    async def tell() -> Any:
        return messages.pop() if messages else await receive()

    return tell


def _without_body(send: Send) -> Send:
    """Sends the head of an answer, and nothing of what follows."""

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return send_head


def _hung_up(receive: Receive) -> Receive:
    """Tells of the body, and then that nobody listens: a stream ends after its head."""
    is_told = False

    async def tell() -> Any:
        nonlocal is_told
        if is_told:
            return {"type": "http.disconnect"}
        is_told = True
        return await receive()

    return tell
