"""Forgetting what is over, a few rows at a time."""

from datetime import datetime

from models.base.db import Database, Statement, connected, run

ROWS_MAX = 5_000


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
