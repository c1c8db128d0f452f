"""An open-loop load generator: requests leave when they are due, answered or not.

Arrivals are a Poisson process. A latency counts from the instant at which its request was due, so
that a server that stalls is charged for everybody who would have asked meanwhile. Written on bare
sockets, in the manner of poll_load, since it shares the machine with what it measures.
"""

import random
import re
import selectors
import socket
import time
from collections.abc import Sequence

from msgspec import Struct

CONNECTIONS_MIN = 64
CONNECTIONS_MAX = 1_500
PATIENCE_SECONDS = 10.0
RECEIVE_BYTES = 65_536
_RETRY_AFTER = re.compile(rb"(?i)\r\nretry-after: *\d")
_INTENT = re.compile(rb'"id":"([0-9a-f-]{36})","kind"')

Shot = tuple[str, bytes]


class Hit(Struct, frozen=True):
    """What became of a request. Status 0: no answer within PATIENCE_SECONDS, or a broken one."""

    kind: str
    status: int
    seconds: float
    has_retry_after: bool
    intent_id: str | None


class Volley(Struct, frozen=True):
    """All requests of some seconds, and how busy the generator was, as a share of one core."""

    hits: list[Hit]
    seconds: float
    busy: float


class _Line:
    """A keep-alive connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.kind, self.due, self._received = "", 0.0, b""

    def send(self, shot: Shot, due: float) -> bool:
        self.kind, self.due, self._received = shot[0], due, b""
        try:
            self.socket.sendall(shot[1])
        except OSError:
            return False
        return True

    def receive(self, now: float) -> Hit | None:
        """The hit, once the answer is complete or the connection is gone."""
        try:
            received = self.socket.recv(RECEIVE_BYTES)
        except OSError:
            received = b""
        if not received:
            return Hit(self.kind, 0, now - self.due, False, None)
        self._received += received
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < _content_length(head):
            return None
        intent = _INTENT.search(body)
        return Hit(
            kind=self.kind,
            status=int(head[9:12]),
            seconds=now - self.due,
            has_retry_after=bool(_RETRY_AFTER.search(head)),
            intent_id=intent[1].decode() if intent else None,
        )


class _Range:
    """The connections: idle ones, and those with a request under way."""

    def __init__(self, port: int, selector: selectors.BaseSelector) -> None:
        self._port, self._selector = port, selector
        self.idle: list[_Line] = []
        self.under_way: dict[int, _Line] = {}
        for _ in range(CONNECTIONS_MIN):
            self.idle.append(self._open())

    def _open(self) -> _Line:
        line = _Line(self._port)
        self._selector.register(line.socket, selectors.EVENT_READ, line)
        return line

    def send(self, shot: Shot, due: float) -> bool:
        """Send on an idle line, or a new one. False if there may be no more of them."""
        if not self.idle and len(self.under_way) >= CONNECTIONS_MAX:
            return False
        line = self.idle.pop() if self.idle else self._open()
        self.under_way[id(line)] = line
        if not line.send(shot, due):
            self.close(line)
        return True

    def free(self, line: _Line) -> None:
        """Its answer has come."""
        del self.under_way[id(line)]
        self.idle.append(line)

    def close(self, line: _Line) -> None:
        """It is of no more use."""
        self.under_way.pop(id(line), None)
        self._selector.unregister(line.socket)
        line.socket.close()

    def given_up(self, now: float) -> list[Hit]:
        """Those whose patience is over."""
        late = [line for line in self.under_way.values() if now - line.due > PATIENCE_SECONDS]
        for line in late:
            self.close(line)
        return [Hit(line.kind, 0, now - line.due, False, None) for line in late]


def fire(port: int, shots: Sequence[Shot], per_second: float, seed: int) -> Volley:
    """Send all of them at that rate; wait for every answer, or until patience is over."""
    chance = random.Random(seed)
    dues, at = list[float](), 0.0
    for _ in shots:
        at += chance.expovariate(per_second)
        dues.append(at)
    hits: list[Hit] = []
    with selectors.DefaultSelector() as selector:
        lines = _Range(port, selector)
        began, busy_before, sent = time.perf_counter() + 0.01, time.thread_time(), 0
        while len(hits) < len(shots):
            now = time.perf_counter()
            while sent < len(shots) and began + dues[sent] <= now:
                if not lines.send(shots[sent], began + dues[sent]):
                    break
                sent += 1
            is_waiting = sent < len(shots) and began + dues[sent] > now
            pause = min(began + dues[sent] - now, 0.05) if is_waiting else 0.05
            for key, _ in selector.select(max(0.0, pause)):
                _read(lines, key.data, hits)
            hits += lines.given_up(time.perf_counter())
        elapsed = time.perf_counter() - began
        busy = (time.thread_time() - busy_before) / elapsed
        for line in lines.idle:
            lines.close(line)
    return Volley(hits, dues[-1], busy)


def _read(lines: _Range, line: _Line, hits: list[Hit]) -> None:
    is_under_way = id(line) in lines.under_way
    hit = line.receive(time.perf_counter())
    if not is_under_way:  # the server has closed an idle connection
        lines.idle.remove(line)
        lines.close(line)
    elif hit is not None:
        hits.append(hit)
        if hit.status:
            lines.free(line)
        else:
            lines.close(line)


def _content_length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0
