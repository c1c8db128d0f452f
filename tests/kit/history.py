"""A member's rows as an older release wrote them: whatever columns a revision has."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from models.base.db import Connection, rows, sql
from tests.kit.words import START

NAMESPACE = UUID("6f6c6465-7200-4000-8000-000000000000")
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
DAY = START - timedelta(days=1)
MINED, BOOSTED, TASK = 100_000_000, 150_000_000, 2_000_000
SPENT = 10_000_000
VIDEO = "youtube:older"

COLUMNS = sql("""
    SELECT column_name AS name FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name = :table AND is_generated = 'NEVER'
""")


async def has(connection: Connection, table: str) -> bool:
    """Whether this revision knows the table."""
    return bool(await rows(connection, COLUMNS, {"table": table}))


async def insert(connection: Connection, table: str, **values: Any) -> None:
    """Insert a row of those values that the revision has columns for."""
    existing = {row.name for row in await rows(connection, COLUMNS, {"table": table})}
    kept = {name: value for name, value in values.items() if name in existing}
    names = ", ".join(kept)
    await connection.execute(
        f"INSERT INTO {table} ({names})"
        f" SELECT {names} FROM jsonb_populate_record(CAST(NULL AS {table}), $1)",
        json.dumps(kept, default=str),
    )


async def insert_shared(connection: Connection) -> None:
    """What every member's rows refer to, once."""
    await insert(
        connection,
        "ads",
        **{"id": 1, "network": "house", "unit": "house-older", "type": "REWARDED", "weight": 1},
        **{"min_seconds": 60, "proof": "BOTH", "revenue_micro_usd": 2_000, "is_active": True},
    )


async def insert_member(connection: Connection, user_id: int) -> None:
    """Somebody who has mined, and is mining; where the revision can, with a boost and a task."""
    owner = {"bucket": user_id % 64, "user_id": user_id}
    earns_more = await has(connection, "boosts")
    settled = MINED + (BOOSTED + TASK if earns_more else 0)
    email = f"older{user_id}@example.com"
    await insert(
        connection,
        "users",
        **{"bucket": user_id % 64, "id": user_id, "group_number": 1, "email": email},
        **{"password_hash": "x", "is_active": True, "version": 1, "created_at": DAY},
        **{"verified_at": DAY, "language": "en", "role": "user", "tracking_opt_out": False},
    )
    await insert(
        connection, "identities", kind="email", value=email, user_id=user_id, created_at=DAY
    )
    spent = SPENT if await has(connection, "spent_days") else 0
    settled -= spent
    money = {"balance": settled + MINED // 2, "settled_balance": settled}
    money |= {"total_withdrawn": spent}
    await insert(connection, "wallets", **owner, **money, updated_at=DAY)
    await insert(connection, "group_sizes", **owner, group_number=1, member_count=1)
    through = DAY + 22 * HOUR
    await insert(connection, "credit_watermarks", **owner, group_number=1, credited_through=through)
    await insert(
        connection,
        "refresh_tokens",
        **owner,
        **{"token_hash": f"\\x{user_id:064x}", "family_id": _id(user_id, "sign-in")},
        **{"created_at": DAY, "expires_at": START + timedelta(days=7)},
    )
    await _insert_session(connection, user_id, "first", 0, settled_at=DAY + 5 * HOUR)
    await _insert_session(connection, user_id, "second", 20, settled_at=None)
    await _pay(connection, user_id, "MINING", f"mining:{_id(user_id, 'first')}", MINED)
    if spent:
        leaving = {"from_account": f"wallet:{user_id}", "to_account": "outside"}
        await _pay(connection, user_id, "WITHDRAWAL", f"order:{user_id}", spent, **leaving)
        await insert(connection, "spent_days", **owner, day=DAY.date(), amount_micro=spent)
    await insert(
        connection,
        "notifications",
        **owner,
        **{"id": _id(user_id, "first"), "kind": "mining.completed", "params": {}},
        **{"created_at": DAY + 5 * HOUR, "push_attempts": 0},
    )
    for table in ("activity_logs", "fraud_logs"):
        await insert(
            connection,
            table,
            **owner,
            **{"id": _id(user_id, table), "action": "MINING_START", "event_type": "OLDER"},
            **{"resource_type": "session", "resource_id": _id(user_id, "first"), "metadata": {}},
            **{"severity": "LOW", "details": {}, "created_at": DAY},
        )
    await _insert_claims(connection, user_id)
    if earns_more:
        await _insert_boost_and_task(connection, user_id)


async def _insert_claims(connection: Connection, user_id: int) -> None:
    """What is kept beside the address: its mailbox, a change of it, and somebody's ban."""
    if await has(connection, "mailboxes"):
        await insert(
            connection, "mailboxes", value=f"older{user_id}", user_id=user_id, claimed_at=DAY
        )
    if await has(connection, "bans"):
        await insert(
            connection,
            "bans",
            **{"value": f"mailbox:older{user_id}", "user_id": user_id, "level": 1},
            **{"raised_at": DAY, "expires_at": START + timedelta(days=1)},
        )
    if await has(connection, "contact_changes"):
        await insert(
            connection,
            "contact_changes",
            **{"bucket": user_id % 64, "user_id": user_id, "id": _id(user_id, "contact")},
            **{"kind": "phone", "status": "REQUESTED", "new_phone": "+4915112345678"},
            **{"old_email": f"older{user_id}@example.com", "requested_at": DAY},
        )


async def _insert_session(
    connection: Connection, user_id: int, name: str, hour: int, *, settled_at: Any
) -> None:
    owner = {"bucket": user_id % 64, "user_id": user_id}
    opens = DAY + hour * HOUR
    started = opens + 61 * SECOND if settled_at else opens
    view_id = _id(user_id, f"view of {name}")
    await insert(
        connection,
        "mining_sessions",
        **owner,
        **{"id": _id(user_id, name), "group_number": 1, "reward_micro": MINED, "view_id": view_id},
        **{"status": "COMPLETED" if settled_at else "ACTIVE", "requested_at": opens},
        **{"window_opens_at": opens, "started_at": started, "ends_at": started + 4 * HOUR},
        settled_at=settled_at,
    )
    verified = min(started, opens + 61 * SECOND)
    await insert(
        connection,
        "ad_views",
        **owner,
        **{"id": view_id, "session_id": _id(user_id, name), "ad_id": 1, "network": "house"},
        **{"unit": "house-older", "min_seconds": 60, "proof": "BOTH", "try_number": 1},
        **{"status": "VERIFIED", "served_at": verified - 61 * SECOND, "verified_at": verified},
        **{"started_at": verified - 60 * SECOND, "completed_at": verified},
        **{"confirmed_at": verified, "event_id": str(view_id)},
        **{"purpose": "MINING", "revenue_micro_usd": 2_000},
    )
    await insert(
        connection,
        "intents",
        **owner,
        **{"id": _id(user_id, name), "group_number": 1, "kind": "mining.start", "key": name},
        **{"origin": f"user:{user_id}", "body_hash": "\\x00", "evidence": {}, "attempts": 0},
        **{"payload": {"kind": "mining.start"}, "recorded_at": opens, "due_at": opens},
        **{"ring_at": opens, "status": "APPLIED", "applied_at": opens},
        outcome={"status": "APPLIED", "result": {}},
    )


async def _insert_boost_and_task(connection: Connection, user_id: int) -> None:
    owner = {"bucket": user_id % 64, "user_id": user_id}
    boost_id, began = _id(user_id, "boost"), DAY + 1 * HOUR
    await insert(
        connection,
        "boosts",
        **owner,
        **{"id": boost_id, "session_id": _id(user_id, "first"), "video_id": VIDEO},
        **{"question_key": "older", "day": DAY.date(), "status": "PAID", "duration_seconds": 60},
        **{"reward_micro": BOOSTED, "slot": 1, "answer": 0, "is_correct": True},
        **{"started_at": began, "watched_at": began + 60 * SECOND},
        **{"asked_at": began + 70 * SECOND, "answered_at": began + 80 * SECOND},
    )
    await _pay(connection, user_id, "BOOST", f"boost:{boost_id}", BOOSTED)
    await insert(
        connection,
        "daily_tasks",
        **owner,
        **{"day": DAY.date(), "number": 1, "task_type_id": 1, "category": "CONTENT"},
        **{"reward_micro": TASK, "status": "CLAIMED", "attempt": 1, "started_at": began},
        claimed_at=began + 20 * SECOND,
    )
    await _pay(connection, user_id, "TASK", f"task:{user_id}:{DAY.date()}:1", TASK)


async def insert_video(connection: Connection) -> None:
    """The video of the boosts."""
    provider, provider_id = VIDEO.split(":")
    await insert(
        connection,
        "videos",
        **{"id": VIDEO, "provider": provider, "provider_id": provider_id, "title": "Older"},
        **{"channel": "Older", "country": "EG", "category": "NATURE", "boost_percent": 150},
        **{"regions": {}, "is_active": False, "inactive_because": "older"},
    )


async def _pay(
    connection: Connection, user_id: int, kind: str, reference: str, amount: int, **accounts: str
) -> None:
    paid = {"from_account": f"emission:{kind.lower()}", "to_account": f"wallet:{user_id}"}
    await insert(
        connection,
        "transactions",
        **{"bucket": user_id % 64, "user_id": user_id, "id": _id(user_id, reference)},
        **(paid | accounts | {"type": kind, "funding": "house"}),
        **{"amount": amount, "reference": reference},
        **{"description": kind, "metadata": {"day": str(DAY.date())}, "created_at": DAY + 5 * HOUR},
    )


async def insert_owner(connection: Connection, user_id: int, settled: int) -> None:
    """Somebody with a wallet, and nothing else."""
    owner = {"bucket": user_id % 64, "user_id": user_id}
    await insert(
        connection,
        "users",
        **{"bucket": user_id % 64, "id": user_id, "group_number": 1, "email": f"o{user_id}@o.com"},
        **{"password_hash": "x", "is_active": True, "version": 1, "created_at": DAY},
        **{"language": "en", "role": "user", "tracking_opt_out": False},
    )
    money = {"balance": settled, "settled_balance": settled, "total_withdrawn": 0}
    await insert(connection, "wallets", **owner, **money, updated_at=DAY)


async def insert_ledger(
    connection: Connection, user_id: int, *entries: tuple[str, int, str]
) -> None:
    """Rows of a ledger, a minute after each other: type, amount (out of the wallet: less than
    nothing), funding."""
    for number, (kind, signed, funding) in enumerate(entries):
        by_hand = kind == "ADJUSTMENT"
        other = "treasury:adjustment" if by_hand else "emission:older" if signed > 0 else "outside"
        accounts = [other, f"wallet:{user_id}"]
        source, target = accounts if signed > 0 else accounts[::-1]
        await insert(
            connection,
            "transactions",
            **{"bucket": user_id % 64, "user_id": user_id, "id": _id(user_id, str(number))},
            **{"type": kind, "from_account": source, "to_account": target, "amount": abs(signed)},
            **{"reference": f"{user_id}:{number}", "funding": funding, "description": kind},
            **{"metadata": {}, "created_at": DAY + number * SECOND * 60},
        )


def _id(user_id: int, name: str) -> UUID:
    return uuid5(NAMESPACE, f"{user_id} {name}")


async def insert_grant(
    connection: Connection, user_id: int, actor_id: int | None, *, is_logged: bool
) -> None:
    """Make a member superadmin, as the trail tells it."""
    where = {"b": user_id % 64, "u": user_id}
    promote = sql("UPDATE users SET role = 'superadmin' WHERE bucket = :b AND id = :u RETURNING id")
    await rows(connection, promote, where)
    if is_logged:
        await insert(
            connection,
            "admin_log",
            **{"bucket": user_id % 64, "id": _id(user_id, "grant"), "actor_id": actor_id},
            **{"actor_role": "superadmin", "action": "user.role", "subject_kind": "user"},
            **{"subject_id": str(user_id), "before": {"role": "user"}, "reason": "test"},
            **{"after": {"role": "superadmin"}, "created_at": DAY},
        )
