"""Telling members that their window is open, each at their own phase (decisions 0003 and 0023)."""

from datetime import datetime, timedelta

from engine.core.piece import Piece
from engine.core.timeline import PHASE_FACTOR, PHASE_MODULUS, Timetable, current_window
from engine.mining.rules import start_limit
from models.base.db import Connection, run, sql
from models.base.encoding import encode
from models.inbox.notes import NOTED, telling_sql

# Who has a phone, could start now, and whose phase has come. The id names user and window, so that
# each is told once, however often this runs.
REMIND = sql(f"""
    WITH note AS (
        INSERT INTO notifications (bucket, id, user_id, kind, params, created_at)
        SELECT u.bucket, CAST(md5('window:' || u.id || ':' || CAST(:window AS text)) AS uuid), u.id,
               'window.open', CAST(:params AS jsonb), CAST(:boundary AS timestamptz)
        FROM users u
        WHERE u.bucket = :bucket AND u.group_number = :group_number AND u.is_active
          AND u.id % {PHASE_MODULUS} * {PHASE_FACTOR} % {PHASE_MODULUS} * :window_us
              / {PHASE_MODULUS} <= :elapsed_us
          AND EXISTS (SELECT FROM devices v WHERE v.bucket = :bucket AND v.user_id = u.id)
          AND NOT EXISTS (
            SELECT FROM mining_sessions s
            WHERE s.bucket = :bucket AND s.user_id = u.id AND s.status IN ('PENDING', 'ACTIVE')
              AND (s.window_opens_at = :opens_at OR s.ends_at > :start_limit OR s.ends_at IS NULL))
        ON CONFLICT (bucket, id) DO NOTHING
        {NOTED}
    )
    {telling_sql("note")}
""")


async def remind(connection: Connection, piece: Piece, table: Timetable, boundary: datetime) -> int:
    """Note for a piece's members that their window is open. Return how many were told now."""
    window = current_window(table, piece.group_number, boundary)
    if window is None:
        return 0
    elapsed = boundary - window.opens_at
    params = {
        "bucket": piece.bucket,
        "group_number": piece.group_number,
        "window": window.opens_at.isoformat(),
        "window_us": table.timing.window_seconds * 1_000_000,
        "elapsed_us": elapsed // timedelta(microseconds=1),
        "opens_at": window.opens_at,
        "start_limit": start_limit(table, window),
        "params": encode({"closes_at": window.closes_at}),
        "boundary": boundary,
    }
    return await run(connection, REMIND, params)
