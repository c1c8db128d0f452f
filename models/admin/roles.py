"""Users as their administrators see and change them: standing, role, on or off.

A role that approves takes two people (`models.admin.role_proposals`), but for the command line.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from engine.admin.four_eyes import approves
from engine.admin.permissions import ROLES, may_act_on, may_change_role
from engine.core.role import Role
from engine.core.timeline import bucket_of
from engine.fraud.levels import Alert, Hold
from models.admin.proposals import lapse_proposals
from models.admin.staff import Standing, change_staff, join_staff
from models.base.buckets import rows_of_buckets
from models.base.db import Connection, Database, Row, connected, rows, run, sql, transaction
from models.base.trail import Actor, Entry, log_action
from models.intents.members import raise_versions
from models.mining.snapshots import SnapshotCopies

ROLE = sql("SELECT role, is_active FROM users WHERE bucket = :bucket AND id = :user_id")
# With the sign-in that a token is of: both by their keys, in one bucket.
CALLER = sql("""
    SELECT u.role, u.is_active, u.hold, u.hold_until,
           EXISTS (SELECT FROM sign_ins s
                   WHERE s.bucket = :bucket AND s.id = :sign_in_id AND s.user_id = :user_id
                     AND s.revoked_at IS NULL AND s.expires_at > :now) AS is_signed_in
    FROM users u WHERE u.bucket = :bucket AND u.id = :user_id
""")

# Closed for good, an account has no standing to change.
LOCK_STANDING = sql("""
    SELECT role, is_active, CASE WHEN hold = 'SUSPENDED' THEN hold_until END AS suspended_until
    FROM users
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


class Caller(Struct, frozen=True):
    """What decides about a privileged request: who it is of, and whether they still are signed in.

    `alert` has the hold only.
    """

    role: Role
    is_active: bool
    alert: Alert
    is_signed_in: bool


class NotAllowedError(Exception):
    """The actor's role does not reach so far; the message says why."""


class NoSuchUserError(Exception):
    """There is no user of that id, or none any more."""


async def read_role(database: Database, user_id: int) -> Role | None:
    """The role of a user whose account is in use; or None."""
    params = {"bucket": bucket_of(user_id), "user_id": user_id}
    async with connected(database) as connection:
        found = await rows(connection, ROLE, params)
    return Role(found[0].role) if found and found[0].is_active else None


async def read_caller(
    database: Database, user_id: int, sign_in_id: UUID, now: datetime
) -> Caller | None:
    """Who comes with a token of a sign-in, as they stand now; or None if there is no such user."""
    params = {"bucket": bucket_of(user_id), "user_id": user_id, "sign_in_id": sign_in_id}
    async with connected(database) as connection:
        found = await rows(connection, CALLER, params | {"now": now})
    if not found:
        return None
    hold = Hold(found[0].hold) if found[0].hold else None
    alert = Alert(hold=hold, hold_until=found[0].hold_until)
    return Caller(Role(found[0].role), found[0].is_active, alert, found[0].is_signed_in)


async def list_users(
    database: Database, after: int, limit: int, role: Role | None = None
) -> Sequence[Row]:
    """A page of users by id: all, or those of a role above a user's."""
    params: dict[str, Any] = {"after": after, "limit": limit, "role": role}
    statement = USERS if role in (None, Role.USER) else USERS_OF_ROLE
    found = await rows_of_buckets(database, statement, params)
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
    """Give a user another role. Raise NotAllowedError or NoSuchUserError; then nothing changed.

    Nobody alone raises somebody to a role that approves, but for the command line: it names the
    first of a line, and makes one of whoever has the role already.
    """
    is_named = actor.user_id is None and approves(role)

    def change(before: Standing) -> Standing:
        if not may_change_role(actor.role, before.role, role):
            raise NotAllowedError(f"A {actor.role} cannot make a {role} of a {before.role}.")
        is_raised = ROLES.index(role) > ROLES.index(before.role)
        if approves(role) and is_raised and not is_named:
            raise NotAllowedError(f"It takes two to make somebody {role}. Propose it.")
        return replace(before, role=role)

    async def grant(connection: Connection, standing: Standing) -> None:
        await join_staff(connection, user_id, standing, None, now)

    granted = grant if is_named else None
    return await _change(
        database, copies, actor, user_id, "user.role", reason, now, change, granted
    )


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
        return replace(before, is_active=is_active)

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
    change: Callable[[Standing], Standing],
    grant: Callable[[Connection, Standing], Awaitable[None]] | None = None,
) -> Standing:
    if actor.user_id == user_id:
        raise NotAllowedError("Nobody changes their own standing. Ask a colleague.")
    bucket = bucket_of(user_id)
    async with transaction(database) as connection:
        before = await lock_standing(connection, bucket, user_id)
        after = change(before)
        if after == before and grant is None:
            return after
        if grant is not None:
            await grant(connection, after)
        elif approves(before.role):
            await change_staff(connection, user_id, after)
        action = Entry(name, "user", str(user_id), _facts(before), _facts(after), reason)
        await log_action(connection, actor, action, now)
        await copies.mark_changing(await write_standing(connection, bucket, user_id, after))
    await copies.refresh(database, bucket, [user_id])
    if approves(before.role):
        await lapse_proposals(database, now)
    return after


async def write_standing(
    connection: Connection, bucket: int, user_id: int, standing: Standing
) -> list[tuple[int, int]]:
    """Write a locked user's standing, within the caller's transaction. Return the new version."""
    params: dict[str, Any] = {"bucket": bucket, "user_id": user_id}
    params |= {"role": standing.role.value, "is_active": standing.is_active}
    await run(connection, CHANGE, params)
    return await raise_versions(connection, bucket, [user_id])


async def lock_standing(connection: Connection, bucket: int, user_id: int) -> Standing:
    """A user's standing, held until the transaction ends. Raise NoSuchUserError."""
    found = await rows(connection, LOCK_STANDING, {"bucket": bucket, "user_id": user_id})
    if not found:
        raise NoSuchUserError
    row = found[0]
    return Standing(Role(row.role), row.is_active, row.suspended_until)


def _facts(standing: Standing) -> dict[str, Any]:
    return {"role": standing.role, "is_active": standing.is_active}
