"""The one door through which coins leave a wallet, and what may pass it (decision 0047).

Corrections by hand are the operator's and pass by (decision 0028).
"""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from engine.core.timeline import bucket_of
from engine.core.transfer import Account, Transfer, TransferType, wallet
from engine.ledger.rights import Use, draw, usable_micro
from engine.ledger.vesting import Holder, Vesting, allowance_day, spendable_micro
from models.base.db import Connection, Database, Row, connected, rows, run, sql
from models.intents.members import LOCK_USERS
from models.ledger.fold import fold
from models.ledger.post import post, read_holdings

# The wallet, and what its account has proved by now.
WALLET = sql("""
    SELECT w.balance, w.settled_balance, w.total_withdrawn, w.updated_at,
           (SELECT COALESCE(CAST(sum(f.earned) AS bigint), 0) FROM wallet_funds f
            WHERE f.bucket = :bucket AND f.user_id = :user_id)
           + w.balance - w.settled_balance AS total_earned,
           COALESCE(s.amount_micro, 0) AS spent_micro,
           u.email IS NOT NULL AND u.verified_at IS NOT NULL AS has_email,
           u.phone IS NOT NULL AND u.verified_at IS NOT NULL AS has_phone,
           NOT u.is_active OR u.hold IS NOT NULL AND COALESCE(u.hold_until > :now, true) AS is_held,
           (SELECT count(*) FROM active_days a
            WHERE a.bucket = :bucket AND a.user_id = :user_id) AS days,
           (SELECT n.score FROM anomaly_scores n
            WHERE n.bucket = :bucket AND n.user_id = :user_id
            ORDER BY n.day DESC LIMIT 1) AS score
    FROM wallets w
    JOIN users u ON u.bucket = :bucket AND u.id = w.user_id
    LEFT JOIN spent_days s
      ON s.bucket = :bucket AND s.user_id = w.user_id AND s.day = CAST(:day AS date)
    WHERE w.bucket = :bucket AND w.user_id = :user_id
""")
ENTERED = sql("""
    SELECT id FROM transactions WHERE bucket = :bucket AND reference = :reference
""")
COUNT = sql("""
    INSERT INTO spent_days (bucket, user_id, day, amount_micro)
    VALUES (:bucket, :user_id, :day, :amount)
    ON CONFLICT (bucket, user_id, day)
    DO UPDATE SET amount_micro = spent_days.amount_micro + excluded.amount_micro
""")


class Spending(Struct, frozen=True):
    """Coins that want to leave a wallet. `reference` is theirs alone: the same one leaves once."""

    user_id: int
    amount_micro: int
    target: Account
    reference: str
    description: str
    use: Use


class NotSpendableError(Exception):
    """So much cannot leave the wallet now; `spendable_micro` can."""

    def __init__(self, spendable_micro: int) -> None:
        super().__init__("This is more than can be spent now.")
        self.spendable_micro = spendable_micro


async def spend(connection: Connection, rules: Vesting, spending: Spending, now: datetime) -> bool:
    """Let coins leave a wallet, within the caller's transaction. False if they have left already.

    Raise NotSpendableError; then nothing moved. The user's lock lets one spending at a time decide.
    """
    assert spending.amount_micro > 0
    user_id, bucket = spending.user_id, bucket_of(spending.user_id)
    await rows(connection, LOCK_USERS, {"bucket": bucket, "users": [user_id]})
    params = {
        "bucket": bucket,
        "user_id": user_id,
        "day": allowance_day(now),
        "amount": spending.amount_micro,
        "reference": spending.reference,
        "now": now,
    }
    if await rows(connection, ENTERED, params):
        return False
    [owned] = await rows(connection, WALLET, params)
    await fold(connection, bucket, [user_id])
    held = (await read_holdings(connection, bucket, [user_id]))[user_id]
    allowed = min(spendable_micro(holder_of(owned), rules), usable_micro(held, spending.use))
    parts = draw(held, spending.amount_micro, spending.use)
    if parts is None or spending.amount_micro > allowed:
        raise NotSpendableError(allowed)
    await run(connection, COUNT, params)
    await post(connection, bucket, _transfers(spending, parts, now), now)
    return True


def _transfers(
    spending: Spending, parts: Sequence[tuple[str, int]], now: datetime
) -> list[Transfer]:
    return [
        Transfer(
            source=wallet(spending.user_id),
            target=spending.target,
            amount_micro=amount_micro,
            reference=spending.reference,
            funding=funding,
            type=TransferType.WITHDRAWAL,
            description=spending.description,
            metadata={},
            at=now,
            part=part,
        )
        for part, (funding, amount_micro) in enumerate(parts)
    ]


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
