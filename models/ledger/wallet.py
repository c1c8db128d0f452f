"""A member's wallet, as it is shown, with what its account has proved (decision 0047)."""

from datetime import datetime

from engine.core.timeline import bucket_of
from engine.ledger.vesting import Holder, allowance_day
from models.base.db import Database, Row, connected, rows, sql

# What speaks for an account by now, and against it.
STANDING = """
           u.email IS NOT NULL AND u.verified_at IS NOT NULL AS has_email,
           u.phone IS NOT NULL AND u.verified_at IS NOT NULL AS has_phone,
           (SELECT count(*) FROM active_days a
            WHERE a.bucket = :bucket AND a.user_id = u.id) AS days,
           (SELECT n.score FROM anomaly_scores n
            WHERE n.bucket = :bucket AND n.user_id = u.id
            ORDER BY n.day DESC LIMIT 1) AS score"""
WALLET = sql(f"""
    SELECT w.balance, w.settled_balance, w.total_withdrawn, w.updated_at,
           (SELECT COALESCE(CAST(sum(f.earned) AS bigint), 0) FROM wallet_funds f
            WHERE f.bucket = :bucket AND f.user_id = :user_id)
           + w.balance - w.settled_balance AS total_earned,
           COALESCE(s.amount_micro, 0) AS spent_micro, {STANDING},
           NOT u.is_active OR u.hold IS NOT NULL AND COALESCE(u.hold_until > :now, true) AS is_held
    FROM wallets w
    JOIN users u ON u.bucket = :bucket AND u.id = w.user_id
    LEFT JOIN spent_days s
      ON s.bucket = :bucket AND s.user_id = w.user_id AND s.day = CAST(:day AS date)
    WHERE w.bucket = :bucket AND w.user_id = :user_id
""")


async def read_wallet(database: Database, user_id: int, now: datetime) -> Row | None:
    """A user's wallet with what `holder_of` takes from it, or None."""
    day = allowance_day(now)
    params = {"bucket": bucket_of(user_id), "user_id": user_id, "day": day, "now": now}
    async with connected(database) as connection:
        found = await rows(connection, WALLET, params)
    return found[0] if found else None


def holder_of(wallet: Row) -> Holder:
    """A row of WALLET as the rule sees it."""
    return Holder(
        wallet.settled_balance,
        wallet.spent_micro,
        wallet.days,
        wallet.has_email,
        wallet.has_phone,
        wallet.score,
        wallet.is_held,
    )
