"""What becomes of changes of addresses by itself: they take effect, lapse, and end."""

from contextlib import suppress
from datetime import datetime, timedelta

from models.base.buckets import buckets_with, rows_of_buckets
from models.base.db import Database, Row, connected, rows, sql
from models.contacts.change import NoChangeError, apply_change, end_change
from models.contacts.claims import COLUMNS, LEFT_TO_OTHERS, release_ended
from models.mining.snapshots import SnapshotCopies

# Whoever has not entered the new address's code by then asks anew.
REQUEST_LIVES = timedelta(days=1)
PROPOSAL_LIVES = timedelta(days=7)
ROWS_MAX = 500

DUE = sql(f"""
    SELECT {COLUMNS} FROM contact_changes
    WHERE bucket = :bucket AND status IN ('REQUESTED', 'PROPOSED', 'WAITING', 'APPLIED')
      AND (status = 'WAITING' AND effective_at <= :now OR status = 'APPLIED' AND back_until <= :now
           OR status = 'REQUESTED' AND requested_at <= :requested_before
           OR status = 'PROPOSED' AND requested_at <= :proposed_before)
    ORDER BY user_id LIMIT :limit
""")
UNRELEASED = sql(f"""
    SELECT DISTINCT c.user_id FROM contact_changes c
    WHERE c.bucket = :bucket AND {LEFT_TO_OTHERS} LIMIT :limit
""")
_ENDS = {"APPLIED": "FINISHED", "REQUESTED": "EXPIRED", "PROPOSED": "EXPIRED"}


async def settle_changes(
    database: Database, copies: SnapshotCopies, back_for: timedelta, now: datetime
) -> int:
    """Let the changes take effect and end whose time has come. Return how many."""
    settled = 0
    ended = {
        "limit": ROWS_MAX,
        "now": now,
        "requested_before": now - REQUEST_LIVES,
        "proposed_before": now - PROPOSAL_LIVES,
    }
    for bucket in await buckets_with(database, DUE, ended):
        async with connected(database) as connection:
            due = await rows(connection, DUE, ended | {"bucket": bucket})
        for change in due:
            await _settle(database, copies, change, back_for, now)
        settled += len(due)
    # By a process that ended in between, or while they were held.
    for row in await rows_of_buckets(database, UNRELEASED, ended):
        await release_ended(database, row.user_id, now)
    return settled


async def _settle(
    database: Database, copies: SnapshotCopies, change: Row, back_for: timedelta, now: datetime
) -> None:
    if change.status != "WAITING":
        await end_change(database, change, _ENDS[change.status], now)
        return
    with suppress(NoChangeError):  # given up, or confirmed, just now
        await apply_change(database, copies, change, back_for, now)
