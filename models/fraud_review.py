"""The review list, and what moderators decide."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from engine.fraud.levels import LASTS, Hold
from engine.permissions import Role, may_act_on
from engine.timeline import BUCKET_COUNT, bucket_of
from models.admin_log import Action, Actor, log_action
from models.db import Database, Row, rows, run, sql, transaction
from models.history import FIRST_PAGE, Cursor
from models.members import raise_versions
from models.status import SnapshotCopies

_COLUMNS = """f.id, f.user_id, f.event_type, f.severity, f.details, f.ip_address,
           f.device_fingerprint, f.created_at, COALESCE(t.level, 0) AS level, u.hold, u.hold_until
"""
_STANDING = """
    JOIN users u ON u.bucket = f.bucket AND u.id = f.user_id
    LEFT JOIN fraud_trails t ON t.bucket = f.bucket AND t.user_id = f.user_id
"""

# One probe of a partial index in each bucket.
SERIOUS = sql(f"""
    SELECT {_COLUMNS} FROM unnest(CAST(:buckets AS smallint[])) AS b (bucket)
    CROSS JOIN LATERAL (
        SELECT * FROM fraud_logs
        WHERE bucket = b.bucket AND severity IN ('HIGH', 'CRITICAL')
          AND (created_at, id) < (CAST(:before_at AS timestamptz), CAST(:before_id AS uuid))
        ORDER BY created_at DESC, id DESC LIMIT :limit) f
    {_STANDING}
    ORDER BY f.created_at DESC, f.id DESC LIMIT :limit
""")
OF_USER = sql(f"""
    SELECT {_COLUMNS} FROM fraud_logs f {_STANDING}
    WHERE f.bucket = :bucket AND f.user_id = :user_id
      AND (f.created_at, f.id) < (CAST(:before_at AS timestamptz), CAST(:before_id AS uuid))
    ORDER BY f.created_at DESC, f.id DESC LIMIT :limit
""")
LOCK = sql("""
    SELECT role, hold FROM users WHERE bucket = :bucket AND id = :user_id FOR NO KEY UPDATE
""")
SET_HOLD = sql("""
    UPDATE users SET hold = :hold, hold_until = CAST(:until AS timestamptz)
    WHERE bucket = :bucket AND id = :user_id
""")
FORGET_LEVEL = sql("""
    UPDATE fraud_trails SET level = 0, raised_at = NULL, latitude = NULL, longitude = NULL,
                            placed_at = NULL
    WHERE bucket = :bucket AND user_id = :user_id
""")


async def read_suspicions(
    database: Database,
    actor: Actor,
    before: Cursor | None,
    limit: int,
    user_id: int | None,
    now: datetime,
) -> Sequence[Row]:
    """A page of what was serious, or of everything of one user; looking at one is logged."""
    before = before or FIRST_PAGE
    params: dict[str, Any] = {"before_at": before.at, "before_id": before.id, "limit": limit}
    async with transaction(database) as connection:
        if user_id is None:
            return await rows(connection, SERIOUS, params | {"buckets": list(range(BUCKET_COUNT))})
        of_user = {"bucket": bucket_of(user_id), "user_id": user_id}
        found = await rows(connection, OF_USER, params | of_user)
        await log_action(connection, actor, Action("fraud.view", "user", str(user_id)), now)
        return found


async def release(
    database: Database,
    copies: SnapshotCopies,
    actor: Actor,
    user_id: int,
    reason: str,
    now: datetime,
) -> bool:
    """End whatever holds an account, and forget its level. Return whether it was held."""
    return await _decide(database, copies, actor, user_id, None, reason, now)


async def suspend(
    database: Database,
    copies: SnapshotCopies,
    actor: Actor,
    user_id: int,
    reason: str,
    now: datetime,
) -> bool:
    """Suspend an account of a lower role. Return whether there is one."""
    return await _decide(database, copies, actor, user_id, Hold.SUSPENDED, reason, now)


async def _decide(
    database: Database,
    copies: SnapshotCopies,
    actor: Actor,
    user_id: int,
    hold: Hold | None,
    reason: str,
    now: datetime,
) -> bool:
    bucket = bucket_of(user_id)
    params: dict[str, Any] = {"bucket": bucket, "user_id": user_id}
    until = now + LASTS[hold] if hold else None
    async with transaction(database) as connection:
        found = await rows(connection, LOCK, params)
        if not found or not may_act_on(actor.role, Role(found[0].role)):
            return False
        if hold is None and found[0].hold is None:
            return False
        await run(connection, SET_HOLD, params | {"hold": hold, "until": until})
        if hold is None:
            await run(connection, FORGET_LEVEL, params)
        name = "fraud.suspend" if hold else "fraud.release"
        facts = ({"hold": found[0].hold}, {"hold": hold})
        action = Action(name, "user", str(user_id), *facts, reason)
        await log_action(connection, actor, action, now)
        await copies.mark_changing(await raise_versions(connection, bucket, [user_id]))
    await copies.refresh(database, bucket, [user_id])
    return True
