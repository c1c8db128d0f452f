"""Purses for the rules, of members who spend."""

from collections import defaultdict
from collections.abc import Collection
from datetime import date

from engine.ledger.state import Purse
from engine.ledger.vesting import allowance_day
from models.base import arrays
from models.base.db import rows, sql
from models.intents.batch import Batch, Keep
from models.ledger.fold import fold
from models.ledger.post import read_holdings
from models.ledger.tables import spent_days
from models.ledger.wallet import STANDING

OWNERS = sql(f"""
    SELECT u.id AS user_id, {STANDING}, u.hold IS NOT NULL AS is_held, u.hold_until AS held_until
    FROM users u WHERE u.bucket = :bucket AND u.id = ANY(CAST(:users AS bigint[]))
""")
SPENT = sql("""
    SELECT user_id, day, amount_micro FROM spent_days
    WHERE bucket = :bucket AND user_id = ANY(CAST(:users AS bigint[]))
      AND day = ANY(CAST(:days AS date[]))
""")
_SPENT_TYPES = arrays.types_of(spent_days, ["user_id", "day", "amount_micro"])
STORE_SPENT = arrays.insert(
    "spent_days", _SPENT_TYPES, updated=["amount_micro"], key=("user_id", "day")
)


async def load_purses(batch: Batch) -> None:
    """Load the purses of those who spend now. Nothing comes to them until this is stored: whoever
    changes a wallet holds its bucket."""
    spending = [intent for intent in batch.intents if intent.action.is_spending]
    spenders = sorted({i.user_id for i in spending if i.user_id in batch.people})
    if not spenders:
        return
    connection, bucket = batch.connection, batch.bucket
    await fold(connection, bucket, spenders)
    held = await read_holdings(connection, bucket, spenders)
    params = {"bucket": bucket, "users": spenders}
    days = sorted({allowance_day(intent.recorded_at) for intent in spending})
    spent: dict[int, dict[date, int]] = defaultdict(dict)
    for row in await rows(connection, SPENT, params | {"days": days}):
        spent[row.user_id][row.day] = row.amount_micro
    for row in await rows(connection, OWNERS, params):
        user_id = row.user_id
        batch.people[user_id].put(Purse(**row, holdings=held[user_id], spent=spent[user_id]))


async def store_purses(batch: Batch, purses: list[Purse]) -> Collection[int]:
    """Write what left by day: the door writes the rest. The snapshot does not show it."""
    items = [
        {"user_id": purse.user_id, "day": day, "amount_micro": amount_micro}
        for purse in sorted(purses, key=lambda purse: purse.user_id)
        for day, amount_micro in sorted(purse.spent.items())
    ]
    await arrays.store(batch.connection, STORE_SPENT, batch.bucket, items, _SPENT_TYPES)
    return ()


KEEPS = (Keep(Purse, store_purses, load_purses),)
