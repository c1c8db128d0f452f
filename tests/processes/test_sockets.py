"""Who holds a connection and gives or takes nothing: the silent, the unread, too many of both."""

import gc
import resource
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from api.poll.open_streams import STREAMS_MAX
from api.web_base.gate import HEADERS_BYTES_MAX, TARGET_BYTES_MAX, Gate
from runtime import serving, sockets
from runtime.environment import Config
from runtime.sockets import Connections
from tests.kit.processes import Processes, running, until

SILENT = 1_100
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
BUNDLE = b"GET /swagger/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n"
NOW = 1_000.0


class Site:
    """A port of this process, its connections, and the other ends of them."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.port: int = self._listener.getsockname()[1]
        assert sockets.bound_buffers(self.port)

    def connect(self) -> tuple[socket.socket, socket.socket]:
        """Ours of a new connection, and the stranger's."""
        theirs = self._stack.enter_context(socket.socket())
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        theirs.connect(("127.0.0.1", self.port))
        ours, _ = self._listener.accept()
        return self._stack.enter_context(ours), theirs

    def answer(self) -> tuple[socket.socket, socket.socket]:
        """One on which an answer waits that is larger than the kernel takes."""
        ours, theirs = self.connect()
        fill(ours)
        return ours, theirs


def fill(ours: socket.socket) -> None:
    ours.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            ours.send(bytes(65_536))


def test_what_lives_as_long_as_the_process_is_no_garbage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "watch", lambda *_: None)
    assert serving._load(False, 0, 1, "api.web_base.gate:Gate") is Gate
    assert gc.get_freeze_count() > 100_000


@pytest.fixture
def site() -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(stack)


def is_cut(ours: socket.socket) -> bool:
    """Whether we have ended it: the server meets this when it reads or writes next."""
    try:
        ours.send(b"x", socket.MSG_NOSIGNAL | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return False


def test_what_the_kernel_holds_of_an_answer_is_bounded(site: Site) -> None:
    ours, _ = site.connect()
    held = ours.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    assert held == 2 * sockets.SEND_BUFFER_BYTES  # inherited by all that are accepted


def test_an_answer_that_nobody_takes_is_cut(site: Site) -> None:
    keeper = Connections(site.port, 1_000)
    lying, theirs = site.answer()
    silent, _ = site.connect()
    assert keeper.look(NOW) == 0
    assert keeper.look(NOW + sockets.TAKING_SECONDS_MAX) == 0
    assert not is_cut(lying)
    assert keeper.look(NOW + sockets.TAKING_SECONDS_MAX + 0.1) == 1
    assert is_cut(lying) and not is_cut(silent)
    lying.close()
    with pytest.raises(ConnectionResetError):
        while theirs.recv(65_536):
            pass


def test_who_has_taken_all_begins_anew(site: Site) -> None:
    keeper = Connections(site.port, 1_000)
    ours, theirs = site.answer()
    keeper.look(NOW)
    theirs.setblocking(False)
    while select.select([theirs], [], [], 0.3)[0]:
        theirs.recv(1 << 20)
    keeper.look(NOW + 100)
    fill(ours)
    assert keeper.look(NOW + sockets.TAKING_SECONDS_MAX + 1) == 0
    assert not is_cut(ours)


def test_when_too_many_answers_lie_the_oldest_go(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "WAITING_MAX", 2)
    keeper = Connections(site.port, 1_000)
    lying = []
    for number in range(4):
        lying.append(site.answer()[0])
        keeper.look(NOW + number)
    assert [is_cut(ours) for ours in lying] == [True, True, False, False]


def test_when_all_are_taken_the_silent_go_first(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "QUIET_MS_MIN", 0)
    pairs = [site.connect() for _ in range(8)]
    for ours, theirs in (*pairs[:3], *pairs[5:]):
        theirs.send(b"GET")
        select.select([ours], [], [], 1)
        ours.recv(3)
    files = [ours.fileno() for ours, _ in pairs]
    monkeypatch.setattr(sockets, "_files", lambda: iter(files))
    assert Connections(site.port, 9).look(NOW) == 0
    assert Connections(site.port, 8).look(NOW) == 2
    gone = [number for number, (ours, _) in enumerate(pairs) if is_cut(ours)]
    assert gone == [3, 4]


def test_sockets_of_other_ports_are_left_alone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "QUIET_MS_MIN", 0)
    ours, _ = site.answer()
    keeper = Connections(site.port + 1, 1)
    assert keeper.look(NOW) == keeper.look(NOW + 1_000) == 0
    assert not is_cut(ours)


def test_there_are_more_connections_than_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    assert serving.CONNECTIONS_MAX > 2 * STREAMS_MAX
    assert serving.BUFFER_BYTES > HEADERS_BYTES_MAX + TARGET_BYTES_MAX
    limits = {"soft": 1_024, "hard": 1_000_000}

    def set_limits(what: int, pair: tuple[int, int]) -> None:
        limits["soft"], limits["hard"] = pair

    monkeypatch.setattr(resource, "getrlimit", lambda _: (limits["soft"], limits["hard"]))
    monkeypatch.setattr(resource, "setrlimit", set_limits)
    assert serving.room_for(5_000) == 5_000
    assert limits == {"soft": 5_000 + serving.OTHER_FILES, "hard": 1_000_000}
    limits.update(soft=1_024, hard=4_096)
    assert serving.room_for(5_000) == 4_096 - serving.OTHER_FILES


@pytest.fixture
def web(config: Config) -> Iterator[Processes]:
    """A web process by itself."""
    with running(Processes(config, {}), "web") as started:
        yield started


def open_many(port: int, number: int) -> list[socket.socket]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < number + 200:
        resource.setrlimit(resource.RLIMIT_NOFILE, (number + 200, hard))
    return [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(number)]


def lying(port: int, peer: int) -> int:
    """Bytes of an answer that the kernel holds, of the connection between two ports."""
    lines = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    ends = (f":{port:04X}", f":{peer:04X}")
    return sum(int(f[4][:8], 16) for f in lines if (f[1][8:], f[2][8:]) == ends)


def settled(port: int, peer: int) -> int:
    """The same, once it does not become more."""
    seen = [0]

    def look() -> int:
        seen.append(lying(port, peer))
        return seen[-1] if seen[-1] == seen[-2] else 0

    return until(look, "a part that lies")


def test_silent_connections_stop_nobody(web: Processes) -> None:
    silent = open_many(web.port, SILENT)
    with ExitStack() as stack:
        for each in silent:
            stack.enter_context(each)
        began = time.monotonic()
        assert httpx.get(f"{web.url}/healthz", timeout=5).status_code == 200
        assert time.monotonic() - began < 5
        # HTTP/2, of which one connection may ask for a hundred answers, is not spoken.
        with socket.create_connection(("127.0.0.1", web.port), timeout=5) as other:
            other.sendall(PREFACE)
            assert not other.recv(100).startswith(b"\x00")
        # Of an answer that nobody takes, a bounded part lies in the kernel.
        with socket.socket() as lazy:
            lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            lazy.connect(("127.0.0.1", web.port))
            lazy.sendall(BUNDLE)
            here = lazy.getsockname()[1]
            assert settled(web.port, here) < 300_000
    until(web.is_up, "the process after they have hung up")
