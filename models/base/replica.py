"""A streaming replica, for what may be a moment behind; the primary answers while it does not.

Each statement is asked of the replica by itself. One that it refuses, or does not answer while it
answers nothing else either, is asked of the primary instead (decision 0051).
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg

from models.base.db import (
    DATABASE_ERRORS,
    STATEMENT_TIMEOUT_MS,
    Connection,
    Database,
    Row,
    connected,
    rows,
    sql,
)

log = logging.getLogger(__name__)

# How long a replica may take to say how it stands, and a statement until it is asked that again.
ANSWER_SECONDS_MAX = 1
# How long it counts as well after it said so; how long one that is not is left alone.
LOOK_SECONDS = 1
REST_SECONDS = 5
# How far behind the primary it may be.
LAG_SECONDS_MAX = 10
# So often a replica is asked whether it has what an idle primary had written.
CATCH_UP_TRIES = 3
CATCH_UP_SECONDS = 0.05

# A former primary that only reads by now hears of nothing any more. Of an idle one's replica the
# last change is as old as it is at the primary. The two servers' clocks are compared, not ours.
IS_LATE = sql("""
    SELECT CASE WHEN pg_is_in_recovery()
           THEN COALESCE(clock_timestamp() - pg_last_xact_replay_timestamp()
                         > make_interval(secs => :seconds), true)
           ELSE current_setting('transaction_read_only') = 'on' END AS is_late
""")
WRITTEN = sql("SELECT CAST(pg_current_wal_lsn() AS text) AS position")
HAS = sql("""
    SELECT COALESCE(pg_last_wal_replay_lsn() >= CAST(CAST(:position AS text) AS pg_lsn), false)
           AS has_it
""")


class Replica(Database):
    """A pool of connections to a replica, which names the primary that stands in for it."""

    def __init__(self, url: str, pool_size: int, application_name: str, primary: Database) -> None:
        super().__init__(url, pool_size, application_name, STATEMENT_TIMEOUT_MS, reads_only=True)
        self.fault = ""  # why it is left alone
        self._primary = primary
        # Looks have a connection of their own: slow reports may hold all others.
        self._side = Database(url, 1, application_name, STATEMENT_TIMEOUT_MS, reads_only=True)
        self._looking = asyncio.Lock()
        self._look_at = 0.0

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """For single statements: each goes to whichever of the two can answer it."""
        yield cast(Connection, _Reading(self))

    async def dispose(self) -> None:
        """Close the connections."""
        await self._side.dispose()
        await super().dispose()

    async def fetch(self, query: str, arguments: Sequence[Any]) -> list[Row]:
        """The rows of a statement, from the replica or else from the primary."""
        if await self._is_well():
            try:
                return await self._fetch(query, arguments)
            except asyncpg.PostgresError:
                pass  # it answers, but not this: the replay may have been in its way
            except DATABASE_ERRORS as error:
                self._turn(self.fault or f"does not answer ({type(error).__name__})")
        async with connected(self._primary) as connection:
            return await connection.fetch(query, *arguments)

    async def _fetch(self, query: str, arguments: Sequence[Any]) -> list[Row]:
        """Ask the replica, for as long as it is well."""
        async with _lent(self) as connection:
            asked = asyncio.ensure_future(connection.fetch(query, *arguments))
            try:
                while not (await asyncio.wait([asked], timeout=ANSWER_SECONDS_MAX))[0]:
                    self._turn(await self._look())
                    if self.fault:
                        raise TimeoutError
                found: list[Row] = asked.result()
                return found
            finally:
                asked.cancel()

    async def _is_well(self) -> bool:
        """Whether it answers and is not too far behind, by a look of a moment ago."""
        if time.monotonic() >= self._look_at:
            async with self._looking:
                if time.monotonic() >= self._look_at:
                    self._turn(await self._look())
        return not self.fault

    async def _look(self) -> str:
        """What is wrong with it, if anything is."""
        try:
            async with _lent(self._side) as connection, asyncio.timeout(ANSWER_SECONDS_MAX):
                [found] = await rows(connection, IS_LATE, {"seconds": float(LAG_SECONDS_MAX)})
                if found.is_late and await self._lacks(connection):
                    return f"is more than {LAG_SECONDS_MAX} s behind"
        except DATABASE_ERRORS as error:
            return f"does not answer ({type(error).__name__})"
        return ""

    async def _lacks(self, replica: Connection) -> bool:
        """Whether it has not got what the primary has written by now, nor a moment later."""
        async with connected(self._primary) as primary:
            [written] = await rows(primary, WRITTEN)
        for _ in range(CATCH_UP_TRIES):
            if (await rows(replica, HAS, {"position": written.position}))[0].has_it:
                return False
            await asyncio.sleep(CATCH_UP_SECONDS)
        return True

    def _turn(self, fault: str) -> None:
        self._look_at = time.monotonic() + (REST_SECONDS if fault else LOOK_SECONDS)
        if fault and not self.fault:
            log.warning("the replica %s: the primary answers for it", fault)
        elif self.fault and not fault:
            log.warning("the replica answers again")
        self.fault = fault


class _Reading:
    """What is used of a connection by whoever only reads, one statement at a time."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    async def fetch(self, query: str, *arguments: Any) -> list[Row]:
        """All rows of a statement."""
        return await self._replica.fetch(query, arguments)


@asynccontextmanager
async def _lent(database: Database) -> AsyncIterator[Any]:
    """A connection for a short while. One that failed is given up: it may never answer."""
    pool = await database.pool()
    connection = await pool.acquire(timeout=ANSWER_SECONDS_MAX)
    try:
        yield connection
    except BaseException:
        connection.terminate()
        raise
    finally:
        await pool.release(connection)


def open_replica(url: str, *, pool_size: int, application_name: str, primary: Database) -> Replica:
    """A replica of a primary. Opens no socket until it is used."""
    return Replica(url, pool_size, application_name, primary)
