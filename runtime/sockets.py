"""Whoever holds a connection and gives or takes nothing has to go (decision 0042).

The server bounds how long the head of a request may take, and how many connections there are; the
gate, how long a body may. Nothing there bounds how long an answer may lie, nor lets anybody in once
all connections are taken. So a thread looks at the process's own sockets, every second.
"""

import fcntl
import logging
import os
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

from msgspec import Struct

log = logging.getLogger(__name__)

LOOK_SECONDS = 1
FIRST_LOOK_SECONDS = 0.05
# How long something of an answer may wait to be sent. Whoever takes steadily has long had all.
TAKING_SECONDS_MAX = 120
# Answers that wait at one time; 250 kB each at most. Beyond it who has waited longest goes.
WAITING_MAX = 300
# Beyond the one share of all connections the quiet ones go, until the other is left.
FULL, FREED = 0.9, 0.75
QUIET_MS_MIN = 1_000
# What the kernel takes of an answer before the process has to hold it; it doubles it.
SEND_BUFFER_BYTES = 64 * 1024

_UNSENT = 0x894B  # SIOCOUTQNSD of linux/sockios.h
_RESET = struct.pack("ii", 1, 0)
_SENT_AT, _RECEIVED_AT, _RECEIVED = 44, 52, 128  # in struct tcp_info of linux/tcp.h
_INFO_BYTES = 136


class _Found(Struct, frozen=True):
    """A socket of this process. Its inode tells it from others that had the descriptor before."""

    file: int
    inode: int


def watch(port: int, connections: int) -> None:
    """Look after the connections at a port of this process, from now on."""
    if sys.platform == "linux":
        watching = Thread(target=_run, args=(port, connections), name="connections", daemon=True)
        watching.start()


def _run(port: int, connections: int) -> None:
    while not bound_buffers(port):  # the server begins to listen soon
        time.sleep(FIRST_LOOK_SECONDS)
    keeper = Connections(port, connections)
    while True:
        time.sleep(LOOK_SECONDS)
        with suppress(OSError):  # no file may be opened just now
            cut = keeper.look(time.monotonic())
            if cut:
                log.warning("%d connections were cut: they took or sent nothing", cut)


def bound_buffers(port: int) -> bool:
    """Bound what the kernel holds of answers, for all that are accepted; if we listen already."""
    is_bound = False
    for file in _files():
        with suppress(OSError), _shared(file) as own:
            listens = own.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            if listens and own.getsockname()[1:2] == (port,):
                own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
                is_bound = True
    return is_bound


class Connections:
    """The connections of a port of this process, of which there may be so many."""

    def __init__(self, port: int, most: int) -> None:
        self._port = port
        self._most = most
        self._waiting: dict[_Found, float] = {}  # since when an answer waits there

    def look(self, now: float) -> int:
        """Cut those that have to go. Return how many that were."""
        found, waiting = list[int](), dict[_Found, float]()
        for file in _files():
            with suppress(OSError):
                unsent = int.from_bytes(fcntl.ioctl(file, _UNSENT, bytes(4)), sys.byteorder)
                found.append(file)
                if unsent:
                    key = _Found(file, os.fstat(file).st_ino)
                    waiting[key] = self._waiting.get(key, now)
        self._waiting = waiting
        longest = sorted(waiting, key=waiting.__getitem__)
        crowd = max(len(longest) - WAITING_MAX, 0)
        going = longest[:crowd]
        going += [key for key in longest[crowd:] if now - waiting[key] > TAKING_SECONDS_MAX]
        if len(found) > FULL * self._most:
            going += self._quietest(found, len(found) - int(FREED * self._most))
        return sum(map(self._cut, going))

    def _quietest(self, files: list[int], count: int) -> list[_Found]:
        """Who has never sent anything first, and then who has been quiet longest."""
        quiet: list[tuple[bool, int, _Found]] = []
        for file in files:
            with suppress(OSError), _shared(file) as own:
                if own.getsockname()[1] != self._port:
                    continue
                info = own.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
                [sent_at] = struct.unpack_from("I", info, _SENT_AT)
                [received_at] = struct.unpack_from("I", info, _RECEIVED_AT)
                [received] = struct.unpack_from("Q", info, _RECEIVED)
                if min(sent_at, received_at) >= QUIET_MS_MIN:
                    key = _Found(file, os.fstat(own.fileno()).st_ino)
                    quiet.append((received > 0, -min(sent_at, received_at), key))
        quiet.sort(key=lambda one: one[:2])
        return [key for _, _, key in quiet[:count]]

    def _cut(self, connection: _Found) -> bool:
        with suppress(OSError), _shared(connection.file) as own:
            is_same = os.fstat(own.fileno()).st_ino == connection.inode
            if is_same and own.getsockname()[1] == self._port:
                # What waits there is dropped as well, ours and the kernel's.
                own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                own.shutdown(socket.SHUT_RDWR)
                return True
        return False


def _files() -> Iterator[int]:
    return map(int, os.listdir("/proc/self/fd"))  # noqa: PTH208


@contextmanager
def _shared(file: int) -> Iterator[socket.socket]:
    """A descriptor of our own for a socket: the server may close its own meanwhile."""
    copy = os.dup(file)
    try:
        # Of whichever family it is: it is asked for its options and its port only.
        own = socket.socket(socket.AF_INET, socket.SOCK_STREAM, fileno=copy)
    except OSError:
        os.close(copy)
        raise
    with own:
        yield own
