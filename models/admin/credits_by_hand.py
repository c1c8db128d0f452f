"""What may be credited by hand on a UTC day, over all wallets: one row, counted under its lock."""

from datetime import datetime

from engine.admin.four_eyes import CREDITS_OF_DAY_MICRO_MAX
from engine.core.money import MICRO_PER_TWTC
from engine.core.timeline import utc_day
from models.base.db import Connection, rows, sql

TOO_MUCH = (
    f"By hand at most {CREDITS_OF_DAY_MICRO_MAX // MICRO_PER_TWTC:,} TWTC are credited on a UTC"
    " day, over all wallets. Approve it tomorrow, or propose less."
)
# No row comes back if it would be too much.
COUNT = sql("""
    INSERT INTO credits_by_hand (day, amount_micro) VALUES (:day, :amount)
    ON CONFLICT (day) DO UPDATE
    SET amount_micro = credits_by_hand.amount_micro + excluded.amount_micro
    WHERE credits_by_hand.amount_micro + excluded.amount_micro <= :most
    RETURNING amount_micro
""")


async def count_credit(connection: Connection, amount_micro: int, now: datetime) -> bool:
    """Count a credit that is being approved. False if the day cannot hold it; then nothing is."""
    if amount_micro > CREDITS_OF_DAY_MICRO_MAX:
        return False
    counted = {"day": utc_day(now), "amount": amount_micro, "most": CREDITS_OF_DAY_MICRO_MAX}
    return bool(await rows(connection, COUNT, counted))
