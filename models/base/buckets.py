"""What is found in all buckets together (decision 0040).

One server is asked once: it descends each bucket's index in turn. A cluster, which refuses to join
with a list of buckets, is sent one statement for each, to its shard.
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from engine.core.timeline import BUCKET_COUNT
from models.base.db import Database, Row, Statement, connected, rows, sql

_BUCKET = re.compile(r"(?<!:):bucket\b")


async def rows_of_buckets(
    database: Database,
    statement: Statement,
    params: dict[str, Any],
    buckets: Iterable[int] = range(BUCKET_COUNT),
) -> list[Row]:
    """The rows that a SELECT of one :bucket finds in each, one bucket after the other."""
    async with connected(database) as connection:
        if database.is_one_server:
            asked = {**params, "buckets": list(buckets)}
            return list(await rows(connection, _at_once(statement), asked))
        found: list[Row] = []
        for bucket in buckets:
            found += await rows(connection, statement, {**params, "bucket": bucket})
        return found


async def buckets_with(
    database: Database, statement: Statement, params: dict[str, Any]
) -> list[int]:
    """The buckets in which a SELECT finds anything: where there is something to do.

    Only for a condition that is an index's, or that passes over few rows: what is passed over in
    all buckets is read within the time of one statement. Of a cluster all of them: to ask each
    would be as much as to look there when it is its turn.
    """
    every = list(range(BUCKET_COUNT))
    async with connected(database) as connection:
        if not database.is_one_server:
            return every
        found = await rows(connection, _any(statement), {**params, "buckets": every})
        return [row.bucket for row in found]


@cache
def _at_once(statement: Statement) -> Statement:
    return sql(f"SELECT found.* FROM {_EACH} CROSS JOIN LATERAL ({_of_each(statement)}) AS found")


@cache
def _any(statement: Statement) -> Statement:
    return sql(f"SELECT each.bucket FROM {_EACH} WHERE EXISTS ({_of_each(statement)})")


_EACH = "unnest(CAST(:buckets AS smallint[])) AS each (bucket)"


def _of_each(statement: Statement) -> str:
    return _BUCKET.sub("each.bucket", statement.source)


def newest(found: Iterable[Row], limit: int, at: str = "created_at") -> list[Row]:
    """A page of rows from several buckets, newest first; of the same instant by id."""
    return sorted(found, key=lambda row: (row[at], row["id"]), reverse=True)[:limit]
