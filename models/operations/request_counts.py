"""Requests are counted in memory, and added up over all web processes in slots of five minutes."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime

from engine.core.timeline import boundary_at_or_before
from models.base.db import DATABASE_ERRORS, Database, connected, run, sql
from runtime.clock import utcnow

log = logging.getLogger(__name__)

SLOT_SECONDS = 300
ADD_SECONDS = 10

ADD = sql("""
    INSERT INTO request_counts AS c (slot, name, value)
    SELECT d.slot, d.name, d.value
    FROM unnest(CAST(:slots AS timestamptz[]), CAST(:names AS text[]), CAST(:values AS bigint[]))
         AS d (slot, name, value)
    ON CONFLICT (slot, name) DO UPDATE SET value = c.value + EXCLUDED.value
""")


class RequestCounts:
    """What one web process has answered, until it is added up."""

    def __init__(self) -> None:
        self.now: Counter[str] = Counter()
        self._pending: Counter[tuple[datetime, str]] = Counter()

    async def add_up(self, database: Database, now: datetime) -> None:
        """Write what has been counted. Raise a database error, and keep it for the next time."""
        counted, self.now = self.now, Counter()
        slot = boundary_at_or_before(now, SLOT_SECONDS)
        self._pending.update({(slot, name): value for name, value in counted.items()})
        pending = sorted(self._pending.items())  # in one order: processes never deadlock
        if not pending:
            return
        params = {
            "slots": [slot for (slot, _), _ in pending],
            "names": [name for (_, name), _ in pending],
            "values": [value for _, value in pending],
        }
        async with connected(database) as connection:
            await run(connection, ADD, params)
        self._pending.clear()

    @asynccontextmanager
    async def adding_up(self, database: Database) -> AsyncIterator[None]:
        """Write every ten seconds, and once more at the end."""
        task = asyncio.create_task(self._keep_adding(database))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])
            with suppress(*DATABASE_ERRORS):
                await self.add_up(database, utcnow())

    async def _keep_adding(self, database: Database) -> None:
        while True:
            await asyncio.sleep(ADD_SECONDS)
            try:
                await self.add_up(database, utcnow())
            except DATABASE_ERRORS as error:
                log.warning("counts of requests wait: %s", type(error).__name__)
