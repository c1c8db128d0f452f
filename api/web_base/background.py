"""What is done after an answer, and what no answer tells of: messages to addresses.

A request that waited for the mail server would hold its place meanwhile, and its time would tell
whether somebody is known.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)

UNDER_WAY_MAX = 100
# Until then the answer has been sent: it takes no longer for whom there is something to do.
AFTER_SECONDS = 0.02
# A process that ends waits for them as long: a message takes five seconds at most.
LAST_SECONDS = 10


class Background:
    """Those of one process. They are not kept: whoever misses a message asks for another."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[None]] = set()

    def is_full(self) -> bool:
        """Whether no more can be taken on now."""
        return len(self._under_way) >= UNDER_WAY_MAX

    def start(self, doing: Coroutine[Any, Any, None]) -> None:
        """Do it, beside everything else, a moment after the answer."""
        task = asyncio.create_task(_later(doing))
        self._under_way.add(task)
        task.add_done_callback(self._done)

    async def finished(self) -> None:
        """Return when none is under way."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def aclose(self) -> None:
        """Let the last ones finish, or give them up."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=LAST_SECONDS)
        for task in list(self._under_way):
            task.cancel()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("a message was not sent: %s", type(error).__name__, exc_info=error)


async def _later(doing: Coroutine[Any, Any, None]) -> None:
    try:
        await asyncio.sleep(AFTER_SECONDS)
    except asyncio.CancelledError:
        doing.close()
        raise
    await doing
