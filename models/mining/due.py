"""Which pieces have something to credit, to settle or to remind of: what the clock asks."""

from datetime import datetime, timedelta

from engine.core.piece import Piece
from engine.core.timeline import GROUP_COUNT, Timetable, current_window, tick_group
from models.base.db import Database
from models.base.nodes import survey, survey_rows
from models.intents.record import CLOCK_SKEW_MAX

# A proof may be committed this long after the instant it was recorded with, by another clock.
EXPIRY_GRACE = CLOCK_SKEW_MAX + timedelta(seconds=30)

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

BUCKETS_WITH_DEVICES = survey(
    """
    SELECT m.bucket FROM credit_watermarks m
    WHERE {bucket of m} AND m.group_number = 1
      AND EXISTS (SELECT FROM devices v WHERE {bucket of v} AND v.bucket = m.bucket)
    ORDER BY m.bucket
    """
)


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


async def pieces_to_remind(table: Timetable, database: Database, boundary: datetime) -> list[Piece]:
    """The pieces of the groups whose window is open, where anybody has a phone."""
    groups = range(1, GROUP_COUNT + 1)
    is_open = [group for group in groups if current_window(table, group, boundary)]
    found = await survey_rows(database, BUCKETS_WITH_DEVICES, {})
    return [Piece(group, row.bucket) for group in is_open for row in found]
