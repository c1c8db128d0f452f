"""Users as their administrators see and change them: standing, role, on or off."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from engine.permissions import Role, may_act_on, may_change_role
from engine.timeline import bucket_of
from models.admin_log import Action, Actor, log_action
from models.buckets import rows_of_buckets
from models.db import Connection, Database, Row, connected, rows, run, sql, transaction
from models.members import raise_versions
from models.status import SnapshotCopies

STANDING = sql("SELECT role, is_active FROM users WHERE bucket = :bucket AND id = :user_id")

# Closed for good, an account has no standing to change.
LOCK_STANDING = sql("""
    SELECT role, is_active FROM users
    WHERE bucket = :bucket AND id = :user_id AND closed_at IS NULL FOR NO KEY UPDATE
""")

CHANGE = sql("""
    UPDATE users SET role = :role, is_active = :is_active
    WHERE bucket = :bucket AND id = :user_id
""")

USERS = sql("""
    SELECT id, role, is_active, group_number, created_at, last_login_at FROM users
    WHERE bucket = :bucket AND id > :after ORDER BY id LIMIT :limit
""")

# Everybody with another role than a user's stands in a small index of their own.
USERS_OF_ROLE = sql("""
    SELECT id, role, is_active, group_number, created_at, last_login_at FROM users
    WHERE bucket = :bucket AND role <> 'user' AND role = :role AND id > :after
    ORDER BY id LIMIT :limit
""")


class Standing(Struct, frozen=True):
    """What decides about somebody's requests."""

    role: Role
    is_active: bool


class NotAllowedError(Exception):
    """The actor's role does not reach so far; the message says why."""


class NoSuchUserError(Exception):
    """There is no user of that id, or none any more."""


async def read_standing(database: Database, user_id: int) -> Standing | None:
    """A user's role, and whether the account is in use; or None."""
    params = {"bucket": bucket_of(user_id), "user_id": user_id}
    async with connected(database) as connection:
        found = await rows(connection, STANDING, params)
    return Standing(Role(found[0].role), found[0].is_active) if found else None


async def list_users(
    database: Database, after: int, limit: int, role: Role | None = None
) -> Sequence[Row]:
    """A page of users by id: all, or those of a role above a user's."""
    params: dict[str, Any] = {"after": after, "limit": limit, "role": role}
    statement = USERS if role in (None, Role.USER) else USERS_OF_ROLE
    async with connected(database) as connection:
        found = await rows_of_buckets(connection, statement, params)
    return sorted(found, key=lambda user: user.id)[:limit]


async def set_role(
    database: Database,
    copies: SnapshotCopies,
    actor: Actor,
    user_id: int,
    role: Role,
    reason: str,
    now: datetime,
) -> Standing:
    """Give a user another role. Raise NotAllowedError or NoSuchUserError; then nothing changed."""

    def change(before: Standing) -> Standing:
        if not may_change_role(actor.role, before.role, role):
            raise NotAllowedError(f"A {actor.role} cannot make a {role} of a {before.role}.")
        return Standing(role, before.is_active)

    return await _change(database, copies, actor, user_id, "user.role", reason, now, change)


async def set_active(
    database: Database,
    copies: SnapshotCopies,
    actor: Actor,
    user_id: int,
    is_active: bool,
    reason: str,
    now: datetime,
) -> Standing:
    """Switch an account on or off. Raise NotAllowedError or NoSuchUserError."""

    def change(before: Standing) -> Standing:
        if not may_act_on(actor.role, before.role):
            raise NotAllowedError(f"A {actor.role} cannot switch a {before.role} on or off.")
        return Standing(before.role, is_active)

    name = "user.enable" if is_active else "user.disable"
    return await _change(database, copies, actor, user_id, name, reason, now, change)


async def _change(
    database: Database,
    copies: SnapshotCopies,
    actor: Actor,
    user_id: int,
    name: str,
    reason: str,
    now: datetime,
    change: Any,
) -> Standing:
    if actor.user_id == user_id:
        raise NotAllowedError("Nobody changes their own standing. Ask a colleague.")
    bucket = bucket_of(user_id)
    async with transaction(database) as connection:
        before = await _lock(connection, bucket, user_id)
        after: Standing = change(before)
        if after == before:
            return after
        params: dict[str, Any] = {"bucket": bucket, "user_id": user_id}
        params |= {"role": after.role.value, "is_active": after.is_active}
        await run(connection, CHANGE, params)
        action = Action(name, "user", str(user_id), _facts(before), _facts(after), reason)
        await log_action(connection, actor, action, now)
        await copies.mark_changing(await raise_versions(connection, bucket, [user_id]))
    await copies.refresh(database, bucket, [user_id])
    return after


async def _lock(connection: Connection, bucket: int, user_id: int) -> Standing:
    found = await rows(connection, LOCK_STANDING, {"bucket": bucket, "user_id": user_id})
    if not found:
        raise NoSuchUserError
    return Standing(Role(found[0].role), found[0].is_active)


def _facts(standing: Standing) -> dict[str, Any]:
    return {"role": standing.role, "is_active": standing.is_active}
