"""The lane of errands: written with their cause, claimed, and stored as what became of them.

No transaction is open while anybody outside is asked (decision 0054).
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from engine.core.action import Action, kind_of
from engine.core.errands import Call, Errand, Standing, Status
from engine.core.piece import Lane, Piece
from engine.domains import CALLS
from models.base import arrays
from models.base.buckets import rows_of_buckets
from models.base.db import Connection, Database, Row, connected, rows, run, sql, transaction
from models.base.encoding import encode
from models.base.nodes import survey, survey_rows
from models.intents import tables
from models.intents.newer import LEAVE_SECONDS, UPGRADE_MAX
from models.intents.record import Wish, insert

log = logging.getLogger(__name__)

# So long a worker has for what it claimed. Should it die, the next one goes on afterwards.
LEASE = timedelta(minutes=2)
ERROR_LENGTH_MAX = 2_000
LETTERS_MAX = 1_000

_TYPES = arrays.types_of(
    tables.errands,
    ["id", "user_id", "kind", "payload", "created_at", "due_at", "attempts", "status"],
)
STORE = arrays.insert("errands", _TYPES)

# Whoever finds one that was called and never heard of does not call again, unless that is harmless.
CLAIM = sql("""
    UPDATE errands SET due_at = :leased_until, attempts = attempts + 1,
        status = CASE WHEN status = 'WAITING' OR :may_repeat THEN 'CALLED' ELSE 'UNKNOWN' END
    WHERE bucket = :bucket AND id = ANY(ARRAY(
        SELECT id FROM errands
        WHERE bucket = :bucket AND kind = :kind AND status <> 'FAILED' AND due_at <= :now
        ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED))
    RETURNING id, user_id, payload, created_at, attempts, status
""")

FINISH = sql("""
    DELETE FROM errands e
    USING unnest(CAST(:ids AS uuid[]), CAST(:attempts AS smallint[])) AS d (id, attempts)
    WHERE e.bucket = :bucket AND e.id = d.id AND e.attempts = d.attempts
    RETURNING e.id
""")

MOVE = sql("""
    UPDATE errands e SET status = d.status, due_at = d.due_at, error = d.error,
                         payload = CAST(d.payload AS jsonb)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:attempts AS smallint[]), CAST(:statuses AS text[]),
                CAST(:due_at AS timestamptz[]), CAST(:errors AS text[]), CAST(:payloads AS text[]))
         AS d (id, attempts, status, due_at, error, payload)
    WHERE e.bucket = :bucket AND e.id = d.id AND e.attempts = d.attempts
""")

# One probe of a partial index per bucket, as for undone intents (models.intents.queue).
DUE_BUCKETS = survey(
    """
    SELECT m.bucket FROM credit_watermarks m
    WHERE {bucket of m} AND m.group_number = 1 AND EXISTS (
        SELECT FROM errands e
        WHERE {bucket of e} AND e.bucket = m.bucket AND e.kind = ANY(CAST(:kinds AS text[]))
          AND e.status <> 'FAILED' AND e.due_at <= :now)
    ORDER BY m.bucket
    """
)

# It was not called: as it was before it was claimed.
LEAVE = sql("""
    UPDATE errands SET due_at = :due_at, attempts = attempts - 1, error = :error,
        status = CASE WHEN :is_dead THEN 'FAILED' WHEN status = 'CALLED' THEN 'WAITING'
                      ELSE status END
    WHERE bucket = :bucket AND id = :id AND attempts = :attempts
""")

DEAD_LETTERS = sql("""
    SELECT bucket, id, CAST(:lane AS smallint) AS group_number, kind, user_id,
           created_at AS recorded_at, attempts, error
    FROM errands
    WHERE bucket = :bucket AND status = 'FAILED' ORDER BY created_at LIMIT :limit
""")

COUNT_DEAD = sql(
    "SELECT count(*) AS value FROM errands WHERE bucket = :bucket AND status = 'FAILED'"
)

REVIVE = sql("""
    UPDATE errands SET status = 'WAITING', attempts = 0, due_at = :now
    WHERE bucket = :bucket AND id = :id AND status = 'FAILED'
    RETURNING id
""")


async def store_errands(connection: Connection, bucket: int, errands: Sequence[Errand]) -> None:
    """Write them in the transaction of their cause. They are due at once."""
    items = [
        {
            "id": errand.id,
            "user_id": errand.user_id,
            "kind": kind_of(errand.call),
            "payload": encode(errand.call),
            "created_at": errand.created_at,
            "due_at": errand.created_at,
            "attempts": errand.attempts,
            "status": errand.status,
        }
        for errand in errands
    ]
    await arrays.store(connection, STORE, bucket, items, _TYPES)


async def claim_errands(
    database: Database, bucket: int, call: type[Call], now: datetime, limit: int
) -> tuple[int, list[Errand]]:
    """Take due errands of a kind for as long as the lease. Return how many, and those to see to.

    What this release cannot read is left to a newer one for as long as an upgrade may take.
    """
    params: dict[str, Any] = {
        "bucket": bucket,
        "kind": kind_of(call),
        "may_repeat": call.may_repeat,
        "now": now,
        "leased_until": now + LEASE,
        "limit": limit,
    }
    async with connected(database) as connection:
        claimed = await rows(connection, CLAIM, params)
    errands: list[Errand] = []
    for row in claimed:
        try:
            errands.append(_errand(row, msgspec.json.decode(row.payload, type=call)))
        except msgspec.ValidationError as error:
            await _leave(database, bucket, row, str(error), now)
    return len(claimed), errands


async def settle_errands(
    database: Database,
    bucket: int,
    over: Sequence[tuple[Errand, Action | None]],
    moved: Sequence[tuple[Errand, Standing]],
    now: datetime,
) -> list[Piece]:
    """Store what became of claimed errands. Return the pieces that have an answer to apply.

    What is over goes with its answer being recorded, in one transaction; somebody who has taken an
    errand meanwhile brings its answer themselves.
    """
    await _move(database, bucket, moved)
    if not over:
        return []
    params = {
        "bucket": bucket,
        "ids": [errand.id for errand, _ in over],
        "attempts": [errand.attempts for errand, _ in over],
    }
    pieces: set[Piece] = set()
    async with transaction(database) as connection:
        gone = {row.id for row in await rows(connection, FINISH, params)}
        for errand, answer in over:
            if answer is not None and errand.id in gone:
                wish = _answered(errand, answer, now)
                if (recorded := await insert(connection, wish)) is not None:
                    pieces.add(Piece(recorded.group_number, bucket))
    return sorted(pieces)


async def pieces_with_errands(
    database: Database, now: datetime, calls: Iterable[type[Call]] = CALLS
) -> list[Piece]:
    """Where somebody outside is to be asked something by now."""
    params = {"kinds": [kind_of(call) for call in calls], "now": now}
    found = await survey_rows(database, DUE_BUCKETS, params)
    return [Piece(Lane.ERRANDS, row.bucket) for row in found]


async def dead_errands(database: Database) -> list[Row]:
    """Errands that failed for good, as dead letters, the oldest of each bucket."""
    params = {"lane": int(Lane.ERRANDS), "limit": LETTERS_MAX}
    return await rows_of_buckets(database, DEAD_LETTERS, params)


async def count_dead_errands(database: Database) -> int:
    """How many failed for good."""
    return sum(row.value for row in await rows_of_buckets(database, COUNT_DEAD, {}))


async def revive_errand(connection: Connection, bucket: int, id_: UUID, now: datetime) -> bool:
    """Another try for one that failed for good. False if there is no such one."""
    return bool(await run(connection, REVIVE, {"bucket": bucket, "id": id_, "now": now}))


async def _move(database: Database, bucket: int, moved: Sequence[tuple[Errand, Standing]]) -> None:
    if not moved:
        return
    params = {
        "bucket": bucket,
        "ids": [errand.id for errand, _ in moved],
        "attempts": [errand.attempts for errand, _ in moved],
        "statuses": [standing.status for _, standing in moved],
        "due_at": [standing.due_at for _, standing in moved],
        "errors": [standing.error and standing.error[:ERROR_LENGTH_MAX] for _, standing in moved],
        "payloads": [encode(standing.call) for _, standing in moved],
    }
    async with connected(database) as connection:
        await run(connection, MOVE, params)


async def _leave(database: Database, bucket: int, row: Row, error: str, now: datetime) -> None:
    log.warning("errand %s is left to a newer release: %s", row.id, error)
    params = {
        "bucket": bucket,
        "id": row.id,
        "attempts": row.attempts,
        "due_at": now + timedelta(seconds=LEAVE_SECONDS),
        "is_dead": now - row.created_at >= UPGRADE_MAX,
        "error": error[:ERROR_LENGTH_MAX],
    }
    async with connected(database) as connection:
        await run(connection, LEAVE, params)


def _errand(row: Row, call: Call) -> Errand:
    status = Status(row.status)
    return Errand(row.id, row.user_id, call, row.created_at, row.attempts, status)


def _answered(errand: Errand, answer: Action, now: datetime) -> Wish:
    origin = f"errand:{kind_of(errand.call)}"
    return Wish(errand.user_id, answer, origin, str(errand.id), b"", now)
