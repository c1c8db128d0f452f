"""The queue of intents: due, claimed, completed, failed, rung for again (decision 0001)."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from engine.core.action import Action, AnyIntent, kind_of
from engine.core.outcome import Applied, Outcome
from engine.core.piece import Lane, Piece
from models.base.arrays import AT_BUCKET, ROUTED
from models.base.db import (
    DATABASE_ERRORS,
    Connection,
    Database,
    connected,
    is_retryable,
    rows,
    run,
    sql,
    transaction,
)
from models.base.encoding import encode
from models.base.nodes import BucketsAwayError, survey, survey_rows
from models.intents.newer import read_intents
from runtime.clock import new_id
from runtime.telemetry.meter import meter
from runtime.telemetry.metrics import INTENTS_RECORDED

log = logging.getLogger(__name__)

BATCH_SIZE = 256
ATTEMPTS_MAX = 5
BACKOFF_SECONDS = (1, 5, 15, 60)
# How long a recorded intent may wait before the relay rings (again). It must exceed a queue's wait.
LEASE_SECONDS = 15


RECORD_DUE = sql(f"""
    INSERT INTO intents (bucket, id, group_number, kind, origin, key, body_hash, payload, evidence,
                         recorded_at, due_at, ring_at, attempts, status)
    SELECT m.bucket, d.id, d.group_number, :kind, 'timetable', d.key, '', CAST(:payload AS jsonb),
           '{{}}', CAST(:boundary AS timestamptz), CAST(:boundary AS timestamptz),
           CAST(:ring_at AS timestamptz), 0, 'RECORDED'
    FROM {ROUTED}
         unnest(CAST(:ids AS uuid[]), CAST(:groups AS smallint[]), CAST(:keys AS text[]))
         AS d (id, group_number, key)
    WHERE {AT_BUCKET}
    ON CONFLICT (bucket, origin, key) DO NOTHING
    RETURNING group_number
""")

# A user's later intents wait while an earlier one waits for its next attempt.
IN_TURN = """NOT EXISTS (
        SELECT FROM intents e
        WHERE e.bucket = :bucket AND e.user_id = i.user_id AND e.status = 'RECORDED'
          AND e.attempts > 0 AND e.due_at > :now AND (e.recorded_at, e.id) < (i.recorded_at, i.id))
"""

# In strict order: a bucket is held by one batch at a time, so nothing is skipped here.
CLAIM = sql(f"""
    SELECT i.id, i.group_number, i.user_id, i.payload, i.recorded_at, i.evidence FROM intents i
    WHERE i.bucket = :bucket AND i.group_number > 0 AND i.status = 'RECORDED'
      AND i.due_at <= :now AND (CAST(:id AS uuid) IS NULL OR i.id = CAST(:id AS uuid))
      AND {IN_TURN}
    ORDER BY i.recorded_at, i.id LIMIT :limit
    FOR UPDATE OF i
""")

DUE_IDS = sql(f"""
    SELECT i.id FROM intents i
    WHERE i.bucket = :bucket AND i.group_number > 0 AND i.status = 'RECORDED'
      AND i.due_at <= :now AND {IN_TURN}
    ORDER BY i.recorded_at, i.id LIMIT :limit
""")

# Upkeep has no bucket to hold: whoever comes second leaves the intent to the first.
CLAIM_UPKEEP = sql("""
    SELECT id, group_number, user_id, payload, recorded_at, evidence FROM intents
    WHERE bucket = :bucket AND group_number = 0 AND status = 'RECORDED'
      AND due_at <= :now AND id = CAST(:id AS uuid)
    FOR UPDATE SKIP LOCKED
""")

DUE_UPKEEP_IDS = sql("""
    SELECT id FROM intents
    WHERE bucket = :bucket AND group_number = 0 AND status = 'RECORDED' AND due_at <= :now
    ORDER BY recorded_at, id LIMIT :limit
""")

COMPLETE = sql("""
    UPDATE intents i SET status = d.status, outcome = CAST(d.outcome AS jsonb), applied_at = :now
    FROM unnest(CAST(:ids AS uuid[]), CAST(:statuses AS text[]), CAST(:outcomes AS text[]))
         AS d (id, status, outcome)
    WHERE i.bucket = :bucket AND i.id = d.id
""")

RECORD_FAILURE = sql("""
    UPDATE intents SET
        attempts = attempts + 1, error = :error,
        due_at = CAST(:due_at AS timestamptz), ring_at = CAST(:due_at AS timestamptz),
        status = CASE WHEN attempts + 1 >= :attempts_max THEN 'FAILED' ELSE status END,
        applied_at = CASE WHEN attempts + 1 >= :attempts_max
                          THEN CAST(:now AS timestamptz) END
    WHERE bucket = :bucket AND id = :id AND status = 'RECORDED'
    RETURNING attempts, status
""")

ATTEMPTS = sql("SELECT attempts FROM intents WHERE bucket = :bucket AND id = :id")

# One probe of a partial index per bucket, whatever the backlog. The buckets are those of a table
# that lies beside the intents: on a cluster, nothing can be correlated with a list.
OVERDUE_BUCKETS = survey(
    """
    SELECT m.bucket FROM credit_watermarks m
    WHERE {bucket of m} AND m.group_number = 1 AND EXISTS (
        SELECT FROM intents i
        WHERE {bucket of i} AND i.bucket = m.bucket AND i.status = 'RECORDED' AND i.ring_at <= :now)
    ORDER BY m.bucket
    """
)

# A row that is locked is being worked on: it needs no bell, and must not make the relay wait.
POSTPONE_RINGS = sql("""
    UPDATE intents SET ring_at = :ring_at
    WHERE bucket = :bucket AND id = ANY(ARRAY(
        SELECT id FROM intents
        WHERE bucket = :bucket AND status = 'RECORDED' AND ring_at <= :now
        ORDER BY ring_at LIMIT 1000 FOR UPDATE SKIP LOCKED))
    RETURNING group_number
""")

REQUEUE = sql("""
    UPDATE intents SET status = 'RECORDED', attempts = 0, applied_at = NULL,
                       due_at = :now, ring_at = :now
    WHERE bucket = :bucket AND id = :id AND status = 'FAILED'
    RETURNING group_number
""")

DEAD_LETTERS = sql("""
    SELECT bucket, id, group_number, kind, user_id, recorded_at, attempts, error FROM intents
    WHERE status = 'FAILED' ORDER BY recorded_at LIMIT 1000
""")


async def record_due(
    database: Database,
    action: Action,
    key: str,
    boundary: datetime,
    pieces: Sequence[Piece],
    now: datetime,
) -> list[Piece]:
    """Record scheduled work once per piece and boundary, however many clocks try.

    `key` may contain {group}. Return the pieces for which this call was the first. Raise
    BucketsAwayError if some buckets do not answer, once the others have been recorded.
    """
    recorded: list[Piece] = []
    missed: list[BaseException] = []
    for bucket in sorted({piece.bucket for piece in pieces}):
        groups = [piece.group_number for piece in pieces if piece.bucket == bucket]
        params = {
            "bucket": bucket,
            "ids": [new_id(now) for _ in groups],
            "groups": groups,
            "keys": [key.format(group=group) for group in groups],
            "kind": kind_of(action),
            "payload": encode(action),
            "boundary": boundary,
            "ring_at": now + timedelta(seconds=LEASE_SECONDS),
        }
        try:
            async with connected(database) as connection:
                inserted = await rows(connection, RECORD_DUE, params)
        except asyncpg.PostgresError as error:
            if not database.is_cluster or not is_retryable(error):
                raise
            missed.append(error)
            continue
        recorded += [Piece(row.group_number, bucket) for row in inserted]
    if recorded:
        meter.count(INTENTS_RECORDED, kind_of(action), by=len(recorded))
    if missed:
        raise BucketsAwayError(recorded, missed[0])
    return recorded


async def claim(
    connection: Connection, bucket: int, now: datetime, limit: int, only: UUID | None = None
) -> list[AnyIntent]:
    """Lock and return due intents of a bucket that is held, in the order of their recording.

    What a newer release recorded is left to its workers. Raise msgspec.ValidationError for a
    payload that is nobody's.
    """
    params = {"bucket": bucket, "now": now, "limit": limit, "id": only}
    claimed = await rows(connection, CLAIM, params)
    return await read_intents(connection, bucket, claimed, now)


async def claim_upkeep(
    connection: Connection, bucket: int, now: datetime, intent_id: UUID
) -> list[AnyIntent]:
    """Lock and return an intent of upkeep, unless somebody does it already. Raises as `claim`."""
    params = {"bucket": bucket, "now": now, "id": intent_id}
    claimed = await rows(connection, CLAIM_UPKEEP, params)
    return await read_intents(connection, bucket, claimed, now)


async def due_ids(database: Database, piece: Piece, now: datetime, limit: int) -> list[UUID]:
    """Ids of a bucket's due intents, or of its due upkeep, without locking them."""
    statement = DUE_UPKEEP_IDS if piece.group_number == Lane.UPKEEP else DUE_IDS
    params = {"bucket": piece.bucket, "now": now, "limit": limit}
    async with connected(database) as connection:
        return [row.id for row in await rows(connection, statement, params)]


async def complete(
    connection: Connection,
    bucket: int,
    outcomes: Sequence[tuple[AnyIntent, Outcome]],
    now: datetime,
) -> None:
    """Mark intents as done, in the transaction that holds their effects."""
    params = {
        "bucket": bucket,
        "ids": [intent.id for intent, _ in outcomes],
        "statuses": [
            "APPLIED" if isinstance(outcome, Applied) else "REJECTED" for _, outcome in outcomes
        ],
        "outcomes": [encode(outcome) for _, outcome in outcomes],
        "now": now,
    }
    await run(connection, COMPLETE, params)


async def record_failure(
    database: Database, bucket: int, intent_id: UUID, error: str, now: datetime
) -> str:
    """Count a failed attempt: try again later, or after the last one rest as FAILED.

    Return the new status.
    """
    async with transaction(database) as connection:
        before = (await rows(connection, ATTEMPTS, {"bucket": bucket, "id": intent_id}))[0].attempts
        backoff = BACKOFF_SECONDS[min(before, len(BACKOFF_SECONDS) - 1)]
        params = {
            "bucket": bucket,
            "id": intent_id,
            "error": error[:2000],
            "now": now,
            "due_at": now + timedelta(seconds=backoff),
            "attempts_max": ATTEMPTS_MAX,
        }
        updated = await rows(connection, RECORD_FAILURE, params)
    return str(updated[0].status) if updated else "APPLIED"


async def overdue_pieces(database: Database, now: datetime) -> list[Piece]:
    """Pieces with undone intents past `ring_at`, each postponed by a lease before it is returned.

    Two relays at once share the pieces: the second finds nothing past `ring_at`.
    """
    buckets = [row.bucket for row in await survey_rows(database, OVERDUE_BUCKETS, {"now": now})]
    pieces: set[Piece] = set()
    for bucket in buckets:
        params: dict[str, Any] = {
            "bucket": bucket,
            "now": now,
            "ring_at": now + timedelta(seconds=LEASE_SECONDS),
        }
        try:
            async with connected(database) as connection:
                postponed = await rows(connection, POSTPONE_RINGS, params)
        except DATABASE_ERRORS as error:  # the other buckets are rung for all the same
            log.warning("bucket %d cannot be rung for: %s", bucket, type(error).__name__)
            continue
        pieces.update(Piece(row.group_number, bucket) for row in postponed)
    return sorted(pieces)
