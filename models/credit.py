"""The credit tick and the settlement: a few set statements (decision 0007).

Each runs while the watermark rows of its pieces are held, so that ticks, settlements and batches of
one piece follow each other. A settlement is of a piece, a tick of all pieces of a bucket.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg
from msgspec import Struct

from engine.timeline import tick_group
from models.db import Connection, Database, Row, rows, run, sql
from models.intents import CLOCK_SKEW_MAX
from models.nodes import survey, survey_rows
from models.notes import push_due_sql
from models.queue import Piece

log = logging.getLogger(__name__)

# A proof may be committed this long after the instant it was recorded with, by another clock.
EXPIRY_GRACE = CLOCK_SKEW_MAX + timedelta(seconds=30)


def accrued_sql(at: str) -> str:
    """engine.accrual.accrued in SQL, for a row of mining_sessions named `s`.

    The same integers: `date_part` is exact to the microsecond over the length of a session.
    """
    length = "CAST(date_part('epoch', s.ends_at - s.started_at) * 1000000 AS bigint)"
    elapsed = (
        f"CAST(date_part('epoch', GREATEST(LEAST({at}, s.ends_at), s.started_at) - s.started_at)"
        " * 1000000 AS bigint)"
    )
    return f"(s.reward_micro * {elapsed} / {length})"


LOCK_WATERMARK = sql("""
    SELECT credited_through FROM credit_watermarks
    WHERE bucket = :bucket AND group_number = :group_number FOR UPDATE
""")

LOCK_WATERMARKS = sql("""
    SELECT group_number, credited_through FROM credit_watermarks
    WHERE bucket = :bucket ORDER BY group_number FOR UPDATE
""")

EARNED = (
    f"({accrued_sql('CAST(:boundary AS timestamptz)')}"
    f" - {accrued_sql('CAST(:credited_through AS timestamptz)')})"
)

# Sessions of one user do not overlap: of those running at an instant each has a wallet of its own.
# One descent of the index finds the wallets of a page, and a search in the sorted ids each amount:
# a join would descend once for each wallet (decision 0007).
CREDIT_RUNNING = sql(f"""
    WITH moved AS (
        UPDATE credit_watermarks SET credited_through = CAST(:boundary AS timestamptz)
        WHERE bucket = :bucket AND group_number = ANY(CAST(:groups AS smallint[]))
    ), earned AS MATERIALIZED (
        SELECT array_agg(d.user_id) AS users, array_agg(d.amount) AS amounts FROM (
            SELECT s.user_id, {EARNED} AS amount FROM mining_sessions s
            WHERE s.bucket = :bucket AND s.group_number = ANY(CAST(:groups AS smallint[]))
              AND s.status = 'ACTIVE' AND s.ends_at > :boundary AND s.started_at < :boundary
            ORDER BY s.user_id) d
    )
    UPDATE wallets w
    SET balance = w.balance + e.amounts[width_bucket(w.user_id, e.users)], updated_at = :now
    FROM earned e
    WHERE w.bucket = :bucket AND w.user_id = ANY(e.users)
""")

# Ended since the last tick and not yet settled: few, but a user may have several of them.
CREDIT_ENDED = sql(f"""
    UPDATE wallets w SET balance = w.balance + d.amount, updated_at = :now
    FROM (
        SELECT s.user_id, CAST(sum({EARNED}) AS bigint) AS amount FROM mining_sessions s
        WHERE s.bucket = :bucket AND s.group_number = ANY(CAST(:groups AS smallint[]))
          AND s.status = 'ACTIVE'
          AND s.ends_at > :credited_through AND s.ends_at <= :boundary
        GROUP BY s.user_id
    ) d
    WHERE w.bucket = :bucket AND w.user_id = d.user_id
""")

# Reads what it modifies only through RETURNING (decision 0009).
SETTLE = sql(f"""
    WITH done AS (
        UPDATE mining_sessions s SET status = 'COMPLETED', settled_at = :boundary
        WHERE s.bucket = :bucket AND s.group_number = :group_number AND s.status = 'ACTIVE'
          AND s.ends_at <= :boundary
          AND (CAST(:only AS uuid) IS NULL OR s.id = CAST(:only AS uuid))
        RETURNING s.bucket, s.id, s.user_id, s.view_id, s.reward_micro, s.started_at, s.ends_at,
                  {accrued_sql("CAST(:credited_through AS timestamptz)")} AS credited
    ), ledger AS (
        INSERT INTO transactions (bucket, id, user_id, type, from_account, to_account, amount,
                                  reference, funding, description, metadata, created_at)
        SELECT d.bucket, d.id, d.user_id, 'MINING', 'emission:mining', 'wallet:' || d.user_id,
               d.reward_micro, 'mining:' || d.id, v.network, 'Mining session',
               jsonb_build_object('session_id', d.id, 'view_id', d.view_id), :boundary
        FROM done d JOIN ad_views v ON v.bucket = d.bucket AND v.id = d.view_id
        WHERE v.bucket = :bucket
    ), note AS (
        INSERT INTO notifications (bucket, id, user_id, kind, params, created_at, push_due_at,
                                   push_attempts)
        SELECT d.bucket, d.id, d.user_id, 'mining.completed',
               jsonb_build_object('session_id', d.id, 'amount_micro', d.reward_micro), :boundary,
               {push_due_sql("d.user_id", ":boundary")}, 0
        FROM done d
    )
    UPDATE wallets w
    SET balance = w.balance + d.rest, settled_balance = w.settled_balance + d.reward,
        updated_at = :now
    FROM (SELECT user_id, CAST(sum(reward_micro - credited) AS bigint) AS rest,
                 CAST(sum(reward_micro) AS bigint) AS reward, count(*) AS sessions
          FROM done GROUP BY user_id) d
    WHERE w.bucket = :bucket AND w.user_id = d.user_id
    RETURNING w.user_id, d.reward, d.sessions
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
            WHERE i.bucket = :bucket AND i.group_number = :group_number
              AND i.user_id = s.user_id AND i.status = 'RECORDED'
              AND i.recorded_at < s.expires_at)
          AND NOT EXISTS (
            SELECT FROM intents i
            WHERE i.bucket = :bucket AND i.user_id = s.user_id AND i.status = 'FAILED'
              AND i.kind LIKE 'ad.%'
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
        INSERT INTO notifications (bucket, id, user_id, kind, params, created_at, push_due_at,
                                   push_attempts)
        SELECT l.bucket, l.id, l.user_id, 'mining.failed',
               jsonb_build_object('session_id', l.id, 'reason', 'AD_EXPIRED'), :boundary,
               {push_due_sql("l.user_id", ":boundary")}, 0
        FROM late l
    )
    SELECT user_id FROM late
""")

# 640 probes of a partial index: the cost does not grow with idle users or ended sessions.
BUCKETS_TO_CREDIT = survey(
    """
    SELECT m.bucket FROM credit_watermarks m
    WHERE {bucket of m} AND m.credited_through < :boundary AND EXISTS (
        SELECT FROM mining_sessions s
        WHERE {bucket of s} AND s.bucket = m.bucket AND s.group_number = m.group_number
          AND s.status = 'ACTIVE' AND s.ends_at > m.credited_through AND s.started_at < :boundary)
    ORDER BY m.bucket
    """
)

PIECES_TO_SETTLE = survey(
    """
    SELECT m.bucket, m.group_number FROM credit_watermarks m
    WHERE {bucket of m} AND (EXISTS (
        SELECT FROM mining_sessions s
        WHERE {bucket of s} AND s.bucket = m.bucket AND s.group_number = m.group_number
          AND s.status = 'ACTIVE' AND s.ends_at <= :boundary)
       OR EXISTS (
        SELECT FROM mining_sessions s
        WHERE {bucket of s} AND s.bucket = m.bucket AND s.group_number = m.group_number
          AND s.status = 'PENDING' AND s.expires_at <= CAST(:expired_by AS timestamptz)))
    ORDER BY m.group_number, m.bucket
    """
)


class Settled(Struct, frozen=True):
    """Users whose session ended well, and users whose proof never came; what was paid for how
    many sessions."""

    paid: tuple[int, ...]
    expired: tuple[int, ...]
    sessions: int
    paid_micro: int


async def lock_piece(connection: Connection, piece: Piece) -> datetime:
    """Hold the piece until the transaction ends. Return how far its sessions have been paid."""
    params = {"bucket": piece.bucket, "group_number": piece.group_number}
    through: datetime = (await rows(connection, LOCK_WATERMARK, params))[0].credited_through
    return through


async def credit(connection: Connection, bucket: int, boundary: datetime, now: datetime) -> int:
    """Pay what the sessions of all pieces of a bucket have earned by `boundary`, and move their
    watermarks. Return the payments made.

    A boundary that was paid already is a no-op; a missed one is caught up by the next.
    """
    unpaid: dict[datetime, list[int]] = {}
    for row in await rows(connection, LOCK_WATERMARKS, {"bucket": bucket}):
        if row.credited_through < boundary:
            unpaid.setdefault(row.credited_through, []).append(row.group_number)
    paid = 0
    for through, groups in unpaid.items():
        paid += await credit_groups(connection, bucket, groups, through, boundary, now)
    return paid


async def credit_groups(
    connection: Connection,
    bucket: int,
    groups: Sequence[int],
    credited_through: datetime,
    boundary: datetime,
    now: datetime,
) -> int:
    """Pay (credited_through, boundary] of pieces that are held, and move their watermarks.

    Return the payments made.
    """
    if boundary <= credited_through:
        return 0
    params = {
        "bucket": bucket,
        "groups": groups,
        "credited_through": credited_through,
        "boundary": boundary,
        "now": now,
    }
    ended = await run(connection, CREDIT_ENDED, params)
    return ended + await run(connection, CREDIT_RUNNING, params)


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
    expired = await rows(connection, EXPIRE, params | {"expired_by": boundary - EXPIRY_GRACE})
    return Settled(
        tuple(row.user_id for row in paid),
        tuple(row.user_id for row in expired),
        sum(row.sessions for row in paid),
        sum(row.reward for row in paid),
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


async def pieces_to_credit(database: Database, boundary: datetime) -> list[Piece]:
    """Where a session earned something since its watermark and before `boundary`: the piece of
    each such bucket that stands for all."""
    found = await survey_rows(database, BUCKETS_TO_CREDIT, {"boundary": boundary})
    return [Piece(tick_group(bucket), bucket) for bucket in sorted({row.bucket for row in found})]


async def pieces_to_settle(database: Database, boundary: datetime) -> list[Piece]:
    """Pieces with a session that ended, or waits for a proof no longer, by `boundary`."""
    params = {"boundary": boundary, "expired_by": boundary - EXPIRY_GRACE}
    found = await survey_rows(database, PIECES_TO_SETTLE, params)
    return [Piece(row.group_number, row.bucket) for row in found]
