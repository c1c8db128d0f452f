"""Notifications: for the inbox at once, and an errand for phones (decisions 0023 and 0054)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from engine.core.action import kind_of
from engine.core.decision import Note
from engine.core.errands import TellPhones
from engine.core.timeline import bucket_of
from models.base.arrays import AT_BUCKET, ROUTED
from models.base.db import Connection, Database, connected, rows, run, sql
from models.base.encoding import encode
from runtime.clock import new_id

UNREAD_MAX = 100


def telling_sql(notes: str) -> str:
    """An errand for each of these new notifications whose member has a phone, under its id."""
    return f"""
        INSERT INTO errands (bucket, id, user_id, kind, payload, created_at, due_at, attempts,
                             status)
        SELECT n.bucket, n.id, n.user_id, '{kind_of(TellPhones)}',
               jsonb_build_object('kind', '{kind_of(TellPhones)}', 'note', n.kind,
                                  'params', n.params),
               n.created_at, n.created_at, 0, 'WAITING'
        FROM {notes} n
        WHERE EXISTS (SELECT FROM devices v WHERE v.bucket = :bucket AND v.user_id = n.user_id)
    """


NOTED = "RETURNING bucket, id, user_id, kind, params, created_at"

STORE_NOTES = sql(f"""
    WITH note AS (
        INSERT INTO notifications (bucket, id, user_id, kind, params, created_at)
        SELECT m.bucket, d.id, d.user_id, d.kind, CAST(d.params AS jsonb), d.created_at
        FROM {ROUTED}
             unnest(CAST(:ids AS uuid[]), CAST(:users AS bigint[]), CAST(:kinds AS text[]),
                    CAST(:params AS text[]), CAST(:created_at AS timestamptz[]))
             AS d (id, user_id, kind, params, created_at)
        WHERE {AT_BUCKET}
        {NOTED}
    )
    {telling_sql("note")}
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
