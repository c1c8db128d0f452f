"""The review list, and what moderators decide."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from engine.admin.four_eyes import approves
from engine.admin.permissions import may_act_on
from engine.core.role import Role
from engine.core.timeline import bucket_of
from engine.fraud.levels import LASTS, Hold
from models.admin.proposals import lapse_proposals
from models.admin.staff import suspend_staff
from models.base.buckets import newest, rows_of_buckets
from models.base.db import Database, Row, rows, run, sql, transaction
from models.base.pages import FIRST_PAGE, Cursor
from models.base.trail import Actor, Entry, log_action
from models.intents.members import raise_versions
from models.mining.snapshots import SnapshotCopies

_COLUMNS = """f.id, f.user_id, f.event_type, f.severity, f.details, f.ip_address,
           f.device_fingerprint, f.created_at, COALESCE(t.level, 0) AS level, u.hold, u.hold_until,
           d.action AS decision, d.actor_id AS decided_by, d.created_at AS decided_at
"""
_DECISIONS = "('fraud.clear', 'fraud.release', 'fraud.suspend', 'user.disable')"
# With what was decided about the user first after it.
_STANDING = f"""
    JOIN users u ON u.bucket = :bucket AND u.id = f.user_id
    LEFT JOIN fraud_trails t ON t.bucket = :bucket AND t.user_id = f.user_id
    LEFT JOIN LATERAL (
        SELECT action, actor_id, created_at FROM admin_log
        WHERE bucket = :bucket AND created_at > f.created_at AND subject_kind = 'user'
          AND subject_id = CAST(f.user_id AS text) AND action IN {_DECISIONS}
        ORDER BY created_at LIMIT 1) d ON true
"""
UNDECIDED_FOR = timedelta(days=30)

SERIOUS = sql(f"""
    SELECT {_COLUMNS} FROM fraud_logs f {_STANDING}
    WHERE f.bucket = :bucket AND f.severity IN ('HIGH', 'CRITICAL')
      AND (f.created_at, f.id) < (CAST(:before_at AS timestamptz), CAST(:before_id AS uuid))
    ORDER BY f.created_at DESC, f.id DESC LIMIT :limit
""")
OF_USER = sql(f"""
    SELECT {_COLUMNS} FROM fraud_logs f {_STANDING}
    WHERE f.bucket = :bucket AND f.user_id = :user_id
      AND (f.created_at, f.id) < (CAST(:before_at AS timestamptz), CAST(:before_id AS uuid))
    ORDER BY f.created_at DESC, f.id DESC LIMIT :limit
""")
# The same, but for users about whom something was decided since; of the last month.
UNDECIDED = sql(f"""
    SELECT {_COLUMNS} FROM (
        SELECT s.* FROM fraud_logs s
        LEFT JOIN (
            SELECT subject_id, max(created_at) AS decided_at FROM admin_log
            WHERE bucket = :bucket AND created_at > :since AND subject_kind = 'user'
              AND action IN {_DECISIONS}
            GROUP BY subject_id) a ON a.subject_id = CAST(s.user_id AS text)
        WHERE s.bucket = :bucket AND s.severity IN ('HIGH', 'CRITICAL')
          AND s.created_at > :since
          AND (s.created_at, s.id) < (CAST(:before_at AS timestamptz), CAST(:before_id AS uuid))
          AND (a.decided_at IS NULL OR a.decided_at < s.created_at)
        ORDER BY s.created_at DESC, s.id DESC LIMIT :limit) f
    {_STANDING}
    WHERE f.bucket = :bucket
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
    *,
    is_undecided: bool = False,
) -> Sequence[Row]:
    """A page of what was serious, or of everything of one user; looking at one is logged."""
    before = before or FIRST_PAGE
    params: dict[str, Any] = {"before_at": before.at, "before_id": before.id, "limit": limit}
    if user_id is None:
        statement = UNDECIDED if is_undecided else SERIOUS
        since = {"since": now - UNDECIDED_FOR}
        of_all = await rows_of_buckets(database, statement, params | since)
        return newest(of_all, limit)
    async with transaction(database) as connection:
        of_user = {"bucket": bucket_of(user_id), "user_id": user_id}
        found = await rows(connection, OF_USER, params | of_user)
        await log_action(connection, actor, Entry("fraud.view", "user", str(user_id)), now)
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


async def clear(database: Database, actor: Actor, user_id: int, reason: str, now: datetime) -> bool:
    """Note that an account was looked at and nothing is to be done. Return whether there is one."""
    async with transaction(database) as connection:
        found = await rows(connection, LOCK, {"bucket": bucket_of(user_id), "user_id": user_id})
        if not found or not may_act_on(actor.role, Role(found[0].role)) or actor.user_id == user_id:
            return False
        action = Entry("fraud.clear", "user", str(user_id), reason=reason)
        await log_action(connection, actor, action, now)
    return True


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
        if actor.user_id == user_id:
            return False  # superadmins reach each other, but nobody themselves
        if hold is None and found[0].hold is None:
            return False
        await run(connection, SET_HOLD, params | {"hold": hold, "until": until})
        await suspend_staff(connection, {user_id: until if hold is Hold.SUSPENDED else None})
        if hold is None:
            await run(connection, FORGET_LEVEL, params)
        name = "fraud.suspend" if hold else "fraud.release"
        facts = ({"hold": found[0].hold}, {"hold": hold})
        action = Entry(name, "user", str(user_id), *facts, reason)
        await log_action(connection, actor, action, now)
        await copies.mark_changing(await raise_versions(connection, bucket, [user_id]))
    await copies.refresh(database, bucket, [user_id])
    if hold and approves(Role(found[0].role)):
        await lapse_proposals(database, now)
    return True
