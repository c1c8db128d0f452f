"""The settlement: sessions that have ended, or were never proved (decision 0007).

It runs while the bucket's watermark rows are held, so that ticks, settlements and batches follow
each other.
"""

import logging
from datetime import datetime
from typing import Any

import asyncpg
from msgspec import Struct

from engine.core.action import kind_of
from engine.core.piece import Piece
from engine.domains import ACTIONS
from models.base.db import Connection, Row, rows, sql
from models.inbox.notes import NOTED, telling_sql
from models.ledger.post import crediting
from models.mining.credit import accrued_sql
from models.mining.due import EXPIRY_GRACE

log = logging.getLogger(__name__)

_OF_VIEWS = [kind_of(action) for action in ACTIONS if action.is_of_view]

# Reads what it modifies only through RETURNING (decision 0009).
SETTLE = sql(f"""
    WITH done AS (
        UPDATE mining_sessions s SET status = 'COMPLETED', settled_at = :boundary
        WHERE s.bucket = :bucket AND s.group_number = :group_number AND s.status = 'ACTIVE'
          AND s.ends_at <= :boundary
          AND (CAST(:only AS uuid) IS NULL OR s.id = CAST(:only AS uuid))
        RETURNING s.bucket, s.id, s.user_id, s.view_id, s.reward_micro, s.started_at, s.ends_at,
                  {accrued_sql("CAST(:credited_through AS timestamptz)")} AS credited
    ), entries AS (
        SELECT d.bucket, d.id, d.user_id, 'MINING' AS type, 'emission:mining' AS from_account,
               'wallet:' || d.user_id AS to_account, d.reward_micro AS amount,
               'mining:' || d.id AS reference, 0 AS part,
               COALESCE(v.funding, v.network) AS funding, 'TWTC' AS asset,
               'Mining session' AS description,
               jsonb_build_object('session_id', d.id, 'view_id', d.view_id) AS metadata,
               CAST(:boundary AS timestamptz) AS created_at, d.credited AS accrued
        FROM done d JOIN ad_views v ON v.bucket = d.bucket AND v.id = d.view_id
        WHERE v.bucket = :bucket
    ), note AS (
        INSERT INTO notifications (bucket, id, user_id, kind, params, created_at)
        SELECT d.bucket, d.id, d.user_id, 'mining.completed',
               jsonb_build_object('session_id', d.id, 'amount_micro', d.reward_micro), :boundary
        FROM done d
        {NOTED}
    ), errand AS (
        {telling_sql("note")}
    ), {crediting("entries e")}
""")

ENDED = sql("""
    SELECT id FROM mining_sessions
    WHERE bucket = :bucket AND group_number = :group_number AND status = 'ACTIVE'
      AND ends_at <= :boundary
    ORDER BY id
""")

# A proof that was recorded in time counts, also if it could not be applied yet, or rests as a dead
# letter until somebody requeues it.
EXPIRE = sql(f"""
    WITH late AS (
        UPDATE mining_sessions s
        SET status = 'FAILED', failed_at = s.expires_at, failure = 'AD_EXPIRED', expires_at = NULL
        WHERE s.bucket = :bucket AND s.group_number = :group_number AND s.status = 'PENDING'
          AND s.expires_at <= CAST(:expired_by AS timestamptz) AND NOT EXISTS (
            SELECT FROM intents i
            WHERE i.bucket = :bucket AND i.group_number > 0 AND i.user_id = s.user_id
              AND i.status = 'RECORDED' AND i.recorded_at < s.expires_at)
          AND NOT EXISTS (
            SELECT FROM intents i
            WHERE i.bucket = :bucket AND i.user_id = s.user_id AND i.status = 'FAILED'
              AND i.kind = ANY(CAST(:of_views AS text[]))
              AND i.recorded_at >= s.requested_at AND i.recorded_at < s.expires_at)
        RETURNING s.bucket, s.id, s.user_id, s.view_id, s.failed_at
    ), views AS (
        UPDATE ad_views v
        SET status = 'FAILED', failed_at = l.failed_at, failure = 'AD_EXPIRED'
        FROM late l
        WHERE v.bucket = :bucket AND v.id = l.view_id
          AND v.status IN ('SERVED', 'STARTED', 'COMPLETED')
    ), logged AS (
        INSERT INTO activity_logs (bucket, id, user_id, action, resource_type, resource_id,
                                   metadata, created_at)
        SELECT l.bucket, l.id, l.user_id, 'AD_EXPIRE', 'ad_view', l.view_id, '{{}}', l.failed_at
        FROM late l
    ), note AS (
        INSERT INTO notifications (bucket, id, user_id, kind, params, created_at)
        SELECT l.bucket, l.id, l.user_id, 'mining.failed',
               jsonb_build_object('session_id', l.id, 'reason', 'AD_EXPIRED'), :boundary
        FROM late l
        {NOTED}
    ), errand AS (
        {telling_sql("note")}
    )
    SELECT user_id FROM late
""")


class Settled(Struct, frozen=True):
    """Users whose session ended well, and users whose proof never came; what was paid for how
    many sessions."""

    paid: tuple[int, ...]
    expired: tuple[int, ...]
    sessions: int
    paid_micro: int


async def settle(
    connection: Connection,
    piece: Piece,
    credited_through: datetime,
    boundary: datetime,
    now: datetime,
    *,
    singly: bool = False,
) -> Settled:
    """Complete sessions that ended by `boundary`, paying their rest; fail unproved ones.

    `singly`, after the whole failed: session by session, leaving out those that cannot be settled.
    """
    params = {
        "bucket": piece.bucket,
        "group_number": piece.group_number,
        "boundary": boundary,
    }
    settling = params | {"credited_through": credited_through, "now": now, "only": None}
    if singly:
        paid = await _settle_singly(connection, settling)
    else:
        paid = list(await rows(connection, SETTLE, settling))
    expiring = params | {"expired_by": boundary - EXPIRY_GRACE, "of_views": _OF_VIEWS}
    expired = await rows(connection, EXPIRE, expiring)
    return Settled(
        tuple(row.user_id for row in paid),
        tuple(row.user_id for row in expired),
        sum(row.entries for row in paid),
        sum(row.amount for row in paid),
    )


async def _settle_singly(connection: Connection, settling: dict[str, Any]) -> list[Row]:
    """One wallet that breaks a constraint must not hold up its neighbours' coins."""
    paid: list[Row] = []
    for session in await rows(connection, ENDED, settling):
        try:
            async with connection.transaction():
                paid += await rows(connection, SETTLE, settling | {"only": session.id})
        # A cluster tells no more than that of a row that its coordinator has copied.
        except (asyncpg.IntegrityConstraintViolationError, asyncpg.InternalServerError):
            log.critical("session %s cannot be settled", session.id, exc_info=True)
    return paid
