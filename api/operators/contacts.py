"""Changes of addresses by support, by four eyes: for members who lost what they signed in with."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from api.identity.contact_words import new_address_of, tell_granted, tell_old
from api.identity.identities import Identity, new_identity_of
from api.identity.newcomers import refuse_address
from api.operators.proposals import DecisionBody, decidable
from api.operators.words import Reason, UserId
from api.web_base.documentation import problems
from api.web_base.etags import PRIVATE
from api.web_base.paging import After, Limit, decode_cursor, encode_cursor
from api.web_base.permissions import needs
from api.web_base.problems import bad_field, not_found
from api.web_base.services import Services
from engine.admin.permissions import Permission
from models.accounts.register import find_account, is_at
from models.base.db import Row
from models.base.trail import Actor
from models.contacts.change import Wanted
from models.contacts.proposals import approve_change, list_proposals, propose_change, reject_change
from runtime.clock import utcnow


class Proposed(Identity, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The new address, and how it was made sure that it is the member's."""

    reason: Reason


class ProposalView(Struct, frozen=True):
    """PROPOSED, then REJECTED, or WAITING until `effective_at` and APPLIED. `address` is shown
    while the change is open."""

    id: UUID
    user_id: int
    kind: str
    address: str | None
    status: str
    reason: str
    proposer_id: int
    requested_at: datetime
    decider_id: int | None
    decided_at: datetime | None
    note: str | None
    effective_at: datetime | None
    back_until: datetime | None
    ended_at: datetime | None


class ProposalPage(Struct, frozen=True):
    """Newest first."""

    items: list[ProposalView]
    next_cursor: str | None


@get(
    "/contact-changes",
    summary="Changes of address by support",
    opt=needs(Permission.CONTACTS_DECIDE),
    response_headers=PRIVATE,
)
async def changes(
    services: NamedDependency[Services], cursor: After = None, limit: Limit = 20
) -> ProposalPage:
    """All proposals, a page at a time."""
    page = await list_proposals(services.database, decode_cursor(cursor), limit)
    items = [_view(services, row) for row in page]
    return ProposalPage(items, encode_cursor(page, limit, "requested_at"))


@post(
    "/users/{subject_id:int}/contact-changes",
    summary="Propose a change of address",
    responses=problems(409, 422),
    opt=needs(Permission.CONTACTS_PROPOSE),
)
async def propose(
    subject_id: UserId,
    data: JSONBody[Proposed],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> ProposalView:
    """Nothing changes before a colleague has approved it, within a week."""
    kind, value, address = new_identity_of(data)
    await refuse_address(services, kind, address)
    keyring = services.config.keyring
    account = await find_account(services.database, keyring, subject_id)
    if account is None:
        raise not_found("user")
    if is_at(account, kind, value):
        raise bad_field(kind, "This is the one that the account has.")
    wanted = Wanted(kind, value, "PROPOSED", None, actor.user_id, data.reason)
    async with decidable():
        row = await propose_change(services.database, keyring, actor, account, wanted, utcnow())
    return _view(services, row)


@post(
    "/users/{subject_id:int}/contact-changes/{change_id:uuid}/approve",
    status_code=200,
    summary="Approve a change of address",
    responses=problems(409),
    opt=needs(Permission.CONTACTS_DECIDE),
)
async def approve(
    subject_id: UserId,
    change_id: FromPath[UUID],
    data: JSONBody[DecisionBody],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> ProposalView:
    """By somebody else than who proposed it. Both addresses are told, and the change waits; the
    former one may take it back."""
    now = utcnow()
    settings = await services.configurations.at(now)
    effective_at = now + timedelta(hours=settings.contact_wait_hours)
    async with decidable():
        row = await approve_change(
            services.database, actor, subject_id, change_id, data.note, effective_at, now
        )
    account = await find_account(services.database, services.config.keyring, subject_id)
    if account is not None:
        days = settings.contact_back_days
        services.background.start(tell_old(services, account, row, None, days))
        services.background.start(tell_granted(services, account, row))
    return _view(services, row)


@post(
    "/users/{subject_id:int}/contact-changes/{change_id:uuid}/reject",
    status_code=200,
    summary="Reject or withdraw a change of address",
    responses=problems(409),
    opt=needs(Permission.CONTACTS_DECIDE),
)
async def reject(
    subject_id: UserId,
    change_id: FromPath[UUID],
    data: JSONBody[DecisionBody],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> ProposalView:
    """Nothing changes. Also while an approved one waits."""
    async with decidable():
        row = await reject_change(
            services.database, actor, subject_id, change_id, data.note, utcnow()
        )
    return _view(services, row)


def _view(services: Services, row: Row) -> ProposalView:
    is_open = row.ended_at is None
    names = set(ProposalView.__struct_fields__) - {"address"}
    return ProposalView(
        address=new_address_of(services, row) if is_open else None,
        **{name: row[name] for name in names},
    )


handlers: list[Any] = [changes, propose, approve, reject]
