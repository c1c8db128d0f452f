"""What a user may read of their own: ledger, sessions, notifications; newest first."""

from collections.abc import Sequence
from uuid import UUID

from engine.core.timeline import bucket_of
from models.base.db import Database, Row, Statement, connected, rows, sql
from models.base.pages import FIRST_PAGE, Cursor

TRANSACTIONS = sql("""
    SELECT id, type, from_account, to_account, amount, reference, funding, description, metadata,
           created_at
    FROM transactions
    WHERE bucket = :bucket AND user_id = :user_id
      AND (created_at, id) < (CAST(:before_at AS timestamptz), CAST(:before_id AS uuid))
    ORDER BY created_at DESC, id DESC LIMIT :limit
""")

SESSIONS = sql("""
    SELECT id, status, group_number, reward_micro, requested_at, started_at, ends_at, settled_at,
           failed_at, failure
    FROM mining_sessions
    WHERE bucket = :bucket AND user_id = :user_id
      AND (requested_at, id) < (CAST(:before_at AS timestamptz), CAST(:before_id AS uuid))
    ORDER BY requested_at DESC, id DESC LIMIT :limit
""")

NOTIFICATIONS = sql("""
    SELECT id, kind, params, created_at, read_at FROM notifications
    WHERE bucket = :bucket AND user_id = :user_id
      AND (created_at, id) < (CAST(:before_at AS timestamptz), CAST(:before_id AS uuid))
    ORDER BY created_at DESC, id DESC LIMIT :limit
""")


# A watch that was found complete counts as soon as that is recorded, applied or not yet.
OWN_BOOST = sql("""
    SELECT b.status, b.question_key, b.answered_at,
           COALESCE(b.watched_at, (
               SELECT i.recorded_at FROM intents i
               WHERE i.bucket = :bucket AND i.origin = 'watch:' || b.user_id
                 AND i.key = CAST(b.id AS text)
           )) AS watched_at
    FROM boosts b WHERE b.bucket = :bucket AND b.id = :id AND b.user_id = :user_id
""")


async def read_page(
    database: Database, statement: Statement, user_id: int, before: Cursor | None, limit: int
) -> Sequence[Row]:
    """One page of TRANSACTIONS, SESSIONS or NOTIFICATIONS."""
    before = before or FIRST_PAGE
    params = {
        "bucket": bucket_of(user_id),
        "user_id": user_id,
        "before_at": before.at,
        "before_id": before.id,
        "limit": limit,
    }
    async with connected(database) as connection:
        return await rows(connection, statement, params)


async def read_boost(database: Database, user_id: int, boost_id: UUID) -> Row | None:
    """A user's own boost: its status, and since when its question may be shown. Or None."""
    async with connected(database) as connection:
        params = {"bucket": bucket_of(user_id), "id": boost_id, "user_id": user_id}
        found = await rows(connection, OWN_BOOST, params)
    return found[0] if found else None
