"""What the rules pay."""

from collections.abc import Sequence
from datetime import datetime

from engine.decision import Payment
from models import arrays
from models.db import Connection, run, sql
from models.encoding import encode
from runtime.clock import new_id

_PAYMENT_TYPES = {
    "id": "uuid",
    "user_id": "bigint",
    "type": "text",
    "from_account": "text",
    "to_account": "text",
    "amount": "bigint",
    "reference": "text",
    "funding": "text",
    "description": "text",
    "metadata": "jsonb",
    "created_at": "timestamptz",
}
# Rows of the ledger are added, never changed: a reference that is there already raises.
STORE_PAYMENTS = arrays.insert("transactions", _PAYMENT_TYPES)
PAY_WALLETS = sql("""
    UPDATE wallets w SET balance = w.balance + d.amount,
        settled_balance = w.settled_balance + d.amount, updated_at = :now
    FROM unnest(CAST(:users AS bigint[]), CAST(:amounts AS bigint[])) AS d (user_id, amount)
    WHERE w.bucket = :bucket AND w.user_id = d.user_id
""")


async def store_payments(
    connection: Connection,
    bucket: int,
    payments: Sequence[Payment],
    now: datetime,
) -> None:
    """Add to the ledger, and to the wallets in the same statements' transaction."""
    entries = [
        {
            "id": new_id(payment.paid_at),
            "user_id": payment.user_id,
            "type": payment.type,
            "from_account": payment.from_account,
            "to_account": f"wallet:{payment.user_id}",
            "amount": payment.amount_micro,
            "reference": payment.reference,
            "funding": payment.funding,
            "description": payment.description,
            "metadata": encode(payment.metadata),
            "created_at": payment.paid_at,
        }
        for payment in payments
    ]
    if not entries:
        return
    await arrays.store(connection, STORE_PAYMENTS, bucket, entries, _PAYMENT_TYPES)
    sums: dict[int, int] = {}
    for payment in payments:
        sums[payment.user_id] = sums.get(payment.user_id, 0) + payment.amount_micro
    users, amounts = zip(*sorted(sums.items()), strict=True)
    params = {"bucket": bucket, "users": users, "amounts": amounts, "now": now}
    await run(connection, PAY_WALLETS, params)
