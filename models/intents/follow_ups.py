"""Follow-ups: what an intent of one member brings for others, exactly once (decision 0055).

A transaction is of one bucket. What concerns a member of another one is written beside its cause,
recorded there as an intent under a key of its own, and only then deleted here. Whoever does that
may die between the two, or do it twice: the key answers both.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from engine.core.action import kind_of
from engine.core.decision import FollowUp
from engine.core.piece import Piece
from engine.core.timeline import bucket_of, tick_group
from models.base import arrays
from models.base.arrays import AT_BUCKET, ROUTED
from models.base.db import (
    DATABASE_ERRORS,
    Connection,
    Database,
    Row,
    connected,
    is_retryable,
    rows,
    run,
    sql,
)
from models.base.encoding import encode
from models.base.nodes import survey, survey_rows
from models.intents import tables
from models.intents.queue import LEASE_SECONDS
from models.intents.record import CLOCK_SKEW_MAX
from runtime.clock import new_id

log = logging.getLogger(__name__)

ENTRIES_MAX = 1_000
ROWS_MAX = 100
ORIGIN = "follow-up"
# Whoever wrote a row delivers it at once; the relay looks after what was left.
DELIVERED_WITHIN = timedelta(seconds=5)
BEFORE_ALL = {"after_at": datetime(1970, 1, 1, tzinfo=UTC), "after_id": UUID(int=0)}

_TYPES = arrays.types_of(tables.follow_ups, ["id", "target_bucket", "entries", "due_at"])
STORE = arrays.insert("follow_ups", _TYPES)

BUCKETS_OVERDUE = survey(
    """
    SELECT m.bucket FROM credit_watermarks m
    WHERE {bucket of m} AND m.group_number = 1 AND EXISTS (
        SELECT FROM follow_ups f
        WHERE {bucket of f} AND f.bucket = m.bucket AND f.due_at <= :due_by)
    ORDER BY m.bucket
    """
)
DUE = sql("""
    SELECT id, target_bucket, entries, due_at FROM follow_ups
    WHERE bucket = :bucket AND due_at <= :due_by
      AND (due_at, id) > (CAST(:after_at AS timestamptz), CAST(:after_id AS uuid))
    ORDER BY due_at, id LIMIT :limit
""")
# For an id that nobody has only what must arrive is recorded, in the group of its bucket.
RECORD = sql(f"""
    INSERT INTO intents (bucket, id, group_number, user_id, kind, origin, key, body_hash, payload,
                         evidence, recorded_at, due_at, ring_at, attempts, status)
    SELECT m.bucket, d.id, COALESCE(u.group_number, CAST(:group_number AS smallint)), d.user_id,
           d.kind, :origin, d.key, '', CAST(d.payload AS jsonb), '{{}}',
           CAST(:recorded_at AS timestamptz), CAST(:due_at AS timestamptz),
           CAST(:ring_at AS timestamptz), 0, 'RECORDED'
    FROM {ROUTED}
         unnest(CAST(:ids AS uuid[]), CAST(:users AS bigint[]), CAST(:kinds AS text[]),
                CAST(:keys AS text[]), CAST(:payloads AS text[]), CAST(:musts AS boolean[]))
         AS d (id, user_id, kind, key, payload, must_arrive)
    LEFT JOIN users u ON u.bucket = m.bucket AND u.bucket = :bucket AND u.id = d.user_id
    WHERE {AT_BUCKET} AND (d.must_arrive OR u.id IS NOT NULL)
    ON CONFLICT (bucket, origin, key) DO NOTHING
    RETURNING id, group_number
""")
DELETE = sql("DELETE FROM follow_ups WHERE bucket = :bucket AND id = :id")


class Entry(Struct, frozen=True, array_like=True):
    """One action for one member, as it is stored. `must_arrive`, whether there is one or not."""

    user_id: int
    kind: str
    key: str
    payload: msgspec.Raw
    must_arrive: bool = False


_entries = msgspec.json.Decoder(list[Entry])


async def store_follow_ups(
    connection: Connection, bucket: int, follow_ups: Sequence[FollowUp], now: datetime
) -> None:
    """Write them beside their cause: a row for each target bucket and instant, 1,000 at most."""

    def target(follow_up: FollowUp) -> tuple[int, datetime]:
        return bucket_of(follow_up.user_id), follow_up.due_at

    items = []
    for (target_bucket, due_at), found in groupby(sorted(follow_ups, key=target), target):
        entries = [_entry(follow_up) for follow_up in found]
        row = {"target_bucket": target_bucket, "due_at": due_at}
        for start in range(0, len(entries), ENTRIES_MAX):
            some = encode(entries[start : start + ENTRIES_MAX])
            items.append(row | {"id": new_id(now), "entries": some})
    await arrays.store(connection, STORE, bucket, items, _TYPES)


def _entry(follow_up: FollowUp) -> Entry:
    action = follow_up.action
    payload = msgspec.Raw(msgspec.json.encode(action))
    return Entry(follow_up.user_id, kind_of(action), follow_up.key, payload, action.is_delivery)


async def deliver(database: Database, bucket: int, now: datetime) -> list[Piece]:
    """Record what a bucket has for others and is due. Return the pieces that have something new.

    Each row has one try: one that cannot be delivered stays, and holds up no other.
    """
    pieces: set[Piece] = set()
    away: set[int] = set()  # each row of these would wait for a node that does not answer
    params: dict[str, Any] = {"bucket": bucket, "due_by": now, "limit": ROWS_MAX, **BEFORE_ALL}
    while True:
        async with connected(database) as connection:
            due = await rows(connection, DUE, params)
        for row in due:
            if row.target_bucket in away:
                continue
            try:
                pieces |= await _deliver_row(database, bucket, row, now)
            except Exception as error:
                what = type(error).__name__  # its text may say for whom
                log.warning("bucket %d cannot deliver %s: %s", bucket, row.id, what)
                if is_retryable(error):
                    away.add(row.target_bucket)
        if len(due) < ROWS_MAX:
            return sorted(pieces)
        params |= {"after_at": due[-1].due_at, "after_id": due[-1].id}


async def deliver_overdue(database: Database, now: datetime) -> list[Piece]:
    """Deliver what whoever wrote it has not delivered, and what became due since."""
    pieces: list[Piece] = []
    params = {"due_by": now - DELIVERED_WITHIN}
    for row in await survey_rows(database, BUCKETS_OVERDUE, params):
        try:
            pieces += await deliver(database, row.bucket, now)
        except DATABASE_ERRORS as error:  # the other buckets deliver all the same
            log.warning("bucket %d cannot deliver: %s", row.bucket, type(error).__name__)
    return pieces


async def _deliver_row(database: Database, bucket: int, row: Row, now: datetime) -> set[Piece]:
    """Two statements, two buckets, never in one transaction."""
    entries = _entries.decode(row.entries)
    params = {
        "bucket": row.target_bucket,
        "ids": [new_id(now) for _ in entries],
        "users": [entry.user_id for entry in entries],
        "kinds": [entry.kind for entry in entries],
        "keys": [entry.key for entry in entries],
        "payloads": [bytes(entry.payload).decode() for entry in entries],
        "musts": [entry.must_arrive for entry in entries],
        "group_number": tick_group(row.target_bucket),
        "origin": ORIGIN,
        "recorded_at": row.due_at,
        "due_at": row.due_at - CLOCK_SKEW_MAX,
        "ring_at": now + timedelta(seconds=LEASE_SECONDS),
    }
    async with connected(database) as connection:
        recorded = await rows(connection, RECORD, params)
    async with connected(database) as connection:
        await run(connection, DELETE, {"bucket": bucket, "id": row.id})
    return {Piece(found.group_number, row.target_bucket) for found in recorded}
