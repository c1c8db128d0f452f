"""Roles that approve, by two people."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from api.operators.proposals import DecisionBody, decidable
from api.operators.users import explained
from api.operators.words import Reason, UserId
from api.web_base.documentation import problems
from api.web_base.etags import PRIVATE
from api.web_base.paging import After, Limit, decode_cursor, encode_cursor
from api.web_base.permissions import needs
from api.web_base.services import Services
from engine.admin.permissions import Permission
from engine.core.role import Role
from models.admin.proposals import list_proposed
from models.admin.role_proposals import MATTER, decide_role, propose_role
from models.base.pages import FIRST_PAGE
from models.base.trail import Actor
from runtime.clock import utcnow


class RoleProposalBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The role to be granted, and why."""

    role: Literal["admin", "superadmin"]
    reason: Reason


class RoleProposalView(Struct, frozen=True):
    """PROPOSED, then GRANTED or REJECTED; or LAPSED, with its `failure`."""

    id: UUID
    user_id: int
    role: str
    reason: str
    status: str
    proposer_id: int
    proposed_at: datetime
    expires_at: datetime
    decider_id: int | None
    decided_at: datetime | None
    note: str | None
    failure: str | None


class RoleProposalPage(Struct, frozen=True):
    """Newest first."""

    items: list[RoleProposalView]
    next_cursor: str | None


@get(
    "/role-proposals",
    summary="Roles proposed",
    opt=needs(Permission.ROLES_GRANT),
    response_headers=PRIVATE,
)
async def role_proposals(
    services: NamedDependency[Services], cursor: After = None, limit: Limit = 20
) -> RoleProposalPage:
    """All proposals, a page at a time."""
    before = decode_cursor(cursor) or FIRST_PAGE
    page = await list_proposed(services.database, MATTER, before.at, before.id, limit)
    items = [RoleProposalView(**row) for row in page]
    return RoleProposalPage(items, encode_cursor(page, limit, "proposed_at"))


@post(
    "/users/{subject_id:int}/role-proposals",
    summary="Propose a role that approves",
    responses=problems(409),
    opt=needs(Permission.ROLES_GRANT),
)
async def propose(
    subject_id: UserId,
    data: JSONBody[RoleProposalBody],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> RoleProposalView:
    """Only superadmins propose admins and superadmins. A colleague has to approve within a week."""
    async with explained(), decidable():
        row = await propose_role(
            services.database, actor, subject_id, Role(data.role), data.reason, utcnow()
        )
    return RoleProposalView(**row)


@post(
    "/users/{subject_id:int}/role-proposals/{proposal_id:uuid}/approve",
    status_code=200,
    summary="Approve a role",
    responses=problems(409),
    opt=needs(Permission.ROLES_GRANT),
)
async def approve_role(
    subject_id: UserId,
    proposal_id: FromPath[UUID],
    data: JSONBody[DecisionBody],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> RoleProposalView:
    """By a colleague whom other people made staff than who proposed it, for at least a week.

    The role is granted at once, and counts for approving seven days later.
    """
    return await _decide(services, actor, subject_id, proposal_id, data.note, is_approved=True)


@post(
    "/users/{subject_id:int}/role-proposals/{proposal_id:uuid}/reject",
    status_code=200,
    summary="Reject or withdraw a proposed role",
    responses=problems(409),
    opt=needs(Permission.ROLES_GRANT),
)
async def reject_role(
    subject_id: UserId,
    proposal_id: FromPath[UUID],
    data: JSONBody[DecisionBody],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> RoleProposalView:
    """Nobody gets a role."""
    return await _decide(services, actor, subject_id, proposal_id, data.note, is_approved=False)


async def _decide(
    services: Services,
    actor: Actor,
    user_id: int,
    proposal_id: UUID,
    note: str,
    *,
    is_approved: bool,
) -> RoleProposalView:
    async with explained(), decidable():
        row = await decide_role(
            services.database,
            services.copies,
            actor,
            user_id,
            proposal_id,
            is_approved=is_approved,
            note=note,
            now=utcnow(),
        )
    return RoleProposalView(**row)


handlers: list[Any] = [role_proposals, propose, approve_role, reject_role]
