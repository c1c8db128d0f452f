"""A TCP proxy between two parts of the system, which can spoil what passes through it."""

import asyncio
import random
from contextlib import suppress
from enum import Enum
from urllib.parse import urlsplit, urlunsplit

from ops.local.daemon import free_port

READ_BYTES = 65_536
# Of what a server sends while replies are lost; the rest arrives, so that work goes on.
LOST_SHARE = 0.3
# Where servers listen whose URL does not say.
PORTS = {"postgresql": 5432, "redis": 6379, "amqp": 5672}


class Mode(Enum):
    """What becomes of connections."""

    PASS = "passed on"  # noqa: S105
    REFUSE = "cut, and new ones too"
    STALL = "silent, as in a partitioned network"
    LOSE = "cut when a reply comes back: what was asked for is done, but nobody is told"


class Proxy:
    """Passes connections on to a port that may change: later ones follow it."""

    def __init__(self, target: int, seed: int, host: str = "127.0.0.1") -> None:
        self.port = free_port()
        self.host = host
        self.target = target
        self.tries = 0  # connections that were asked for
        self._random = random.Random(seed)  # noqa: S311
        self._mode = Mode.PASS
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.mode = Mode.REFUSE
        await asyncio.gather(*self._serving, return_exceptions=True)

    def before(self, url: str) -> str:
        """A URL of its server's, through it."""
        parts = urlsplit(url)
        credentials, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{credentials}{at}127.0.0.1:{self.port}"))

    @property
    def mode(self) -> Mode:
        """What becomes of connections now."""
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._mode = mode
        if mode is Mode.STALL:
            self._flowing.clear()
        else:
            self._flowing.set()
        if mode is Mode.REFUSE:
            self.cut()

    def cut(self) -> None:
        """End every connection at once, whatever is under way on it."""
        for writer in self._open:
            writer.transport.abort()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tries += 1
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode is Mode.REFUSE:
            writer.transport.abort()
            return
        try:
            answers, asks = await asyncio.open_connection(self.host, self.target)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, asks}
        self._open |= both
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, asks, both, is_reply=False))
                group.create_task(self._pump(answers, writer, both, is_reply=True))
        finally:
            self._open -= both
            for end in both:
                end.close()

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        both: set[asyncio.StreamWriter],
        *,
        is_reply: bool,
    ) -> None:
        with suppress(OSError):
            while data := await source.read(READ_BYTES):
                await self._flowing.wait()
                if is_reply and self._mode is Mode.LOSE and self._random.random() < LOST_SHARE:
                    break
                sink.write(data)
                await sink.drain()
            else:
                if sink.can_write_eof():
                    sink.write_eof()
                return
        for end in both:
            end.transport.abort()


def proxy_of(url: str, seed: int) -> Proxy:
    """A proxy before the server of a URL."""
    parts = urlsplit(url)
    return Proxy(parts.port or PORTS[parts.scheme], seed, parts.hostname or "127.0.0.1")
