"""Coins moved by hand, by four eyes."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from api.intake.submit import idempotency_key
from api.operators.proposals import DecisionBody, decidable
from api.operators.words import Reason, UserId
from api.web_base.documentation import problems
from api.web_base.etags import PRIVATE
from api.web_base.paging import After, Limit, decode_cursor, encode_cursor
from api.web_base.permissions import needs
from api.web_base.problems import bad_request, not_found
from api.web_base.services import Services
from engine.admin.permissions import Permission
from engine.core.money import format_amount, parse_amount
from models.admin.adjustments import MATTER, Proposal, decide_adjustment, propose
from models.admin.proposals import list_proposed
from models.base.db import Row
from models.base.pages import FIRST_PAGE
from models.base.trail import Actor
from runtime.clock import utcnow

ADJUSTMENT_MICRO_MAX = 10**12
Amount = Annotated[str, Meta(pattern=r"^[0-9]{1,7}(\.[0-9]{1,6})?\Z")]


class ProposalBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What is proposed; `amount` in TWTC as a decimal string."""

    direction: Literal["CREDIT", "DEBIT"]
    amount: Amount
    reason: Reason


class AdjustmentView(Struct, frozen=True):
    """PROPOSED, then REJECTED, or APPROVED and soon APPLIED, or REFUSED with its `failure`.

    LAPSED, with its `failure`: nobody approved it in time, or its proposer may no longer.
    """

    id: UUID
    user_id: int
    direction: str
    amount: str
    reason: str
    status: str
    proposer_id: int
    proposed_at: datetime
    expires_at: datetime
    decider_id: int | None
    decided_at: datetime | None
    note: str | None
    applied_at: datetime | None
    failure: str | None


class AdjustmentPage(Struct, frozen=True):
    """Newest first."""

    items: list[AdjustmentView]
    next_cursor: str | None


@get(
    "/adjustments",
    summary="Coins moved by hand",
    opt=needs(Permission.ADJUSTMENTS_READ),
    response_headers=PRIVATE,
)
async def adjustments(
    services: NamedDependency[Services], cursor: After = None, limit: Limit = 20
) -> AdjustmentPage:
    """All proposals, a page at a time."""
    before = decode_cursor(cursor) or FIRST_PAGE
    page = await list_proposed(services.database, MATTER, before.at, before.id, limit)
    return AdjustmentPage([_view(row) for row in page], encode_cursor(page, limit, "proposed_at"))


@post(
    "/users/{subject_id:int}/adjustments",
    summary="Propose to move coins",
    responses=problems(409),
    opt=needs(Permission.ADJUSTMENTS_PROPOSE),
)
async def propose_adjustment(
    request: Request[Any, Any, Any],
    subject_id: UserId,
    data: JSONBody[ProposalBody],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> AdjustmentView:
    """Nothing moves before a colleague has approved it, within a week."""
    amount_micro = parse_amount(data.amount)
    if not 1 <= amount_micro <= ADJUSTMENT_MICRO_MAX:
        raise bad_request(f"amount must be at most {format_amount(ADJUSTMENT_MICRO_MAX)}, not 0.")
    key = idempotency_key(request)
    proposal = Proposal(subject_id, data.direction, amount_micro, data.reason, key)
    async with decidable():
        row = await propose(services.database, actor, proposal, utcnow())
    if row is None:
        raise not_found("user")
    return _view(row)


@post(
    "/users/{subject_id:int}/adjustments/{adjustment_id:uuid}/approve",
    status_code=200,
    summary="Approve a proposal",
    responses=problems(409),
    opt=needs(Permission.ADJUSTMENTS_DECIDE),
)
async def approve(
    subject_id: UserId,
    adjustment_id: FromPath[UUID],
    data: JSONBody[DecisionBody],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> AdjustmentView:
    """By a colleague whom other people made staff than who proposed it, for at least a week.

    A worker moves the coins next. At most 10,000 TWTC a UTC day are credited over all wallets.
    """
    return await _decide(services, actor, subject_id, adjustment_id, data.note, is_approved=True)


@post(
    "/users/{subject_id:int}/adjustments/{adjustment_id:uuid}/reject",
    status_code=200,
    summary="Reject or withdraw a proposal",
    responses=problems(409),
    opt=needs(Permission.ADJUSTMENTS_DECIDE),
)
async def reject(
    subject_id: UserId,
    adjustment_id: FromPath[UUID],
    data: JSONBody[DecisionBody],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> AdjustmentView:
    """Nothing moves."""
    return await _decide(services, actor, subject_id, adjustment_id, data.note, is_approved=False)


async def _decide(
    services: Services,
    actor: Actor,
    user_id: int,
    adjustment_id: FromPath[UUID],
    note: str,
    *,
    is_approved: bool,
) -> AdjustmentView:
    async with decidable():
        row, piece = await decide_adjustment(
            services.database,
            actor,
            user_id,
            adjustment_id,
            is_approved=is_approved,
            note=note,
            now=utcnow(),
        )
    if piece is not None:
        await services.bells.ring(piece)
    return _view(row)


def _view(row: Row) -> AdjustmentView:
    values = dict(row)
    return AdjustmentView(amount=format_amount(values.pop("amount_micro")), **values)


handlers: list[Any] = [adjustments, propose_adjustment, approve, reject]
