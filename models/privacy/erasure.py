"""Closing accounts and forgetting people (GDPR, article 17; decision 0025).

Closing is one transaction, with the answer to the request: nobody can sign in or act any more.
Forgetting comes after it, step by step; each step may be repeated, and a row says what is left.
The ledger and what it pays for stay under the bare user id, which then leads to nobody: every sum
is what it was.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import Table

from engine.core.timeline import BUCKET_COUNT, bucket_of
from models.accounts.bans import INACTIVE, remember_held
from models.admin.staff import leave_staff
from models.base import columns
from models.base.arrays import AT_BUCKET, ROUTED
from models.base.buckets import buckets_with
from models.base.db import Database, Statement, connected, rows, run, sql, transaction
from models.base.partitions import relations
from models.intents.members import raise_versions
from models.intents.record import own_origins
from models.mining.snapshots import SnapshotCopies
from models.privacy.export import owner_column, personal_tables

ERASE_USERS_MAX = 500
# A suspended account is closed when that is over; but whoever asks to be forgotten is so within a
# month (GDPR, article 12).
CLOSING_WAITS_MAX = timedelta(days=28)
# What was recorded before is applied by then, with its evidence.
ERASE_AFTER = timedelta(hours=1)

# One that was switched off is banned for as long as anything of it could still be kept.
CLOSE = sql("""
    UPDATE users SET is_active = false, closed_at = :now,
        hold = CASE WHEN is_active THEN hold ELSE 'SUSPENDED' END,
        hold_until = CASE WHEN is_active THEN hold_until
                          ELSE CAST(:banned_until AS timestamptz) END
    WHERE bucket = :bucket AND id = ANY(CAST(:users AS bigint[])) AND closed_at IS NULL
      AND (CAST(:before AS timestamptz) IS NULL OR COALESCE(last_login_at, created_at) < :before)
    RETURNING id
""")

REQUEST_ERASURE = sql(f"""
    INSERT INTO erasures (bucket, user_id, reason, requested_at)
    SELECT m.bucket, d.user_id, :reason, CAST(:now AS timestamptz)
    FROM {ROUTED} unnest(CAST(:users AS bigint[])) AS d (user_id)
    WHERE {AT_BUCKET}
    ON CONFLICT (bucket, user_id) DO NOTHING
""")

END_SIGN_INS = sql("""
    DELETE FROM refresh_tokens
    WHERE bucket = :bucket AND user_id = ANY(CAST(:users AS bigint[]))
""")

# By the index on created_at: whoever came later cannot have been away for so long. Those who came
# before and are here still are passed over one by one: never asked of all buckets at once.
INACTIVE_USERS = sql("""
    SELECT id FROM users
    WHERE bucket = :bucket AND created_at < :before AND closed_at IS NULL
      AND COALESCE(last_login_at, created_at) < :before
    ORDER BY created_at LIMIT :limit
""")

DUE = sql("""
    SELECT user_id FROM erasures
    WHERE bucket = :bucket AND erased_at IS NULL AND requested_at <= :before
    ORDER BY requested_at LIMIT :limit
""")

FREE_FINGERPRINTS = sql("DELETE FROM fingerprints WHERE user_id = ANY(CAST(:users AS bigint[]))")
FREE_IDENTITIES = sql("DELETE FROM identities WHERE user_id = ANY(CAST(:users AS bigint[]))")
FREE_MAILBOXES = sql("DELETE FROM mailboxes WHERE user_id = ANY(CAST(:users AS bigint[]))")

DEVICES_OF = sql("""
    SELECT id, user_id FROM devices
    WHERE bucket = :bucket AND user_id = ANY(CAST(:users AS bigint[]))
""")

FREE_DEVICES = sql("""
    DELETE FROM device_owners o
    USING unnest(CAST(:ids AS bytea[]), CAST(:owners AS bigint[])) AS d (id, user_id)
    WHERE o.id = d.id AND o.user_id = d.user_id
""")

ERASED = sql("""
    UPDATE erasures SET erased_at = :now
    WHERE bucket = :bucket AND user_id = ANY(CAST(:users AS bigint[])) AND erased_at IS NULL
""")


async def close_account(
    database: Database, copies: SnapshotCopies, user_id: int, now: datetime
) -> None:
    """Close an account for good, and record that its person is to be forgotten."""
    bucket = bucket_of(user_id)
    await _close(database, copies, bucket, [user_id], "REQUESTED", now, None)


async def close_inactive(database: Database, copies: SnapshotCopies, now: datetime) -> int:
    """Close the accounts that nobody has signed in to for two years. Return how many."""
    closed = 0
    for bucket in range(BUCKET_COUNT):
        params = {"bucket": bucket, "before": now - INACTIVE, "limit": ERASE_USERS_MAX}
        async with connected(database) as connection:
            away = [row.id for row in await rows(connection, INACTIVE_USERS, params)]
        closed += await _close(database, copies, bucket, away, "INACTIVE", now, now - INACTIVE)
    return closed


async def erase_due(database: Database, now: datetime) -> int:
    """Forget the people whose accounts were closed an hour ago or earlier. Return how many."""
    erased = 0
    closed_by = {"before": now - ERASE_AFTER, "limit": ERASE_USERS_MAX}
    for bucket in await buckets_with(database, DUE, closed_by):
        params = closed_by | {"bucket": bucket}
        async with connected(database) as connection:
            users = [row.user_id for row in await rows(connection, DUE, params)]
        if users:
            await remember_held(database, bucket, users, now)
            await _free(database, bucket, users)
            await _scrub(database, bucket, users, now)
            erased += len(users)
    return erased


async def _close(
    database: Database,
    copies: SnapshotCopies,
    bucket: int,
    users: Sequence[int],
    reason: str,
    now: datetime,
    before: datetime | None,
) -> int:
    """Close accounts; with `before`, only those that nobody has signed in to since."""
    if not users:
        return 0
    params = {"bucket": bucket, "users": sorted(users), "reason": reason, "now": now}
    params["banned_until"] = now + INACTIVE
    async with transaction(database) as connection:
        closed = [row.id for row in await rows(connection, CLOSE, params | {"before": before})]
        params["users"] = closed
        await run(connection, REQUEST_ERASURE, params)
        await run(connection, END_SIGN_INS, params)
        await leave_staff(connection, closed)
        versions = await raise_versions(connection, bucket, closed)
        await copies.mark_changing(versions)
    await copies.refresh(database, bucket, closed)
    return len(closed)


async def _free(database: Database, bucket: int, users: Sequence[int]) -> None:
    """Give up what is unique over all users: addresses, and phones."""
    params = {"bucket": bucket, "users": users}
    async with connected(database) as connection:
        devices = await rows(connection, DEVICES_OF, params)
    async with transaction(database) as connection:
        await run(connection, FREE_IDENTITIES, params)
        await run(connection, FREE_MAILBOXES, params)
        await run(connection, FREE_FINGERPRINTS, params)
        if devices:
            owned = {"ids": [d.id for d in devices], "owners": [d.user_id for d in devices]}
            await run(connection, FREE_DEVICES, owned)


async def _scrub(database: Database, bucket: int, users: Sequence[int], now: datetime) -> None:
    """Remove what tells who these users were, and note that it is done: one transaction."""
    params = {
        "bucket": bucket,
        "users": users,
        "origins": [origin for user in users for origin in own_origins(user)],
        "now": now,
    }
    async with transaction(database) as connection:
        for table in personal_tables():
            for relation, day in await relations(connection, table.name):
                statement = _erasing(table, relation, day)
                if statement is not None:
                    await run(connection, statement, params | {"day": day})
        await run(connection, ERASED, params)


def _erasing(table: Table, relation: str, day: date | None) -> Statement | None:
    owned = f"bucket = :bucket AND {owner_column(table)} = ANY(CAST(:users AS bigint[]))"
    if table.name == "intents":
        owned += " AND origin = ANY(CAST(:origins AS text[]))"
    if day is not None:
        owned += " AND day = :day"
    match table.info["erasure"]:
        case columns.KEPT:
            return None
        case columns.DELETED:
            return sql(f"DELETE FROM {relation} WHERE {owned}")
        case assignments:
            return sql(f"UPDATE {relation} SET {assignments} WHERE {owned}")
