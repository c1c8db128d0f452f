"""Forgetting what is over, a few rows at a time.

What a domain forgets every night stands in its `prune.PRUNES`: each is called with the database
and the time, and returns how many rows were concerned.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from msgspec import Struct

from models.base.buckets import buckets_with
from models.base.db import Database, Statement, connected, run, sql

ROWS_MAX = 5_000

Prune = Callable[[Database, datetime], Awaitable[int]]


async def prune_rows(
    database: Database, statement: Statement, before: datetime, **params: object
) -> int:
    """Repeat a DELETE of what was over `before`, at most `limit` rows of it. Return how many.

    In small steps: what it deletes from stays usable meanwhile, and no transaction is long.
    """
    removed = 0
    while True:
        async with connected(database) as connection:
            step = {"before": before, "limit": ROWS_MAX, **params}
            count = await run(connection, statement, step)
        removed += count
        if count < ROWS_MAX:
            return removed


class Old(Struct, frozen=True):
    """Rows of users, and how long they are kept: what finds them in a bucket, what deletes them."""

    find: Statement
    delete: Statement
    kept: timedelta

    async def __call__(self, database: Database, now: datetime) -> int:
        """Delete them wherever there are any. Return how many."""
        before = now - self.kept
        removed = 0
        for bucket in await buckets_with(database, self.find, {"before": before, "limit": 1}):
            removed += await prune_rows(database, self.delete, before, bucket=bucket)
        return removed


def old(table: str, at: str, kept: timedelta, key: str = "id", which: str = "") -> Old:
    """Rows whose instant `at` lies further back than `kept`. An index should begin with it."""
    found = f"""
        SELECT {key} FROM {table}
        WHERE bucket = :bucket AND {at} < :before {which}
        ORDER BY {at} LIMIT :limit"""
    delete = f"DELETE FROM {table} WHERE bucket = :bucket AND {key} = ANY(ARRAY({found}))"
    return Old(sql(found), sql(delete), kept)
