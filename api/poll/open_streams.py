"""The event streams that a process has open, and how many it may have."""

import asyncio

from msgspec import Struct

STREAMS_MAX = 2_000
STREAMS_PER_MEMBER_MAX = 4


class Open(Struct, eq=False):
    """A stream under way. A newer one of the same member may end it."""

    changed: asyncio.Event
    is_over: bool = False


class Streams:
    """The streams of one process: so many in all, and so many a member."""

    def __init__(self) -> None:
        self._open: dict[int, list[Open]] = {}
        self._count = 0
        self._is_closed = False

    def __len__(self) -> int:
        return self._count

    def is_full(self) -> bool:
        """Whether no more can be served here."""
        return self._count >= STREAMS_MAX

    def add(self, user_id: int, stream: Open) -> None:
        """Begin one; a phone that came back on another network ends its oldest."""
        streams = self._open.setdefault(user_id, [])
        streams.append(stream)
        self._count += 1
        if len(streams) > STREAMS_PER_MEMBER_MAX or self._is_closed:
            _end(streams[0])

    def close(self) -> None:
        """End all, now and later, after what they have to tell: the process is about to stop."""
        self._is_closed = True
        for streams in self._open.values():
            for stream in streams:
                _end(stream)

    def remove(self, user_id: int, stream: Open) -> None:
        """One has ended."""
        streams = self._open[user_id]
        streams.remove(stream)
        self._count -= 1
        if not streams:
            del self._open[user_id]


def _end(stream: Open) -> None:
    stream.is_over = True
    stream.changed.set()
