"""Flags of the night: once for a user and day, unless a moderator has found nothing wrong."""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta

from engine.core.action import kind_of
from engine.fraud.actions import FlagUser
from engine.fraud.anomaly.features import DAYS_MAX
from models.base.db import Connection, rows, run, sql
from models.base.encoding import encode
from models.intents.queue import LEASE_SECONDS
from models.intents.record import CLOCK_SKEW_MAX
from runtime.clock import new_id

# A moderator's word holds for as long as a score looks back: what speaks after that is all new.
CLEARED_FOR = timedelta(days=DAYS_MAX)

RECORD_FLAGS = sql(f"""
    INSERT INTO intents (bucket, id, group_number, user_id, kind, origin, key, body_hash, payload,
                         evidence, recorded_at, due_at, ring_at, attempts, status)
    SELECT u.bucket, d.id, u.group_number, u.id, '{kind_of(FlagUser)}', 'score', d.key, '',
           CAST(d.payload AS jsonb), '{{}}', CAST(:now AS timestamptz),
           CAST(:due_at AS timestamptz), CAST(:ring_at AS timestamptz), 0, 'RECORDED'
    FROM unnest(CAST(:ids AS uuid[]), CAST(:users AS bigint[]), CAST(:keys AS text[]),
                CAST(:payloads AS text[])) AS d (id, user_id, key, payload)
    JOIN users u ON u.bucket = :bucket AND u.id = d.user_id
    ON CONFLICT (bucket, origin, key) DO NOTHING
""")
CLEARED = sql("""
    SELECT DISTINCT subject_id FROM admin_log
    WHERE bucket = :bucket AND created_at > :since AND subject_kind = 'user'
      AND subject_id = ANY(CAST(:users AS text[])) AND action IN ('fraud.clear', 'fraud.release')
""")


async def find_cleared(
    connection: Connection, bucket: int, users: Collection[int], now: datetime
) -> set[int]:
    """Those in whom a moderator has found nothing wrong, so lately that it still holds."""
    if not users:
        return set()
    params = {
        "bucket": bucket,
        "users": [str(user_id) for user_id in users],
        "since": now - CLEARED_FOR,
    }
    return {int(row.subject_id) for row in await rows(connection, CLEARED, params)}


async def record_flags(
    connection: Connection, bucket: int, day: date, flags: Mapping[int, FlagUser], now: datetime
) -> None:
    """Record a flag for each user: once for a day, however often this is done."""
    if not flags:
        return
    params = {
        "bucket": bucket,
        "ids": [new_id(now) for _ in flags],
        "users": list(flags),
        "keys": [f"{user_id}:{day.isoformat()}" for user_id in flags],
        "payloads": [encode(flag) for flag in flags.values()],
        "now": now,
        "due_at": now - CLOCK_SKEW_MAX,
        "ring_at": now + timedelta(seconds=LEASE_SECONDS),
    }
    await run(connection, RECORD_FLAGS, params)
