"""Members' rows: locked for a batch, and the versions of their snapshots."""

from collections.abc import Collection

from engine.core.member import Member
from models.base.db import Connection, rows, sql

# Sorted, so that two transactions that share users lock them in the same order.
LOCK_USERS = sql("""
    SELECT id, is_active FROM users
    WHERE bucket = :bucket AND id = ANY(CAST(:users AS bigint[]))
    ORDER BY id FOR NO KEY UPDATE
""")

RAISE_VERSIONS = sql("""
    UPDATE users SET version = version + 1
    WHERE bucket = :bucket AND id = ANY(CAST(:users AS bigint[]))
    RETURNING id, version
""")


async def lock_members(
    connection: Connection, bucket: int, user_ids: Collection[int]
) -> dict[int, Member]:
    """Lock users. Return those that there are, without any parts."""
    params = {"bucket": bucket, "users": sorted(user_ids)}
    return {
        row.id: Member(row.id, row.is_active) for row in await rows(connection, LOCK_USERS, params)
    }


async def raise_versions(
    connection: Connection, bucket: int, user_ids: Collection[int]
) -> list[tuple[int, int]]:
    """Count a change of these users' snapshots. Return (user id, new version)."""
    if not user_ids:
        return []
    params = {"bucket": bucket, "users": sorted(user_ids)}
    return [(row.id, row.version) for row in await rows(connection, RAISE_VERSIONS, params)]
