"""What a worker of the release before wrote into the ledger: brought into the funds, once each.

While one release replaces the other, its rows are in the wallets but in no funding. Each gets its
parts, by which it is known to have been folded in (decision 52).
"""

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter

from engine.ledger.rights import Unposted, spread
from models.base import arrays
from models.base.buckets import buckets_with
from models.base.db import Connection, Database, connected, rows, sql, transaction
from models.intents.bucket import lock_bucket
from models.ledger.post import fund, read_holdings, unfund
from models.ledger.tables import entry_parts

FOLD_USERS_MAX = 500

_NOT_FOLDED = """NOT t.is_posted AND NOT EXISTS (
        SELECT FROM entry_parts p
        WHERE p.bucket = :bucket AND p.user_id = t.user_id AND p.entry_id = t.id)"""
BEHIND = sql(f"""
    SELECT t.user_id FROM transactions t
    WHERE t.bucket = :bucket AND {_NOT_FOLDED}
    GROUP BY t.user_id ORDER BY t.user_id LIMIT :limit
""")
UNPOSTED = sql(f"""
    SELECT t.id, t.user_id, t.type, t.funding, t.amount,
           t.to_account = 'wallet:' || t.user_id AS is_credit
    FROM transactions t
    WHERE t.bucket = :bucket AND t.user_id = ANY(CAST(:users AS bigint[])) AND {_NOT_FOLDED}
    ORDER BY t.user_id, t.created_at, t.id
""")
_PART_TYPES = arrays.types_of(entry_parts, ["entry_id", "user_id", "funding", "amount"])
KEEP_PARTS = arrays.insert("entry_parts", _PART_TYPES)


async def fold(connection: Connection, bucket: int, users: Sequence[int]) -> int:
    """Bring these users' rows of a held bucket into their funds. Return how many."""
    params = {"bucket": bucket, "users": sorted(users)}
    found = await rows(connection, UNPOSTED, params)
    if not found:
        return 0
    held = await read_holdings(connection, bucket, users)
    parts = []
    for user_id, of_user in groupby(found, attrgetter("user_id")):
        unposted = [Unposted(r.id, r.type, r.funding, r.amount, r.is_credit) for r in of_user]
        for entry, funding, amount in spread(unposted, held[user_id]):
            part = {"entry_id": entry.id, "user_id": user_id, "funding": funding, "amount": amount}
            parts.append(part | {"type": entry.type, "is_credit": entry.is_credit})
    await arrays.store(connection, KEEP_PARTS, bucket, parts, _PART_TYPES)
    await fund(connection, bucket, [part for part in parts if part["is_credit"]])
    await unfund(connection, bucket, [part for part in parts if not part["is_credit"]])
    return len(found)


async def fold_all(database: Database) -> int:
    """Bring whatever is not in the funds yet into them, each bucket held. Return how many rows."""
    folded = 0
    for bucket in await buckets_with(database, BEHIND, {"limit": 1}):
        users = None
        while users is None or len(users) == FOLD_USERS_MAX:
            params = {"bucket": bucket, "limit": FOLD_USERS_MAX}
            async with connected(database) as connection:
                users = [row.user_id for row in await rows(connection, BEHIND, params)]
            if users:
                async with transaction(database) as connection:
                    await lock_bucket(connection, bucket)
                    folded += await fold(connection, bucket, users)
    return folded
