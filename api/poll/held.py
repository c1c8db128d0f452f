"""What a process holds ready for the poll (decision 0021).

An answer is a pure function of a member's snapshot and the time. So it stays as it is until the
copy of the snapshot changes, which the change feed tells, or until the instant at which time alone
changes it.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from litestar import Response
from litestar.types import Receive, Scope, Send
from msgspec import Struct

from api.web_base.etags import etag_of, is_known
from engine.status import MiningStatus, Snapshot
from models.mining.snapshots import COPY_SECONDS_MAX, SnapshotCopies
from runtime.changes import ChangeFeed

HELD_MAX = 20_000
_AGE_MAX = timedelta(seconds=COPY_SECONDS_MAX)
_JSON = (b"content-type", b"application/json")


class Answer(Struct, frozen=True):
    """What a phone is sent within [rendered_at, changes_at), unless its member acts."""

    body: bytes
    etag: bytes
    rendered_at: datetime
    changes_at: datetime


def make_answer(body: bytes, rendered_at: datetime, changes_at: datetime) -> Answer:
    """An answer with its entity tag."""
    return Answer(body, etag_of(body), rendered_at, changes_at)


class PollResponse(Response[MiningStatus]):
    """An answer ready to be sent, or 304 if the phone has it already."""

    def __init__(self, answer: Answer, known: bytes | None) -> None:
        # Nothing of the framework's own: what it prepares for any response costs more than this
        # one takes altogether.
        self._answer = answer
        self._is_known = is_known(answer.etag, known)
        self._headers: Mapping[str, str] = {}

    def to_asgi_response(
        self, *args: Any, headers: Mapping[str, str] | None = None, **options: Any
    ) -> Any:
        """Itself, with the headers that are declared for the route."""
        self._headers = headers or {}
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        status, body = 200, self._answer.body
        headers = [(b"etag", self._answer.etag)]
        headers += [(name.lower().encode(), text.encode()) for name, text in self._headers.items()]
        if self._is_known:
            status, body = 304, b""
        else:
            headers += [_JSON, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})


class HeldStatus(Struct):
    """A snapshot as it was read at `read_at`, and the last answer made from it."""

    snapshot: Snapshot
    read_at: datetime
    answer: Answer | None = None


class HeldCopies:
    """Copies of Redis's copies, of one process. Whatever is found has not changed since."""

    def __init__(self, copies: SnapshotCopies, redis_url: str) -> None:
        self.feed = ChangeFeed(redis_url, copies.prefix, self._forget)
        self._copies = copies
        self._held: dict[int, HeldStatus] = {}
        self._reads: dict[int, object] = {}
        self._watches: dict[int, set[asyncio.Event]] = {}
        self.hits = 0  # polls answered from what is held

    def find(self, user_id: int, now: datetime) -> HeldStatus | None:
        """What is held of a user, unless it is too old or changes may have been missed."""
        if not self.feed.is_current():
            return None
        held = self._held.get(user_id)
        return held if held and held.read_at <= now < held.read_at + _AGE_MAX else None

    def take_hits(self) -> int:
        """How many polls were answered from what is held, since this was last asked."""
        hits, self.hits = self.hits, 0
        return hits

    async def read(self, user_id: int, now: datetime) -> HeldStatus | None:
        """Read the copy in Redis, and hold it unless it changes meanwhile."""
        read = self._reads[user_id] = object()
        was_current = self.feed.is_current()
        snapshot = await self._copies.read(user_id)
        # A change that was heard since the question was sent has taken this read off the list.
        undisturbed = self._reads.get(user_id) is read
        if undisturbed:
            del self._reads[user_id]
        if snapshot is None:
            return None
        held = HeldStatus(snapshot, now)
        if undisturbed and was_current:
            self._hold(user_id, held)
        return held

    @contextmanager
    def watch(self, user_id: int) -> Iterator[asyncio.Event]:
        """An event that is set whenever something about a user may have changed."""
        changed = asyncio.Event()
        self._watches.setdefault(user_id, set()).add(changed)
        try:
            yield changed
        finally:
            watches = self._watches[user_id]
            watches.discard(changed)
            if not watches:
                del self._watches[user_id]

    def _hold(self, user_id: int, held: HeldStatus) -> None:
        self._held.pop(user_id, None)
        if len(self._held) >= HELD_MAX:
            del self._held[next(iter(self._held))]  # the one that was read first
        self._held[user_id] = held

    def _forget(self, user_id: int | None) -> None:
        if user_id is None:
            self._held.clear()
            self._reads.clear()
            watched = [changed for watches in self._watches.values() for changed in watches]
        else:
            self._held.pop(user_id, None)
            self._reads.pop(user_id, None)
            watched = list(self._watches.get(user_id, ()))
        for changed in watched:
            changed.set()
