"""Roles that approve: proposed by one superadmin, granted when another of the staff approves.

It is applied with the approval, in one transaction of the user's bucket: standing, staff and trail.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from engine.admin.permissions import Permission, may_change_role
from engine.core.role import Role
from engine.core.timeline import bucket_of
from models.admin.proposals import (
    LIVES,
    NotDecidableError,
    close_proposal,
    hold_proposal,
    matter_of,
)
from models.admin.roles import NotAllowedError, lock_standing, write_standing
from models.admin.staff import join_staff, standing_of
from models.base.db import Connection, Database, Row, UniqueViolation, rows, sql, transaction
from models.base.trail import Actor, Entry, log_action
from models.mining.snapshots import SnapshotCopies
from runtime.clock import new_id

_COLUMNS = """id, user_id, role, reason, status, proposer_id, proposed_at, expires_at, decider_id,
           decided_at, note, failure"""

PROPOSE = sql(f"""
    INSERT INTO role_proposals (bucket, id, user_id, role, reason, status, proposer_id, proposed_at,
                                expires_at)
    VALUES (:bucket, :id, :user_id, :role, :reason, 'PROPOSED', :proposer, :now, :expires_at)
    RETURNING {_COLUMNS}
""")
MATTER = matter_of("role_proposals", _COLUMNS, Permission.ROLES_GRANT, "their own role")


async def propose_role(
    database: Database, actor: Actor, user_id: int, role: Role, reason: str, now: datetime
) -> Row:
    """Keep a proposal. Raise NotAllowedError, NotDecidableError or NoSuchUserError."""
    if actor.user_id is None or actor.user_id == user_id:
        raise NotAllowedError("Nobody changes their own standing. Ask a colleague.")
    bucket = bucket_of(user_id)
    params: dict[str, Any] = {"bucket": bucket, "id": new_id(now), "user_id": user_id}
    params |= {"role": role.value, "reason": reason, "proposer": actor.user_id, "now": now}
    try:
        async with transaction(database) as connection:
            before = await lock_standing(connection, bucket, user_id)
            _check_reach(actor.role, before.role, role)
            [added] = await rows(connection, PROPOSE, params | {"expires_at": now + LIVES})
            facts = {"id": added.id, "role": role}
            action = Entry("role.propose", "user", str(user_id), {}, facts, reason)
            await log_action(connection, actor, action, now)
    except UniqueViolation:
        raise NotDecidableError("A role is proposed for this user already. Decide it.") from None
    return added


async def decide_role(
    database: Database,
    copies: SnapshotCopies,
    actor: Actor,
    user_id: int,
    proposal_id: UUID,
    *,
    is_approved: bool,
    note: str,
    now: datetime,
) -> Row:
    """Approve, which grants the role, or reject. Raise NoSuchProposalError, NotDecidableError."""
    bucket = bucket_of(user_id)
    async with transaction(database) as connection:
        found, objection = await hold_proposal(
            connection, MATTER, user_id, proposal_id, actor, now, is_approved=is_approved
        )
        if objection is None:
            status = "GRANTED" if is_approved else "REJECTED"
            if is_approved:
                await copies.mark_changing(await _grant(connection, bucket, found, actor, now))
            decided = await close_proposal(connection, MATTER, found, status, actor, note, now)
            name = "role.approve" if is_approved else "role.reject"
            facts = {"id": proposal_id, "role": found.role}
            action = Entry(name, "user", str(user_id), {}, facts, note)
            await log_action(connection, actor, action, now)
    if objection is not None:
        raise NotDecidableError(objection)
    if is_approved:
        await copies.refresh(database, bucket, [user_id])
    return decided


async def _grant(
    connection: Connection, bucket: int, found: Row, actor: Actor, now: datetime
) -> list[tuple[int, int]]:
    """Give the role. What the proposer could give then must be in their reach now."""
    assert actor.user_id is not None
    before = await lock_standing(connection, bucket, found.user_id)
    proposer = (await standing_of(connection, [found.proposer_id]))[found.proposer_id]
    try:
        _check_reach(proposer.role, before.role, Role(found.role))
    except NotAllowedError as error:
        raise NotDecidableError(str(error)) from None
    granted = (found.proposer_id, actor.user_id)
    after = replace(before, role=Role(found.role))
    await join_staff(connection, found.user_id, after, granted, now)
    return await write_standing(connection, bucket, found.user_id, after)


def _check_reach(proposer: Role, before: Role, after: Role) -> None:
    if not may_change_role(proposer, before, after):
        raise NotAllowedError(f"A {proposer} cannot make a {after} of a {before}.")
    if before is after:
        raise NotAllowedError(f"This is a {after} already.")
