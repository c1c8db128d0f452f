"""Hearing which copies in Redis have changed, so that a process may hold some itself
(decision 0021).

Redis tells a connection of every write, expiry and deletion of the keys with a prefix (client-side
tracking, BCAST). What was held is right only as long as nothing was missed: `is_current` takes in
what has arrived by then, and is False while the connection is lost or silent.
"""

import asyncio
import logging
import select
import ssl
from collections.abc import Callable
from typing import Any, Self

from redis import ConnectionPool
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

BEAT_SECONDS = 1
# A connection may die without a word: so long after the last sign of life nothing is trusted.
SILENCE_SECONDS_MAX = 3
PAUSE_SECONDS = 1
_RECEIVE_BYTES = 65_536
_NOTHING_YET = (BlockingIOError, ssl.SSLWantReadError)

Forget = Callable[[int | None], None]


class ChangeFeed:
    """The changes of one prefix. Keys are the prefix and a number.

    `forget` is called with the number of each key that changed, or with None when any may have.
    """

    def __init__(self, url: str, prefix: str, forget: Forget) -> None:
        # Its URL may ask for a password or TLS, which redis-py's connections know.
        self._pool = ConnectionPool.from_url(
            url,
            protocol=3,
            socket_timeout=SILENCE_SECONDS_MAX,
            socket_connect_timeout=SILENCE_SECONDS_MAX,
        )
        self._prefix = prefix.encode()
        self._forget = forget
        self._socket: Any = None
        self._poller = select.poll()
        self._unread = b""
        self._asked_at: float | None = None
        self._current_until = 0.0
        self._reason = ""
        self._is_known_lost = False
        self._tried = asyncio.Event()
        self._ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._following: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to listen. Return when it is current, or Redis cannot be reached for now."""
        self._following = asyncio.create_task(self._follow_for_ever())
        await self._tried.wait()
        return self

    async def __aexit__(self, *error: object) -> None:
        """Stop listening."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])

    def is_current(self) -> bool:
        """Whether every change that Redis has told of by now was taken in."""
        # Not left to the event loop: it may have a request's turn before that of a message that
        # arrived earlier.
        if self._poller.poll(0):
            self._receive()
        return self._loop.time() < self._current_until

    async def _follow_for_ever(self) -> None:
        while True:
            try:
                await self._follow()
            except (RedisError, OSError) as error:
                if not self._is_known_lost:
                    log.warning("changes are not heard, so nothing is held here: %s", error)
                self._is_known_lost = True
            await asyncio.sleep(PAUSE_SECONDS)

    async def _follow(self) -> None:
        """Listen until the connection is lost. Raise why."""
        connection: Any = self._pool.make_connection()
        try:
            await asyncio.to_thread(connection.connect)
            self._begin(connection._sock)
            while not self._ended.is_set():
                self._ask()
                await self._pause()
            raise ConnectionError(self._reason)
        finally:
            self._end()
            connection.disconnect()

    def _begin(self, connected: Any) -> None:
        connected.setblocking(False)
        self._socket = connected
        self._ended.clear()
        self._send(b"CLIENT TRACKING ON BCAST PREFIX %s\r\n" % self._prefix)
        self._poller.register(connected, select.POLLIN)
        self._loop.add_reader(connected, self._receive)

    def _end(self) -> None:
        """Whatever is held is in doubt from now on."""
        self._current_until = 0.0
        self._forget(None)
        self._asked_at, self._unread = None, b""
        self._tried.set()
        self._ended.set()
        if self._socket is not None:
            self._poller.unregister(self._socket)
            self._loop.remove_reader(self._socket)
            self._socket = None

    def _ask(self) -> None:
        """Ask for a sign of life, unless one is still due."""
        if self._asked_at is None:
            self._asked_at = self._loop.time()
            self._send(b"PING\r\n")
        elif self._loop.time() > self._asked_at + SILENCE_SECONDS_MAX:
            raise TimeoutError("the server is silent")

    def _send(self, command: bytes) -> None:
        # A few bytes a second: what does not fit into the socket's buffer is a dead connection.
        self._socket.send(command)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(BEAT_SECONDS):
                await self._ended.wait()
        except TimeoutError:
            pass

    def _receive(self) -> None:
        """Take in all that has arrived."""
        try:
            while self._socket is not None:
                received = self._socket.recv(_RECEIVE_BYTES)
                if not received:
                    raise ConnectionError("the server has closed the connection")
                *lines, self._unread = (self._unread + received).split(b"\r\n")
                for line in lines:
                    self._read(line)
        except _NOTHING_YET:
            pass
        except OSError as error:
            self._reason = str(error)
            self._end()

    def _read(self, line: bytes) -> None:
        """One line of the protocol (RESP3): what frames the keys does not matter."""
        if line.startswith(self._prefix):
            number = line[len(self._prefix) :]
            self._forget(int(number) if number.isdigit() else None)
        elif line == b"_":  # in place of keys: the database was emptied
            self._forget(None)
        elif line == b"+PONG" and self._asked_at is not None:
            self._current_until = self._asked_at + SILENCE_SECONDS_MAX
            self._asked_at = None
            self._is_known_lost = False
            self._tried.set()
        elif line.startswith(b"-"):
            raise ConnectionError(line.decode(errors="replace"))
