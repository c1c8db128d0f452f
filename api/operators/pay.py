"""What is paid, changed by two people: what is proposed, and what becomes of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from asyncpg import IntegrityConstraintViolationError
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from api.operators.proposals import DecisionBody, decidable
from api.web_base.documentation import problems
from api.web_base.etags import PRIVATE
from api.web_base.paging import After, Limit, decode_cursor, encode_cursor
from api.web_base.permissions import needs
from api.web_base.problems import ProblemError, bad_request
from api.web_base.services import Services
from engine.admin.configuration import ConfigurationError
from engine.admin.pay import PayError
from engine.admin.permissions import Permission
from models.base.db import Row
from models.base.pages import FIRST_PAGE
from models.base.trail import Actor
from models.content.pay_proposals import Change, change_pay, decide_pay, list_pay_proposals
from models.installation.configuration import VersionConflictError
from runtime.clock import utcnow


class PayProposalView(Struct, frozen=True):
    """PROPOSED, then APPROVED, which makes the change, or REJECTED; or LAPSED, with its `failure`.

    `changes` names what would be another value, as [before, after]. Amounts in micro-TWTC. An
    approval without `decider_id` is the operator's command line.
    """

    id: UUID
    kind: str
    subject: str
    changes: dict[str, list[Any]]
    reason: str
    status: str
    proposer_id: int
    proposed_at: datetime
    expires_at: datetime
    decider_id: int | None
    decided_at: datetime | None
    note: str | None
    failure: str | None


class PayProposalPage(Struct, frozen=True):
    """Newest first."""

    items: list[PayProposalView]
    next_cursor: str | None


# `responses=` of a route that proposes what takes two, and does the rest at once.
PROPOSED = {202: ResponseSpec(PayProposalView, description="Proposed: it takes two")}


@get(
    "/pay-proposals",
    summary="Changes of what is paid",
    opt=needs(Permission.CONFIGURATION_READ),
    response_headers=PRIVATE,
)
async def pay_proposals(
    services: NamedDependency[Services], cursor: After = None, limit: Limit = 20
) -> PayProposalPage:
    """All proposals, a page at a time: versions of the configuration, kinds of tasks, videos."""
    before = decode_cursor(cursor) or FIRST_PAGE
    page = await list_pay_proposals(services.database, before.at, before.id, limit)
    return PayProposalPage([_view(row) for row in page], encode_cursor(page, limit, "proposed_at"))


@post(
    "/pay-proposals/{proposal_id:uuid}/approve",
    status_code=200,
    summary="Approve a change of what is paid",
    responses=problems(409),
    opt=needs(Permission.PAY_DECIDE),
)
async def approve_pay(
    proposal_id: FromPath[UUID],
    data: JSONBody[DecisionBody],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> PayProposalView:
    """By a colleague whom other people made staff than who proposed it, for at least a week.

    It is made at once, if nothing of it was changed meanwhile. Each is told to the pager.
    """
    return await _decide(services, actor, proposal_id, data.note, is_approved=True)


@post(
    "/pay-proposals/{proposal_id:uuid}/reject",
    status_code=200,
    summary="Reject or withdraw a change of what is paid",
    responses=problems(409),
    opt=needs(Permission.PAY_DECIDE),
)
async def reject_pay(
    proposal_id: FromPath[UUID],
    data: JSONBody[DecisionBody],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> PayProposalView:
    """Nothing changes."""
    return await _decide(services, actor, proposal_id, data.note, is_approved=False)


async def propose_or_make(
    services: Services, change: Change, actor: Actor, reason: str
) -> Response[None]:
    """202 with the proposal of what takes two people; 204 for what was done at once."""
    view = await propose_pay(services, change, actor, reason)
    if view is None:
        return Response(None, status_code=204)
    return Response(view, status_code=202)  # type: ignore[arg-type]


async def propose_pay(
    services: Services, change: Change, actor: Actor, reason: str
) -> PayProposalView | None:
    """The proposal of what takes two people; None for what was done at once. Raise ProblemError."""
    try:
        async with _possible():
            row = await change_pay(services.database, actor, change, reason, utcnow())
    except (ConfigurationError, PayError) as error:
        raise bad_request(f"{error}.") from None
    except VersionConflictError:
        raise ProblemError(
            "conflict", "Changed meanwhile", 409, "There is a newer version. Read it first."
        ) from None
    return _view(row) if row else None


async def _decide(
    services: Services, actor: Actor, proposal_id: UUID, note: str, *, is_approved: bool
) -> PayProposalView:
    async with _possible():
        row = await decide_pay(
            services.database, actor, proposal_id, is_approved=is_approved, note=note, now=utcnow()
        )
    return _view(row)


@asynccontextmanager
async def _possible() -> AsyncIterator[None]:
    try:
        async with decidable():
            yield
    except IntegrityConstraintViolationError:
        raise ProblemError("conflict", "Not possible now", 409, "It cannot be so.") from None


def _view(row: Row) -> PayProposalView:
    values = {name: row[name] for name in PayProposalView.__struct_fields__}
    return PayProposalView(**values | {"changes": msgspec.json.decode(row.changes)})


handlers: list[Any] = [pay_proposals, approve_pay, reject_pay]
