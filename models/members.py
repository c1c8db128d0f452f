"""Members' state for the rules: loaded in a few set queries, stored in a few set statements."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict

from engine.ads import AdView, Proof, ViewStatus
from engine.session import LogEntry, Member, Session, SessionStatus
from models.clock import new_id
from models.db import Connection, Statement, rows, run, sql
from models.encoding import encode

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

LOAD_VIEWS = sql("""
    SELECT id, user_id, session_id, ad_id, network, unit, min_seconds, proof, try_number, status,
           served_at, started_at, completed_at, confirmed_at, verified_at, failed_at, failure,
           event_id
    FROM ad_views
    WHERE bucket = :bucket AND (session_id = ANY(CAST(:sessions AS uuid[]))
                                OR id = ANY(CAST(:views AS uuid[])))
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
    "session_id": "uuid",
    "ad_id": "integer",
    "network": "text",
    "unit": "text",
    "min_seconds": "smallint",
    "proof": "text",
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
_ACTIVITY_TYPES = {
    "id": "uuid",
    "user_id": "bigint",
    "action": "text",
    "resource_type": "text",
    "resource_id": "uuid",
    "metadata": "jsonb",
    "user_agent": "text",
    "ip_address": "text",
    "created_at": "timestamptz",
}
_FRAUD_TYPES = {
    "id": "uuid",
    "user_id": "bigint",
    "event_type": "text",
    "severity": "text",
    "details": "jsonb",
    "ip_address": "text",
    "device_fingerprint": "text",
    "created_at": "timestamptz",
}


def _insert(table: str, types: Mapping[str, str], updated: Collection[str] = ()) -> Statement:
    """INSERT of whole columns as arrays: one statement for any number of rows."""
    # An array of jsonb would go through a text codec each way: cast the elements instead.
    arrays = ", ".join(
        f"CAST(:{name} AS {'text' if kind == 'jsonb' else kind}[])" for name, kind in types.items()
    )
    values = ", ".join(
        f"CAST(d.{name} AS jsonb)" if kind == "jsonb" else f"d.{name}"
        for name, kind in types.items()
    )
    conflict = ""
    if updated:
        sets = ", ".join(f"{name} = excluded.{name}" for name in updated)
        conflict = f"ON CONFLICT (bucket, id) DO UPDATE SET {sets}"
    return sql(
        f"INSERT INTO {table} (bucket, {', '.join(types)}) "
        f"SELECT :bucket, {values} FROM unnest({arrays}) AS d ({', '.join(types)}) {conflict}"
    )


STORE_SESSIONS = _insert(
    "mining_sessions",
    _SESSION_TYPES,
    updated=["status", "expires_at", "view_id", "started_at", "ends_at", "failed_at", "failure"],
)
STORE_VIEWS = _insert(
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
STORE_ACTIVITY = _insert("activity_logs", _ACTIVITY_TYPES)
STORE_FRAUD = _insert("fraud_logs", _FRAUD_TYPES)

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


class Evidence(Struct, frozen=True):
    """Where and when a log entry came from."""

    ip: str | None
    user_agent: str | None
    recorded_at: datetime


async def load_members(
    connection: Connection,
    bucket: int,
    user_ids: Collection[int],
    view_ids: Collection[UUID],
    since: datetime,
) -> dict[int, Member]:
    """Lock users and load what the rules need of them, as it stood at `since` or later."""
    users = sorted(set(user_ids))
    params: dict[str, Any] = {"bucket": bucket, "users": users}
    members = {
        row.id: Member(row.id, row.is_active, {}, {})
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
    params = {"bucket": bucket, "sessions": pending, "views": list(view_ids)}
    for row in await rows(connection, LOAD_VIEWS, params):
        view = AdView(**{**row, "status": ViewStatus(row.status), "proof": Proof(row.proof)})
        if view.user_id in members:
            members[view.user_id].views[view.id] = view
    return members


async def store_members(
    connection: Connection,
    bucket: int,
    sessions: Collection[Session],
    views: Collection[AdView],
    credits_micro: Mapping[int, int],
    now: datetime,
) -> None:
    """Write what the rules changed; `credits_micro` goes into the users' balances."""
    # Oldest first: a session given up makes room for its successor under the unique keys.
    for statement, types, items in (
        (STORE_SESSIONS, _SESSION_TYPES, sorted(map(asdict, sessions), key=itemgetter("id"))),
        (STORE_VIEWS, _VIEW_TYPES, sorted(map(asdict, views), key=itemgetter("id"))),
    ):
        await _store(connection, statement, bucket, items, types)
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


async def store_logs(
    connection: Connection, bucket: int, entries: Sequence[tuple[LogEntry, Evidence]]
) -> None:
    """Append to the activity log, and what has a severity to the fraud log as well."""
    activity = [_activity_row(entry, evidence) for entry, evidence in entries]
    await _store(connection, STORE_ACTIVITY, bucket, activity, _ACTIVITY_TYPES)
    fraud = [_fraud_row(entry, evidence) for entry, evidence in entries if entry.severity]
    await _store(connection, STORE_FRAUD, bucket, fraud, _FRAUD_TYPES)


def _activity_row(entry: LogEntry, evidence: Evidence) -> dict[str, Any]:
    return {
        "id": new_id(evidence.recorded_at),
        "user_id": entry.user_id,
        "action": entry.event,
        "resource_type": entry.resource_type,
        "resource_id": entry.resource_id,
        "metadata": encode(entry.details),
        "user_agent": evidence.user_agent,
        "ip_address": evidence.ip,
        "created_at": evidence.recorded_at,
    }


def _fraud_row(entry: LogEntry, evidence: Evidence) -> dict[str, Any]:
    return {
        "id": new_id(evidence.recorded_at),
        "user_id": entry.user_id,
        "event_type": entry.event,
        "severity": entry.severity,
        "details": encode(entry.details),
        "ip_address": evidence.ip,
        "device_fingerprint": None,
        "created_at": evidence.recorded_at,
    }


async def _store(
    connection: Connection,
    statement: Statement,
    bucket: int,
    items: Sequence[Mapping[str, Any]],
    types: Mapping[str, str],
) -> None:
    if not items:
        return
    columns = {name: [item[name] for item in items] for name in types}
    await run(connection, statement, {"bucket": bucket} | columns)
