"""Whose turn it is with a bucket, among the bells of one process (decision 0008)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.core.timeline import BUCKET_COUNT


class Turns:
    """One bell of a bucket is worked for, and one waits; the one that waits answers all others.

    So a bucket that is busy holds one thread more, not a thread for each of its groups.
    """

    def __init__(self) -> None:
        self._held = [asyncio.Lock() for _ in range(BUCKET_COUNT)]
        self._waiting: set[int] = set()

    @asynccontextmanager
    async def turn(self, bucket: int) -> AsyncIterator[bool]:
        """Whether to work: at once, after the one before, or not at all."""
        if bucket in self._waiting:
            yield False
            return
        self._waiting.add(bucket)
        try:
            await self._held[bucket].acquire()
        finally:
            self._waiting.discard(bucket)
        try:
            yield True
        finally:
            self._held[bucket].release()
