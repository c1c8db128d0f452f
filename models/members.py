"""Members' state for the rules: loaded in a few set queries, stored in a few set statements."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

from msgspec.structs import asdict

from engine.ads import AdView, Proof, Purpose, ViewStatus
from engine.decision import Member
from engine.session import Session, SessionStatus
from models import arrays
from models.db import Connection, Row, rows, run, sql

# Sorted, so that two transactions that share users lock them in the same order.
LOCK_USERS = sql("""
    SELECT id, is_active FROM users
    WHERE bucket = :bucket AND id = ANY(CAST(:users AS bigint[]))
    ORDER BY id FOR NO KEY UPDATE
""")

# What was live at the time of the oldest intent, so that a late retry gives the same answer.
LOAD_SESSIONS = sql("""
    SELECT id, user_id, group_number, status, reward_micro, requested_at, window_opens_at,
           expires_at, view_id, started_at, ends_at, failed_at, failure
    FROM mining_sessions
    WHERE bucket = :bucket AND user_id = ANY(CAST(:users AS bigint[]))
      AND (status = 'PENDING' OR ends_at > :since
           OR (status <> 'FAILED' AND requested_at > :since - interval '4 hours'))
""")

_VIEW_COLUMNS = """id, user_id, purpose, session_id, task_day, task_number, ad_id, network, unit,
           min_seconds, proof, revenue_micro_usd, try_number, status, served_at, started_at,
           completed_at, confirmed_at, verified_at, failed_at, failure, event_id"""
LOAD_VIEWS = sql(f"""
    SELECT {_VIEW_COLUMNS} FROM ad_views
    WHERE bucket = :bucket AND (session_id = ANY(CAST(:sessions AS uuid[]))
                                OR id = ANY(CAST(:views AS uuid[])))
""")
LOAD_RECENT_VIEWS = sql(f"""
    SELECT {_VIEW_COLUMNS} FROM ad_views
    WHERE bucket = :bucket AND user_id = ANY(CAST(:users AS bigint[])) AND served_at > :since
""")

_SESSION_TYPES = {
    "id": "uuid",
    "user_id": "bigint",
    "group_number": "smallint",
    "status": "text",
    "reward_micro": "bigint",
    "requested_at": "timestamptz",
    "window_opens_at": "timestamptz",
    "expires_at": "timestamptz",
    "view_id": "uuid",
    "started_at": "timestamptz",
    "ends_at": "timestamptz",
    "failed_at": "timestamptz",
    "failure": "text",
}
_VIEW_TYPES = {
    "id": "uuid",
    "user_id": "bigint",
    "purpose": "text",
    "session_id": "uuid",
    "task_day": "date",
    "task_number": "smallint",
    "ad_id": "integer",
    "network": "text",
    "unit": "text",
    "min_seconds": "smallint",
    "proof": "text",
    "revenue_micro_usd": "bigint",
    "try_number": "smallint",
    "status": "text",
    "served_at": "timestamptz",
    "started_at": "timestamptz",
    "completed_at": "timestamptz",
    "confirmed_at": "timestamptz",
    "verified_at": "timestamptz",
    "failed_at": "timestamptz",
    "failure": "text",
    "event_id": "text",
}
STORE_SESSIONS = arrays.insert(
    "mining_sessions",
    _SESSION_TYPES,
    updated=["status", "expires_at", "view_id", "started_at", "ends_at", "failed_at", "failure"],
)
STORE_VIEWS = arrays.insert(
    "ad_views",
    _VIEW_TYPES,
    updated=[
        "status",
        "started_at",
        "completed_at",
        "confirmed_at",
        "verified_at",
        "failed_at",
        "failure",
        "event_id",
    ],
)

ADD_TO_WALLETS = sql("""
    UPDATE wallets w SET balance = w.balance + d.amount, updated_at = :now
    FROM unnest(CAST(:users AS bigint[]), CAST(:amounts AS bigint[])) AS d (user_id, amount)
    WHERE w.bucket = :bucket AND w.user_id = d.user_id
""")

RAISE_VERSIONS = sql("""
    UPDATE users SET version = version + 1
    WHERE bucket = :bucket AND id = ANY(CAST(:users AS bigint[]))
    RETURNING id, version
""")


async def load_members(
    connection: Connection,
    bucket: int,
    user_ids: Collection[int],
    view_ids: Collection[UUID],
    since: datetime,
) -> dict[int, Member]:
    """Lock users and load their sessions and ads, as they stood at `since` or later."""
    users = sorted(set(user_ids))
    params: dict[str, Any] = {"bucket": bucket, "users": users}
    members = {
        row.id: Member(row.id, row.is_active, {}, {}, {}, {})
        for row in await rows(connection, LOCK_USERS, params)
    }
    for row in await rows(connection, LOAD_SESSIONS, params | {"since": since}):
        session = Session(**{**row, "status": SessionStatus(row.status)})
        members[session.user_id].sessions[session.id] = session
    pending = [
        session.id
        for member in members.values()
        for session in member.sessions.values()
        if session.status is SessionStatus.PENDING
    ]
    await load_views(connection, bucket, members, pending, view_ids)
    return members


async def load_views(
    connection: Connection,
    bucket: int,
    members: Mapping[int, Member],
    session_ids: Collection[UUID],
    view_ids: Collection[UUID],
) -> None:
    """Load ads by their session or by themselves. What is nobody's of `members` is left out."""
    if not session_ids and not view_ids:
        return
    params = {"bucket": bucket, "sessions": list(session_ids), "views": list(view_ids)}
    _add_views(members, await rows(connection, LOAD_VIEWS, params))


async def load_recent_views(
    connection: Connection,
    bucket: int,
    members: Mapping[int, Member],
    user_ids: Collection[int],
    since: datetime,
) -> None:
    """Load the ads that these users were served since then."""
    params = {"bucket": bucket, "users": sorted(user_ids), "since": since}
    _add_views(members, await rows(connection, LOAD_RECENT_VIEWS, params))


def _add_views(members: Mapping[int, Member], found: Sequence[Row]) -> None:
    for row in found:
        known = {
            "status": ViewStatus(row.status),
            "proof": Proof(row.proof),
            "purpose": Purpose(row.purpose),
        }
        view = AdView(**{**row, **known})
        if view.user_id in members:
            members[view.user_id].views[view.id] = view


async def store_members(
    connection: Connection,
    bucket: int,
    sessions: Collection[Session],
    views: Collection[AdView],
    credits_micro: Mapping[int, int],
    now: datetime,
) -> None:
    """Write what the rules changed; `credits_micro` goes into the users' balances."""
    # What is given up first: it makes room for its successor under the unique keys.
    ordered = sorted(sessions, key=lambda s: (s.status is not SessionStatus.FAILED, s.id))
    items = [asdict(session) for session in ordered]
    await arrays.store(connection, STORE_SESSIONS, bucket, items, _SESSION_TYPES)
    items = sorted(map(asdict, views), key=itemgetter("id"))
    await arrays.store(connection, STORE_VIEWS, bucket, items, _VIEW_TYPES)
    if credits_micro:
        users, amounts = zip(*sorted(credits_micro.items()), strict=True)
        params = {"bucket": bucket, "users": users, "amounts": amounts, "now": now}
        await run(connection, ADD_TO_WALLETS, params)


async def raise_versions(
    connection: Connection, bucket: int, user_ids: Collection[int]
) -> list[tuple[int, int]]:
    """Count a change of these users' snapshots. Return (user id, new version)."""
    if not user_ids:
        return []
    params = {"bucket": bucket, "users": sorted(user_ids)}
    return [(row.id, row.version) for row in await rows(connection, RAISE_VERSIONS, params)]
