"""What a user may read of their own: wallet, ledger, sessions, notifications; newest first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine

from engine.timeline import bucket_of
from models.db import reading, rows

WALLET = text("""
    SELECT balance, settled_balance, total_earned, total_withdrawn, updated_at
    FROM wallets WHERE bucket = :bucket AND user_id = :user_id
""")

TRANSACTIONS = text("""
    SELECT id, type, from_account, to_account, amount, reference, funding, description, metadata,
           created_at
    FROM transactions
    WHERE bucket = :bucket AND user_id = :user_id
      AND (CAST(:before_at AS timestamptz) IS NULL
           OR (created_at, id) < (CAST(:before_at AS timestamptz), CAST(:before_id AS uuid)))
    ORDER BY created_at DESC, id DESC LIMIT :limit
""")

SESSIONS = text("""
    SELECT id, status, group_number, reward_micro, requested_at, started_at, ends_at, settled_at,
           failed_at, failure
    FROM mining_sessions
    WHERE bucket = :bucket AND user_id = :user_id
      AND (CAST(:before_at AS timestamptz) IS NULL
           OR (requested_at, id) < (CAST(:before_at AS timestamptz), CAST(:before_id AS uuid)))
    ORDER BY requested_at DESC, id DESC LIMIT :limit
""")

NOTIFICATIONS = text("""
    SELECT id, kind, params, created_at, read_at FROM notifications
    WHERE bucket = :bucket AND user_id = :user_id
      AND (CAST(:before_at AS timestamptz) IS NULL
           OR (created_at, id) < (CAST(:before_at AS timestamptz), CAST(:before_id AS uuid)))
    ORDER BY created_at DESC, id DESC LIMIT :limit
""")


class Cursor(Struct, frozen=True):
    """Where a page begins: strictly before this row."""

    at: datetime
    id: UUID


async def read_wallet(database: AsyncEngine, user_id: int) -> Row[Any] | None:
    """A user's wallet, or None."""
    async with reading(database) as connection:
        params = {"bucket": bucket_of(user_id), "user_id": user_id}
        found = await rows(connection, WALLET, params)
    return found[0] if found else None


async def read_page(
    database: AsyncEngine, statement: TextClause, user_id: int, before: Cursor | None, limit: int
) -> Sequence[Row[Any]]:
    """One page of TRANSACTIONS, SESSIONS or NOTIFICATIONS."""
    params = {
        "bucket": bucket_of(user_id),
        "user_id": user_id,
        "before_at": before.at if before else None,
        "before_id": before.id if before else None,
        "limit": limit,
    }
    async with reading(database) as connection:
        return await rows(connection, statement, params)
