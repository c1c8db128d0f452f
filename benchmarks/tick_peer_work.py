"""The work of one job per session, the same for every peer: two writes in one transaction.

Their tables, rows and connections are the engine's; a session remembers what it was paid in a
column of its own, without which nobody could pay it session by session.
"""

import asyncio
import os
from typing import Any

import asyncpg

from models.clock import utcnow

QUEUE = "twtc-bench"
AMOUNT_MICRO = 1_000

UPDATE_SESSION = """
    UPDATE mining_sessions SET credited_micro = credited_micro + $3
    WHERE bucket = $1 AND id = CAST($2::text AS uuid) RETURNING user_id
"""
UPDATE_WALLET = """
    UPDATE wallets SET balance = balance + $3, updated_at = $4 WHERE bucket = $1 AND user_id = $2
"""

_loop: asyncio.AbstractEventLoop | None = None
_connection: Any = None


async def credit(connection: Any, bucket: int, session_id: str) -> None:
    """Pay one session."""
    async with connection.transaction():
        user_id = await connection.fetchval(UPDATE_SESSION, bucket, session_id, AMOUNT_MICRO)
        await connection.execute(UPDATE_WALLET, bucket, user_id, AMOUNT_MICRO, utcnow())


def credit_blocking(bucket: int, session_id: str) -> None:
    """Pay one session, on this process's own connection, which is opened once."""
    global _loop, _connection
    if _loop is None:
        _loop = asyncio.new_event_loop()
        _connection = _loop.run_until_complete(asyncpg.connect(os.environ["DATABASE_URL"]))
    _loop.run_until_complete(credit(_connection, bucket, session_id))
