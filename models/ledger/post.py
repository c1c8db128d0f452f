"""The one door of the ledger: whatever moves coins writes its rows here, and nothing else does.

A row of the ledger, the holding of its funding and the wallet's settled balance change together
(decision 52): for transfers in statements that follow each other, which a cluster sends whole to
their shard; for a settlement in its one. Which funding a debit takes is decided before.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from engine.core.transfer import EARNINGS, Transfer
from models.base.arrays import AT_BUCKET, ROUTED
from models.base.db import Connection, Statement, rows, run, sql
from models.base.encoding import encode
from runtime.clock import new_id

# What a row of the ledger says, whoever brings it.
_COLUMNS = {
    "id": "uuid",
    "user_id": "bigint",
    "type": "text",
    "from_account": "text",
    "to_account": "text",
    "amount": "bigint",
    "reference": "text",
    "part": "smallint",
    "funding": "text",
    "asset": "text",
    "description": "text",
    "metadata": "text",
    "created_at": "timestamptz",
}
_NAMES = ", ".join(_COLUMNS)
_EARNED = f"e.type IN ({', '.join(repr(str(earning)) for earning in sorted(EARNINGS))})"


def _entering(source: str) -> str:
    values = ", ".join(f"e.{name}" for name in _COLUMNS)
    values = values.replace("e.metadata", "CAST(e.metadata AS jsonb)")
    return f"""
        INSERT INTO transactions (bucket, {_NAMES}, is_posted)
        SELECT e.bucket, {values}, true FROM {source}"""


def _funding(source: str) -> str:
    return f"""
        INSERT INTO wallet_funds (bucket, user_id, funding, balance, earned)
        SELECT e.bucket, e.user_id, e.funding, CAST(sum(e.amount) AS bigint),
               CAST(sum(CASE WHEN {_EARNED} THEN e.amount ELSE 0 END) AS bigint)
        FROM {source} GROUP BY e.bucket, e.user_id, e.funding ORDER BY e.user_id, e.funding
        ON CONFLICT (bucket, user_id, funding)
        DO UPDATE SET balance = wallet_funds.balance + excluded.balance,
                      earned = wallet_funds.earned + excluded.earned"""


def _moving(source: str, sign: str = "1") -> str:
    """Of what comes in, ticks may have brought a part to the balance already: `accrued`."""
    return f"""
    UPDATE wallets w
    SET balance = w.balance + d.amount - d.accrued, settled_balance = w.settled_balance + d.amount,
        total_withdrawn = w.total_withdrawn - d.withdrawn, updated_at = :now
    FROM (SELECT e.user_id, CAST(sum({sign} * e.amount) AS bigint) AS amount,
                 CAST(sum(CASE WHEN e.type = 'WITHDRAWAL' THEN {sign} * e.amount ELSE 0 END)
                      AS bigint) AS withdrawn,
                 CAST(sum(e.accrued) AS bigint) AS accrued, count(*) AS entries
          FROM {source} GROUP BY e.user_id) d
    WHERE w.bucket = :bucket AND w.user_id = d.user_id
    RETURNING w.user_id, d.amount, d.entries"""


def crediting(source: str) -> str:
    """The end of a statement that pays entries into wallets; `source` is a FROM item named `e`."""
    return f"""
    ledger AS ({_entering(source)}
    ), funds AS ({_funding(source)}
    ){_moving(source)}"""


def _given(columns: Mapping[str, str]) -> str:
    arrays = ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in columns.items())
    return (
        f"(SELECT m.bucket, d.*, 0 AS accrued FROM {ROUTED} unnest({arrays})"
        f" AS d ({', '.join(columns)}) WHERE {AT_BUCKET}) e"
    )


ENTER = sql(_entering(_given(_COLUMNS)))
_MOVED = {"user_id": "bigint", "amount": "bigint", "sign": "smallint", "type": "text"}
MOVE = sql(_moving(_given(_MOVED), "e.sign"))
_PART = {"user_id": "bigint", "funding": "text", "amount": "bigint", "type": "text"}
FUND = sql(_funding(_given(_PART)))
UNFUND = sql(f"""
    UPDATE wallet_funds f SET balance = f.balance - d.amount, earned = f.earned - d.earned
    FROM (SELECT e.user_id, e.funding, CAST(sum(e.amount) AS bigint) AS amount,
                 CAST(sum(CASE WHEN {_EARNED} THEN e.amount ELSE 0 END) AS bigint) AS earned
          FROM {_given(_PART)} GROUP BY e.user_id, e.funding) d
    WHERE f.bucket = :bucket AND f.user_id = d.user_id AND f.funding = d.funding
""")

HOLDINGS = sql("""
    SELECT user_id, funding, balance FROM wallet_funds
    WHERE bucket = :bucket AND user_id = ANY(CAST(:users AS bigint[]))
""")


async def post(
    connection: Connection, bucket: int, transfers: Collection[Transfer], now: datetime
) -> None:
    """Enter transfers in the ledger and move their coins, in a transaction that holds the bucket.

    Credits first. A reference that is there already raises a unique violation, more than a funding
    holds a check violation; nothing of the transaction may then be kept.
    """
    if not transfers:
        return
    entries = _entries(transfers)
    users = sorted({entry["user_id"] for entry in entries})
    paid_in = [entry for entry in entries if entry["sign"] > 0]
    paid_out = [entry for entry in entries if entry["sign"] < 0]
    await run(connection, ENTER, _columns(entries, _COLUMNS) | {"bucket": bucket})
    params = _columns(entries, _MOVED) | {"bucket": bucket, "now": now}
    moved = await run(connection, MOVE, params)
    assert moved == len(users), "a wallet that is not there"
    await fund(connection, bucket, paid_in)
    await unfund(connection, bucket, paid_out)


async def read_holdings(
    connection: Connection, bucket: int, users: Sequence[int]
) -> dict[int, dict[str, int]]:
    """What these users hold of each funding, settled coins only. Hold the bucket before."""
    held: dict[int, dict[str, int]] = {user: {} for user in users}
    for row in await rows(connection, HOLDINGS, {"bucket": bucket, "users": sorted(users)}):
        held[row.user_id][row.funding] = row.balance
    return held


async def fund(connection: Connection, bucket: int, parts: Sequence[Mapping[str, Any]]) -> None:
    """Bring what was credited into its fundings."""
    await _change(connection, FUND, bucket, parts)


async def unfund(connection: Connection, bucket: int, parts: Sequence[Mapping[str, Any]]) -> None:
    """Take what was debited from its fundings."""
    await _change(connection, UNFUND, bucket, parts)


async def _change(
    connection: Connection, statement: Statement, bucket: int, parts: Sequence[Mapping[str, Any]]
) -> None:
    if parts:
        changed = await run(connection, statement, _columns(parts, _PART) | {"bucket": bucket})
        wanted = len({(part["user_id"], part["funding"]) for part in parts})
        assert changed == wanted, "coins of a funding that is not held"


def _entries(transfers: Collection[Transfer]) -> list[dict[str, Any]]:
    """Rows of the ledger."""
    return [
        {
            "id": new_id(transfer.at),
            "user_id": transfer.user_id,
            "type": transfer.type,
            "from_account": str(transfer.source),
            "to_account": str(transfer.target),
            "amount": transfer.amount_micro,
            "sign": 1 if transfer.is_credit else -1,
            "reference": transfer.reference,
            "part": transfer.part,
            "funding": transfer.funding,
            "asset": transfer.asset,
            "description": transfer.description,
            "metadata": encode(transfer.metadata),
            "created_at": transfer.at,
        }
        for transfer in transfers
    ]


def _columns(items: Sequence[Mapping[str, Any]], types: Mapping[str, str]) -> dict[str, list[Any]]:
    return {name: [item[name] for item in items] for name in types}
