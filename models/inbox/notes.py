"""Notifications: for the inbox at once, for the phone if there is one (decision 0023)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from engine.core.decision import Note
from engine.core.timeline import bucket_of
from models.base.arrays import AT_BUCKET, ROUTED
from models.base.db import Connection, Database, connected, rows, run, sql
from models.base.encoding import encode
from runtime.clock import new_id

UNREAD_MAX = 100


def push_due_sql(user_id: str, at: str) -> str:
    """The value of push_due_at for a new notification: NULL for whom no phone is known."""
    return (
        "CASE WHEN EXISTS (SELECT FROM devices v"
        f" WHERE v.bucket = :bucket AND v.user_id = {user_id})"
        f" THEN CAST({at} AS timestamptz) END"
    )


STORE_NOTES = sql(f"""
    INSERT INTO notifications (bucket, id, user_id, kind, params, created_at, push_due_at,
                               push_attempts)
    SELECT m.bucket, d.id, d.user_id, d.kind, CAST(d.params AS jsonb), d.created_at,
           {push_due_sql("d.user_id", "d.created_at")}, 0
    FROM {ROUTED}
         unnest(CAST(:ids AS uuid[]), CAST(:users AS bigint[]), CAST(:kinds AS text[]),
                CAST(:params AS text[]), CAST(:created_at AS timestamptz[]))
         AS d (id, user_id, kind, params, created_at)
    WHERE {AT_BUCKET}
""")

MARK_READ = sql("""
    UPDATE notifications SET read_at = :now
    WHERE bucket = :bucket AND user_id = :user_id AND read_at IS NULL AND created_at <= :now
      AND (CAST(:ids AS uuid[]) IS NULL OR id = ANY(CAST(:ids AS uuid[])))
""")

UNREAD = sql("""
    SELECT count(*) AS unread FROM (
        SELECT FROM notifications
        WHERE bucket = :bucket AND user_id = :user_id AND read_at IS NULL LIMIT :limit) n
""")


async def store_notes(connection: Connection, bucket: int, notes: Sequence[Note]) -> None:
    """Add to the inboxes, in the transaction of what they tell of."""
    if not notes:
        return
    params = {
        "bucket": bucket,
        "ids": [new_id(note.created_at) for note in notes],
        "users": [note.user_id for note in notes],
        "kinds": [note.kind for note in notes],
        "params": [encode(note.params) for note in notes],
        "created_at": [note.created_at for note in notes],
    }
    await run(connection, STORE_NOTES, params)


async def mark_read(
    database: Database, user_id: int, ids: Sequence[UUID] | None, now: datetime
) -> int:
    """Mark one's notifications as read, all or some. Return how many were not."""
    params = {"bucket": bucket_of(user_id), "user_id": user_id, "ids": ids, "now": now}
    async with connected(database) as connection:
        return await run(connection, MARK_READ, params)


async def count_unread(database: Database, user_id: int) -> int:
    """How many are unread, up to UNREAD_MAX."""
    params = {"bucket": bucket_of(user_id), "user_id": user_id, "limit": UNREAD_MAX}
    async with connected(database) as connection:
        return int((await rows(connection, UNREAD, params))[0].unread)
