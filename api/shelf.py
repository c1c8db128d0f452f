"""The list of videos, a copy in each process: what all members see alike is read twice a minute."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from models.db import Database
from models.videos import CatalogueVideo, read_catalogue

KEEP = timedelta(seconds=30)


class Shelf:
    """Active videos, at most KEEP old. Whoever starts a boost is checked against the rows."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._videos: Sequence[CatalogueVideo] = ()
        self._read_at: datetime | None = None
        self._reading = asyncio.Lock()

    async def videos(self, now: datetime) -> Sequence[CatalogueVideo]:
        """All videos that may be boosted, by id."""
        if not self._is_fresh(now):
            async with self._reading:  # one read for all who wait
                if not self._is_fresh(now):
                    self._videos = await read_catalogue(self._database)
                    self._read_at = now
        return self._videos

    def _is_fresh(self, now: datetime) -> bool:
        return self._read_at is not None and abs(now - self._read_at) < KEEP
