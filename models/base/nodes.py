"""Questions to all buckets at once, which a cluster answers only while all its nodes do.

While one is away each bucket is asked for itself, and those that answer are served: nobody on the
other nodes has to wait for it (decision 0050).
"""

import logging
import re
import time
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import asyncpg

from models.base.db import (
    DATABASE_ERRORS,
    Database,
    Row,
    Statement,
    connected,
    is_retryable,
    rows,
    sql,
)

log = logging.getLogger(__name__)

# How long a node that did not answer is left alone.
REST_SECONDS = 15
_OF_BUCKET = re.compile(r"\{bucket of (\w+)\}")

Survey = Mapping[str, Statement]


class BucketsAwayError(OSError):
    """Some buckets could not be written to, as in an outage; `pieces` were recorded."""

    def __init__(self, pieces: Sequence[Any], cause: BaseException) -> None:
        super().__init__(f"some buckets do not answer: {type(cause).__name__}")
        self.pieces = pieces


def survey(source: str) -> Survey:
    """A statement over all buckets, and the same for one.

    Its conditions name {bucket of t} for each table t, those of subqueries too: a cluster does not
    find the shard of a subquery within an OR by itself.
    """
    return {
        "all": sql(_OF_BUCKET.sub("true", source)),
        "one": sql(_OF_BUCKET.sub(r"\1.bucket = :bucket", source)),
    }


async def survey_rows(
    database: Database, statements: Survey, params: Mapping[str, Any]
) -> list[Row]:
    """The rows of all buckets that answer. Raise a database error if none does."""
    if not nodes_away(database):
        try:
            async with connected(database) as connection:
                return list(await rows(connection, statements["all"], params))
        except asyncpg.PostgresError as error:
            if not database.is_cluster or not is_retryable(error):
                raise
            log.warning("not every node answers (%s): bucket by bucket", type(error).__name__)
    return await _rows_of_nodes(database, statements["one"], params)


def nodes_away(database: Database) -> list[int]:
    """The nodes that did not answer lately."""
    now = time.monotonic()
    return [node for node, until in database.away.items() if until > now]


async def _rows_of_nodes(
    database: Database, statement: Statement, params: Mapping[str, Any]
) -> list[Row]:
    found: list[Row] = []
    errors: list[BaseException] = []
    has_answer = False
    resting = nodes_away(database)
    placed = await buckets_by_node(database)
    for node, buckets in placed.items():
        if node in resting:
            continue
        try:
            for bucket in buckets:
                async with connected(database) as connection:
                    found += await rows(connection, statement, {**params, "bucket": bucket})
        except DATABASE_ERRORS as error:
            if not is_retryable(error):
                raise
            database.away[node] = time.monotonic() + REST_SECONDS
            log.warning("node %d of the cluster is away: %s", node, type(error).__name__)
            errors.append(error)
        else:
            has_answer = True
            database.away.pop(node, None)
    if errors and not has_answer:
        raise errors[0]
    return found


async def buckets_by_node(database: Database) -> dict[int, list[int]]:
    """Which node has which buckets: known to the coordinator, whoever is away."""
    # No statement of one server: only a cluster has these tables.
    placed = sql("""
        SELECT n.nodeid AS node, b.bucket
        FROM generate_series(0, 63) AS b (bucket)
        JOIN pg_dist_placement p
          ON p.shardid = get_shard_id_for_distribution_column('users', CAST(b.bucket AS smallint))
        JOIN pg_dist_node n ON n.groupid = p.groupid AND n.noderole = 'primary'
        ORDER BY node, b.bucket
    """)
    async with connected(database) as connection:
        found = await rows(connection, placed)
    return {
        node: [row.bucket for row in of_node]
        for node, of_node in groupby(found, lambda row: int(row.node))
    }
