"""What operators read of one user: every look is kept in the trail, in the look's transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from engine.core.timeline import bucket_of
from models.accounts.claims import FIND_IDENTITY
from models.accounts.sign_ins import LIVE_SIGN_INS
from models.accounts.tables import users
from models.base.columns import sealed_columns
from models.base.db import Database, Row, Statement, rows, sql, transaction
from models.base.pages import FIRST_PAGE, Cursor
from models.base.trail import Actor, Entry, log_action
from models.fraud.fingerprints import REMEMBERED
from models.ledger.history import SESSIONS, TRANSACTIONS
from runtime.pii import Keyring, open_fields

FINGERPRINTS_MAX = 20

USER = sql("""
    SELECT u.id, u.role, u.is_active, u.group_number, u.created_at, u.last_login_at, u.email,
           u.phone, u.display_name, u.country, u.language, u.verified_at, u.closed_at, u.hold,
           u.hold_until, COALESCE(t.level, 0) AS level, w.balance, w.settled_balance,
           (SELECT COALESCE(CAST(sum(f.earned) AS bigint), 0) FROM wallet_funds f
            WHERE f.bucket = :bucket AND f.user_id = :user_id)
           + w.balance - w.settled_balance AS total_earned, w.total_withdrawn
    FROM users u JOIN wallets w ON w.bucket = u.bucket AND w.user_id = u.id
    LEFT JOIN fraud_trails t ON t.bucket = u.bucket AND t.user_id = u.id
    WHERE u.bucket = :bucket AND u.id = :user_id
""")
PHONES = sql("""
    SELECT platform, language, seen_at FROM devices
    WHERE bucket = :bucket AND user_id = :user_id ORDER BY seen_at DESC, id
""")
# Of each browser or phone: how many accounts it has been seen with.
FINGERPRINTS = sql("""
    SELECT encode(f.fingerprint, 'hex') AS fingerprint, f.seen_at,
           (SELECT count(*) FROM fingerprints o
            WHERE o.fingerprint = f.fingerprint AND o.seen_at > :since) AS account_count
    FROM fingerprints f WHERE f.user_id = :user_id AND f.seen_at > :since
    ORDER BY f.seen_at DESC, f.fingerprint LIMIT :limit
""")
ACTIVITY = sql("""
    SELECT id, action, resource_type, resource_id, metadata, ip_address, user_agent, created_at
    FROM activity_logs
    WHERE bucket = :bucket AND user_id = :user_id
      AND (created_at, id) < (CAST(:before_at AS timestamptz), CAST(:before_id AS uuid))
    ORDER BY created_at DESC, id DESC LIMIT :limit
""")
# What each page is called in the trail.
PAGES = {"ledger": TRANSACTIONS, "sessions": SESSIONS, "activity": ACTIVITY}


class Devices(Struct, frozen=True):
    """Where a user is signed in, which phones are told, which devices were recognised."""

    sign_ins: Sequence[Row]
    phones: Sequence[Row]
    fingerprints: Sequence[Row]


async def find_user(
    database: Database, keyring: Keyring, actor: Actor, kind: str, value: str, now: datetime
) -> int | None:
    """Whose e-mail address or phone number this is. The address itself is not kept in the trail."""
    params = {"kind": kind, "value": keyring.index(kind, value)}
    async with transaction(database) as connection:
        found = await rows(connection, FIND_IDENTITY, params)
        if not found:
            return None
        user_id: int = found[0].user_id
        action = Entry("user.find", "user", str(user_id), after={"by": kind})
        await log_action(connection, actor, action, now)
    return user_id


async def view_user(
    database: Database, keyring: Keyring, actor: Actor, user_id: int, now: datetime
) -> dict[str, Any] | None:
    """A user with wallet and alert level, addresses and name in the clear; or None."""
    found = await _look(database, USER, actor, "user.view", user_id, {}, now)
    if not found:
        return None
    return open_fields(keyring, user_id, dict(found[0]), sealed_columns(users))


async def view_devices(database: Database, actor: Actor, user_id: int, now: datetime) -> Devices:
    """The devices of a user."""
    params = {"bucket": bucket_of(user_id), "user_id": user_id, "now": now}
    params |= {"since": now - REMEMBERED, "limit": FINGERPRINTS_MAX}
    async with transaction(database) as connection:
        devices = Devices(
            await rows(connection, LIVE_SIGN_INS, params),
            await rows(connection, PHONES, params),
            await rows(connection, FINGERPRINTS, params),
        )
        await log_action(connection, actor, Entry("user.devices", "user", str(user_id)), now)
    return devices


async def view_page(
    database: Database,
    actor: Actor,
    name: str,
    user_id: int,
    before: Cursor | None,
    limit: int,
    now: datetime,
) -> Sequence[Row]:
    """A page of a user's ledger, sessions or activity, newest first."""
    before = before or FIRST_PAGE
    params = {"before_at": before.at, "before_id": before.id, "limit": limit}
    return await _look(database, PAGES[name], actor, f"user.{name}", user_id, params, now)


async def _look(
    database: Database,
    statement: Statement,
    actor: Actor,
    name: str,
    user_id: int,
    params: dict[str, Any],
    now: datetime,
) -> Sequence[Row]:
    of_user = {"bucket": bucket_of(user_id), "user_id": user_id}
    async with transaction(database) as connection:
        found = await rows(connection, statement, params | of_user)
        await log_action(connection, actor, Entry(name, "user", str(user_id)), now)
    return found
