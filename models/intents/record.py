"""Recording what people ask for, once per key, and reading what became of it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from engine.core.action import Action, kind_of
from engine.core.evidence import Evidence
from engine.core.timeline import bucket_of
from models.base.db import Connection, Database, Row, Statement, connected, rows, sql
from models.base.encoding import encode
from models.intents.queue import LEASE_SECONDS
from runtime.clock import new_id
from runtime.telemetry.meter import meter
from runtime.telemetry.metrics import INTENTS_RECORDED

# A worker whose clock is behind the API's must still find what its bell was rung for.
CLOCK_SKEW_MAX = timedelta(minutes=1)

# Once more, for whoever was held when the first was refused and is free when that is explained.
RECORDINGS = 2


def own_origins(user_id: int) -> list[str]:
    """Where intents of a user's own requests come from: wishes, and watches that the API saw."""
    return [f"user:{user_id}", f"watch:{user_id}"]


class Recorded(Struct, frozen=True):
    """An intent as its sender sees it. `outcome` is stored JSON, None while undone."""

    bucket: int
    id: UUID
    group_number: int
    kind: str
    status: str
    recorded_at: datetime
    outcome: str | None
    applied_at: datetime | None
    is_new: bool = False


class Wish(Struct, frozen=True):
    """What is about to be recorded for a user; the same origin and key name the same wish."""

    user_id: int
    action: Action
    origin: str
    key: str
    body_hash: bytes
    recorded_at: datetime
    evidence: Evidence = Evidence()
    view_id: UUID | None = None  # recorded only if this view is the user's own
    is_own: bool = False  # asked for by the user, who may have something to do first


class KeyReusedError(Exception):
    """The key was used before, with another body."""


class UnverifiedError(Exception):
    """The user has not proved yet to read what is sent to their address."""


class HeldError(Exception):
    """Something is expected of the user, or they have to wait; `hold` says which."""

    def __init__(self, hold: str, until: datetime) -> None:
        super().__init__(hold)
        self.hold = hold
        self.until = until


class NothingToActOnError(Exception):
    """The user or the view that the wish names does not exist for them."""


_COLUMNS = "bucket, id, group_number, kind, status, recorded_at, outcome, applied_at"


# One statement: a view's intents go where its session is paid, others to the user's group. A view
# that is not the user's own records nothing, and nothing does for whoever has to act first.
def _recording(group_number: str, joined: str) -> Statement:
    return sql(f"""
        INSERT INTO intents (bucket, id, group_number, user_id, kind, origin, key, body_hash,
                             payload, evidence, recorded_at, due_at, ring_at, attempts, status)
        SELECT u.bucket, CAST(:id AS uuid), {group_number}, u.id,
               :kind, :origin, :key, :body_hash,
               CAST(:payload AS jsonb),
               CASE WHEN u.tracking_opt_out THEN CAST(:evidence AS jsonb) - 'device'
                    ELSE CAST(:evidence AS jsonb) END,
               CAST(:recorded_at AS timestamptz),
               CAST(:due_at AS timestamptz), CAST(:ring_at AS timestamptz), 0, 'RECORDED'
        FROM users u {joined}
        WHERE u.bucket = :bucket AND u.id = :user_id
          AND (NOT :is_own OR u.verified_at IS NOT NULL AND (
               u.hold IS NULL OR u.hold_until <= CAST(:recorded_at AS timestamptz)
               OR u.hold <> 'SUSPENDED' AND NOT :is_start))
        ON CONFLICT (bucket, origin, key) DO NOTHING
        RETURNING {_COLUMNS}
    """)


# Two, for a view that is NULL would take the bucket of its join with it (decision 0050).
RECORD = _recording("u.group_number", "")
RECORD_OF_VIEW = _recording(
    "COALESCE(s.group_number, u.group_number)",
    """
        JOIN ad_views v ON v.bucket = u.bucket AND v.id = CAST(:view_id AS uuid)
                       AND v.user_id = u.id AND v.bucket = :bucket
        LEFT JOIN mining_sessions s ON s.bucket = v.bucket AND s.id = v.session_id
                                   AND s.bucket = :bucket
    """,
)

FIND_BY_KEY = sql(f"""
    SELECT {_COLUMNS}, body_hash = :body_hash AS same_body FROM intents
    WHERE bucket = :bucket AND origin = :origin AND key = :key
""")

FIND_OWN = sql(f"""
    SELECT {_COLUMNS} FROM intents WHERE bucket = :bucket AND id = :id AND user_id = :user_id
""")


STANDING = sql("""
    SELECT verified_at IS NULL AS is_unverified, hold, hold_until,
           hold = 'SUSPENDED' AS is_suspended
    FROM users
    WHERE bucket = :bucket AND id = :user_id
""")


async def record(database: Database, wish: Wish) -> Recorded:
    """Commit a wish, or find the one recorded under the same key.

    Nothing was written when it raises KeyReusedError, UnverifiedError, HeldError or
    NothingToActOnError.
    """
    for _ in range(RECORDINGS):
        async with connected(database) as connection:  # one statement: committed when it returns
            inserted = await insert(connection, wish)
            if inserted:
                meter.count(INTENTS_RECORDED, kind_of(wish.action))
                return inserted
            if found := await _find_earlier(connection, wish):
                return found
    raise NothingToActOnError


async def _find_earlier(connection: Connection, wish: Wish) -> Recorded | None:
    """What was recorded under the wish's key. None if nothing is, and nothing speaks against it."""
    bucket = bucket_of(wish.user_id)
    key = {"bucket": bucket, "origin": wish.origin, "key": wish.key}
    found = await rows(connection, FIND_BY_KEY, key | {"body_hash": wish.body_hash})
    if found and not found[0].same_body:
        raise KeyReusedError
    if found:
        return _recorded(found[0])
    if wish.is_own:
        user = {"bucket": bucket, "user_id": wish.user_id}
        for standing in await rows(connection, STANDING, user):
            _refuse(standing, wish)
    return None


async def insert(connection: Connection, wish: Wish) -> Recorded | None:
    """Record a wish in the transaction under way. None if its key is taken, or nobody may act."""
    statement = RECORD if wish.view_id is None else RECORD_OF_VIEW
    found = await rows(connection, statement, _record_params(wish, bucket_of(wish.user_id)))
    return _recorded(found[0], is_new=True) if found else None


def _refuse(standing: Row, wish: Wish) -> None:
    if standing.is_unverified:
        raise UnverifiedError
    if standing.hold is None or standing.hold_until <= wish.recorded_at:
        return
    if standing.is_suspended or wish.action.is_start:
        raise HeldError(standing.hold, standing.hold_until)


def _record_params(wish: Wish, bucket: int) -> dict[str, Any]:
    return {
        "bucket": bucket,
        "id": new_id(wish.recorded_at),
        "user_id": wish.user_id,
        "kind": kind_of(wish.action),
        "origin": wish.origin,
        "key": wish.key,
        "body_hash": wish.body_hash,
        "payload": encode(wish.action),
        "evidence": encode(wish.evidence),
        "recorded_at": wish.recorded_at,
        "due_at": wish.recorded_at - CLOCK_SKEW_MAX,
        "ring_at": wish.recorded_at + timedelta(seconds=LEASE_SECONDS),
        "view_id": wish.view_id,
        "is_own": wish.is_own,
        "is_start": wish.action.is_start,
    }


def _recorded(row: Row, *, is_new: bool = False) -> Recorded:
    return Recorded(
        row.bucket,
        row.id,
        row.group_number,
        row.kind,
        row.status,
        row.recorded_at,
        row.outcome,
        row.applied_at,
        is_new,
    )


async def find(database: Database, user_id: int, intent_id: UUID) -> Recorded | None:
    """A user's own intent, or None."""
    async with connected(database) as connection:
        params = {"bucket": bucket_of(user_id), "id": intent_id, "user_id": user_id}
        found = await rows(connection, FIND_OWN, params)
    return _recorded(found[0]) if found else None
