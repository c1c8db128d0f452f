"""The funds of every wallet, from the rows of the ledger that the revision before found.

None of them changes any more, so nothing is locked while the release before goes on: what its
workers write meanwhile is not among them, and is folded in later.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

# The most restricted first; networks come between, by name.
_GOOGLE, _OWN = ("admob", "google"), ("content", "house", "promotion")
# Corrections by hand and spendings of before name none. The index of what moves by hand finds them.
_UNNAMED = "t.type IN ('WITHDRAWAL', 'ADJUSTMENT') AND t.funding IN ('adjustment', 'wallet')"
_CREDITS = "t.to_account = 'wallet:' || t.user_id"

# All rows of whoever has one without a funding, in their order.
_HISTORIES = f"""
    SELECT t.id, t.user_id, t.funding, t.amount, {_CREDITS} AS is_credit, {_UNNAMED} AS is_unnamed
    FROM transactions t
    WHERE t.bucket = :bucket AND t.is_posted AND t.user_id = ANY(ARRAY(
        SELECT t.user_id FROM transactions t
        WHERE t.bucket = :bucket AND t.is_posted AND {_UNNAMED}))
    ORDER BY t.user_id, t.created_at, t.id
"""
_KEEP_PART = """
    INSERT INTO entry_parts (bucket, entry_id, user_id, funding, amount)
    VALUES (:bucket, :entry_id, :user_id, :funding, :amount)
"""
_FILL = f"""
    INSERT INTO wallet_funds (bucket, user_id, funding, balance, earned)
    SELECT e.bucket, e.user_id, e.funding, CAST(sum(e.signed) AS bigint),
           CAST(sum(CASE WHEN e.type = 'WITHDRAWAL' THEN 0 ELSE e.signed END) AS bigint)
    FROM (
        SELECT t.bucket, t.user_id, t.type, COALESCE(p.funding, t.funding) AS funding,
               CASE WHEN {_CREDITS} THEN COALESCE(p.amount, t.amount)
                    ELSE -COALESCE(p.amount, t.amount) END AS signed
        FROM transactions t
        LEFT JOIN entry_parts p
          ON p.bucket = t.bucket AND p.user_id = t.user_id AND p.entry_id = t.id
        WHERE t.bucket = :bucket AND t.is_posted) e
    GROUP BY e.bucket, e.user_id, e.funding
"""


def upgrade() -> None:
    """Bucket by bucket: first what stands for rows without a funding, then the sums."""
    connection = op.get_bind()
    for bucket in range(64):
        found = connection.execute(sa.text(_HISTORIES), {"bucket": bucket})
        parts = [
            {"bucket": bucket, "entry_id": entry, "user_id": user, "funding": of, "amount": amount}
            for (entry, user, of), amount in _parts(found).items()
        ]
        if parts:
            connection.execute(sa.text(_KEEP_PART), parts)
        connection.execute(sa.text(_FILL), {"bucket": bucket})


def _parts(rows: Iterable[Any]) -> Counter[tuple[Any, int, str]]:
    """Corrections that credit are `promotion`; what was taken took the most restricted first.

    What a debit did not find, since clocks differ, it takes from what came next.
    """
    parts: Counter[tuple[Any, int, str]] = Counter()
    held: dict[int, Counter[str]] = defaultdict(Counter)
    owing: dict[int, list[list[Any]]] = defaultdict(list)
    for row in rows:
        if not row.is_unnamed:
            held[row.user_id][row.funding] += row.amount if row.is_credit else -row.amount
        elif row.is_credit:
            held[row.user_id]["promotion"] += row.amount
            parts[row.id, row.user_id, "promotion"] += row.amount
        else:
            owing[row.user_id].append([row.id, row.amount])
        for debt in owing[row.user_id]:
            for funding in sorted(held[row.user_id], key=_restriction):
                if (taken := min(debt[1], held[row.user_id][funding])) > 0:
                    held[row.user_id][funding] -= taken
                    debt[1] -= taken
                    parts[debt[0], row.user_id, funding] += taken
        owing[row.user_id] = [debt for debt in owing[row.user_id] if debt[1]]
    assert not any(owing.values()), "a ledger takes more than there was"
    return parts


def _restriction(funding: str) -> tuple[bool, bool, str]:
    return funding in _OWN, not funding.startswith(_GOOGLE), funding
