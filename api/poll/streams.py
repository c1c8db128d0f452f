"""What a member's phones are told as it happens (decision 0033).

A stream says how things stand, not what happened: whoever was away for a while misses nothing,
since the next event holds the whole status. Its id is the entity tag of the poll's answer.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

from litestar.response import ServerSentEventMessage

from api.poll.answer import current_answer
from api.poll.open_streams import Open
from api.web_base.problems import ProblemError
from api.web_base.services import Services
from models.inbox.notes import count_unread
from runtime.clock import utcnow

HEARTBEAT_SECONDS = 15
# A commit shows twice: as about to come, and as done.
SETTLE_SECONDS = 0.1
RETRY_MS = 3_000


async def follow(
    services: Services, user_id: int, known: str | None, ends_at: datetime
) -> AsyncIterator[ServerSentEventMessage]:
    """Events until the access token ends: `status` as the poll answers it, `unread` as a number.

    `known` is the id of the last event that the client has.
    """
    with services.held.watch(user_id) as changed:
        stream = Open(changed)
        services.streams.add(user_id, stream)
        try:
            async for message in _events(services, user_id, stream, known, ends_at):
                yield message
        except ProblemError:
            return  # the account is closed
        finally:
            services.streams.remove(user_id, stream)


async def _events(
    services: Services, user_id: int, stream: Open, known: str | None, ends_at: datetime
) -> AsyncIterator[ServerSentEventMessage]:
    told: int | None = None
    yield ServerSentEventMessage(data=None, comment="hello", retry=RETRY_MS)
    while (now := utcnow()) < ends_at:
        is_changed = stream.changed.is_set()
        stream.changed.clear()
        answer = await current_answer(services, user_id, now)
        etag, is_quiet = answer.etag.decode().strip('"'), True
        if etag != known:
            known, is_quiet = etag, False
            yield ServerSentEventMessage(data=answer.body.decode(), event="status", id=etag)
        if not is_quiet or is_changed or told is None:
            unread = await count_unread(services.database, user_id)
            if unread != told:
                told, is_quiet = unread, False
                yield ServerSentEventMessage(data=str(unread), event="unread")
        if stream.is_over:
            return
        if is_quiet:
            yield ServerSentEventMessage(data=None, comment="still here")
        await _wait(stream.changed, min(answer.changes_at, ends_at), now)


async def _wait(changed: asyncio.Event, until: datetime, now: datetime) -> None:
    """For a change, or until time alone makes one, or for a heartbeat."""
    seconds = min(max((until - now).total_seconds(), 0), HEARTBEAT_SECONDS)
    try:
        async with asyncio.timeout(seconds + SETTLE_SECONDS):
            await changed.wait()
            await asyncio.sleep(SETTLE_SECONDS)
    except TimeoutError:
        pass
