"""What many see alike, a copy in each process: the list of videos, the day's figures so far."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

Kept = TypeVar("Kept")


class Shelf(Generic[Kept]):
    """What was read, for as long as it is kept. Whoever acts on it is checked against the rows."""

    def __init__(self, read: Callable[[datetime], Awaitable[Kept]], keep: timedelta) -> None:
        self._read = read
        self._keep = keep
        self._copy: tuple[datetime, Kept] | None = None
        self._reading = asyncio.Lock()

    async def at(self, now: datetime) -> Kept:
        """The copy, read anew if it is too old."""
        found = self._fresh(now)
        if found is None:
            async with self._reading:  # one read for all who wait
                found = self._fresh(now)
                if found is None:
                    found = self._copy = (now, await self._read(now))
        return found[1]

    def _fresh(self, now: datetime) -> tuple[datetime, Kept] | None:
        copy = self._copy
        return copy if copy is not None and abs(now - copy[0]) < self._keep else None
