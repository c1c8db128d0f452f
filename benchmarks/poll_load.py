"""A load generator: keep-alive connections, one request under way on each, no pipelining.

Written on bare sockets, so that it needs a fraction of what the servers it measures need; how busy
it was is part of its report.
"""

import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from itertools import cycle

from msgspec import Struct

RECEIVE_BYTES = 65_536
SILENCE_SECONDS_MAX = 10


class Load(Struct, frozen=True):
    """What was answered, and how busy the generator itself was, as a share of one core."""

    per_second: float
    busy: float


class _Connection:
    """One socket, and the requests that it repeats."""

    def __init__(self, port: int, requests: Sequence[bytes]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), SILENCE_SECONDS_MAX)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._requests: Iterator[bytes] = cycle(requests)
        self._received = b""

    def send(self) -> None:
        self.socket.sendall(next(self._requests))

    def receive(self) -> bool:
        """Read what is there. Return whether the answer is complete, which must be 200.

        A server that is late refuses, as it should; then it is asked again.
        """
        received = self.socket.recv(RECEIVE_BYTES)
        if not received:
            raise RuntimeError("the server closed a connection")
        self._received += received
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < _content_length(head):
            return False
        if head.startswith(b"HTTP/1.1 503 "):
            self._received = b""
            self.send()
            return False
        if not head.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"unexpected answer: {self._received.decode()}")
        self._received = b""
        return True


def load(
    port: int, requests: Sequence[bytes], connections: int, seconds: float, answers_min: int = 0
) -> Load:
    """Send the requests in turn, over and over, for some seconds and until enough are answered."""
    with selectors.DefaultSelector() as selector:
        opened = [_Connection(port, requests[first::connections]) for first in range(connections)]
        try:
            for connection in opened:
                selector.register(connection.socket, selectors.EVENT_READ, connection)
                connection.send()
            return _run(selector, seconds, answers_min)
        finally:
            for connection in opened:
                connection.socket.close()


def paced(
    port: int, requests: Sequence[bytes], connections: int, seconds: float, per_second: float
) -> list[float]:
    """Send requests at a steady rate. Return seconds from when each was due to its answer."""
    count = int(per_second * seconds)
    with selectors.SelectSelector() as selector:  # epoll would round pauses up to milliseconds
        idle = [_Connection(port, requests[first::connections]) for first in range(connections)]
        for connection in idle:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        due: dict[int, float] = {}
        took: list[float] = []
        began, sent = time.perf_counter(), 0
        while len(took) < count:
            now = time.perf_counter()
            while idle and sent < count and began + sent / per_second <= now:
                connection = idle.pop()
                due[id(connection)] = began + sent / per_second
                connection.send()
                sent += 1
            pause = began + sent / per_second - now if idle and sent < count else 1
            for key, _ in selector.select(max(0, pause)):
                connection = key.data
                if connection.receive():
                    took.append(time.perf_counter() - due[id(connection)])
                    idle.append(connection)
        for connection in idle:
            connection.socket.close()
        return took


def _run(selector: selectors.BaseSelector, seconds: float, answers_min: int) -> Load:
    answered = 0
    began, busy_before = time.perf_counter(), time.thread_time()
    while (elapsed := time.perf_counter() - began) < seconds or answered < answers_min:
        events = selector.select(SILENCE_SECONDS_MAX)
        if not events:
            raise RuntimeError(f"the server was silent for {SILENCE_SECONDS_MAX} s")
        for key, _ in events:
            connection: _Connection = key.data
            if connection.receive():
                answered += 1
                connection.send()
    return Load(answered / elapsed, (time.thread_time() - busy_before) / elapsed)


def _content_length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    if not found:
        raise RuntimeError(f"an answer without its length: {head.decode()}")
    return int(rest.partition(b"\r\n")[0])


def get(path: str, token: str) -> bytes:
    """A signed GET request as it goes over the wire."""
    lines = (f"GET {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {token}")
    return "\r\n".join((*lines, "Accept: application/json", "", "")).encode()
