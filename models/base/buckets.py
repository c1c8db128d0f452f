"""What operators look at over all buckets (decision 0040).

One statement for each bucket, and the pages merged here: on one server each is a probe of an index,
and a cluster sends it to one shard. A join with a list of buckets would be one round trip, but a
cluster refuses that.
"""

from collections.abc import Iterable
from typing import Any

from engine.core.timeline import BUCKET_COUNT
from models.base.db import Connection, Row, Statement, rows


async def rows_of_buckets(
    connection: Connection,
    statement: Statement,
    params: dict[str, Any],
    buckets: Iterable[int] = range(BUCKET_COUNT),
) -> list[Row]:
    """The rows that a statement finds in each bucket, one bucket after the other."""
    found: list[Row] = []
    for bucket in buckets:
        found += await rows(connection, statement, {**params, "bucket": bucket})
    return found


def newest(found: Iterable[Row], limit: int, at: str = "created_at") -> list[Row]:
    """A page of rows from several buckets, newest first; of the same instant by id."""
    return sorted(found, key=lambda row: (row[at], row["id"]), reverse=True)[:limit]
