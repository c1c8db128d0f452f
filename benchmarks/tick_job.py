"""The work of one job per session, the same for every peer: two writes in one transaction.

Their tables, rows and connections are the engine's; a session remembers what it was paid in a
column of its own, without which nobody could pay it session by session.
"""

from models.base.db import Database, rows, run, sql, transaction
from runtime.clock import utcnow

AMOUNT_MICRO = 1_000

UPDATE_SESSION = sql("""
    UPDATE mining_sessions SET credited_micro = credited_micro + :amount
    WHERE bucket = :bucket AND id = CAST(CAST(:id AS text) AS uuid) RETURNING user_id
""")
UPDATE_WALLET = sql("""
    UPDATE wallets SET balance = balance + :amount, updated_at = :now
    WHERE bucket = :bucket AND user_id = :user_id
""")


async def credit(database: Database, bucket: int, session_id: str) -> None:
    """Pay one session."""
    params = {"bucket": bucket, "id": session_id, "amount": AMOUNT_MICRO, "now": utcnow()}
    async with transaction(database) as connection:
        session = (await rows(connection, UPDATE_SESSION, params))[0]
        await run(connection, UPDATE_WALLET, params | {"user_id": session.user_id})
