"""Holds of members, looked at and lifted."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from engine.core.timeline import bucket_of
from engine.fraud.checks import TRUSTED
from engine.fraud.levels import Hold
from models.base.db import Database, connected, rows, run, sql, transaction
from models.intents.members import raise_versions
from models.mining.snapshots import SnapshotCopies

SUSPENDED = sql("""
    SELECT hold_until FROM users
    WHERE bucket = :bucket AND id = :user_id AND hold = 'SUSPENDED' AND hold_until > :now
""")

LIFT = sql("""
    UPDATE users SET hold = NULL, hold_until = NULL
    WHERE bucket = :bucket AND id = :user_id AND hold = ANY(CAST(:holds AS text[]))
""")
# The way here was legitimate: the next place is the first one.
TRUST = sql("""
    UPDATE fraud_trails SET latitude = NULL, longitude = NULL, placed_at = NULL,
        trusted_until = CAST(:trusted_until AS timestamptz),
        level = CASE WHEN CAST(:is_cleared AS boolean) THEN 0 ELSE level END
    WHERE bucket = :bucket AND user_id = :user_id
""")


async def suspended_until(database: Database, user_id: int, now: datetime) -> datetime | None:
    """Until when an account is suspended, or None if it is not."""
    params = {"bucket": bucket_of(user_id), "user_id": user_id, "now": now}
    async with connected(database) as connection:
        found = await rows(connection, SUSPENDED, params)
    return found[0].hold_until if found else None


async def lift_hold(
    database: Database,
    copies: SnapshotCopies,
    user_id: int,
    holds: Collection[Hold],
    now: datetime,
    *,
    is_cleared: bool = False,
) -> bool:
    """End one of these holds, for what was asked for has been done. Return whether there was one.

    The address is trusted for a while; `is_cleared` also forgets the level.
    """
    bucket = bucket_of(user_id)
    params: dict[str, Any] = {"bucket": bucket, "user_id": user_id, "holds": sorted(holds)}
    trust = {"trusted_until": now + TRUSTED, "is_cleared": is_cleared}
    async with transaction(database) as connection:
        if not await run(connection, LIFT, params):
            return False
        await run(connection, TRUST, params | trust)
        await copies.mark_changing(await raise_versions(connection, bucket, [user_id]))
    await copies.refresh(database, bucket, [user_id])
    return True
