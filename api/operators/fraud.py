"""The review list: accounts that looked wrong, and what a moderator decides about them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter
from msgspec import Struct

from api.operators.words import UserId, WhyBody
from api.web_base.etags import PRIVATE
from api.web_base.paging import After, Limit, decode_cursor, encode_cursor
from api.web_base.permissions import needs
from api.web_base.problems import not_found
from api.web_base.services import Services
from engine.admin.permissions import Permission
from engine.fraud.anomaly.model import in_words
from models.base.trail import Actor
from models.fraud.review import clear, read_suspicions, release, suspend
from runtime.clock import utcnow

UserFilter = Annotated[int | None, QueryParameter(name="user", ge=1, le=2**63 - 1)]

Undecided = Annotated[
    bool,
    QueryParameter(
        name="undecided", description="Of the last 30 days, what nobody has decided since."
    ),
]


class SuspicionView(Struct, frozen=True):
    """One violation. `details` names the figures behind it; `decision` is the first one since."""

    id: UUID
    user_id: int
    event_type: str
    severity: str
    details: dict[str, Any]
    ip_address: str | None
    device_fingerprint: str | None
    created_at: datetime
    level: int
    hold: str | None
    hold_until: datetime | None
    decision: str | None
    decided_by: int | None
    decided_at: datetime | None


class SuspicionPage(Struct, frozen=True):
    """Newest first."""

    items: list[SuspicionView]
    next_cursor: str | None


@get(
    "/suspicions",
    summary="Suspicious activity",
    opt=needs(Permission.FRAUD_READ),
    response_headers=PRIVATE,
)
async def suspicions(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    user: UserFilter = None,
    undecided: Undecided = False,
    cursor: After = None,
    limit: Limit = 20,
) -> SuspicionPage:
    """What was HIGH or CRITICAL; of one user everything. Who looked at a user is kept."""
    before, now = decode_cursor(cursor), utcnow()
    page = await read_suspicions(
        services.database, actor, before, limit, user, now, is_undecided=undecided
    )
    items = [SuspicionView(**{**row, "details": _worded(row.details)}) for row in page]
    return SuspicionPage(items, encode_cursor(page, limit, "created_at"))


def _worded(details: str) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(details)
    reasons = found.get("reasons")
    return found | {"reasons": in_words(reasons)} if reasons else found


@post(
    "/users/{subject_id:int}/release",
    status_code=204,
    summary="Let an account go on",
    opt=needs(Permission.FRAUD_DECIDE),
)
async def release_user(
    subject_id: UserId,
    data: JSONBody[WhyBody],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> None:
    """Ends whatever holds it, and forgets its level."""
    done = await release(
        services.database, services.copies, actor, subject_id, data.reason, utcnow()
    )
    if not done:
        raise not_found("held account")


@post(
    "/users/{subject_id:int}/clear",
    status_code=204,
    summary="Find nothing wrong with an account",
    opt=needs(Permission.FRAUD_DECIDE),
)
async def clear_user(
    subject_id: UserId,
    data: JSONBody[WhyBody],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> None:
    """It leaves the list of what is undecided; nothing else changes."""
    if not await clear(services.database, actor, subject_id, data.reason, utcnow()):
        raise not_found("user that you may clear")


@post(
    "/users/{subject_id:int}/suspend",
    status_code=204,
    summary="Suspend an account for a day",
    opt=needs(Permission.FRAUD_DECIDE),
)
async def suspend_user(
    subject_id: UserId,
    data: JSONBody[WhyBody],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> None:
    """It starts nothing meanwhile. To switch it off for good is an administrator's."""
    if not await suspend(
        services.database, services.copies, actor, subject_id, data.reason, utcnow()
    ):
        raise not_found("user that you may suspend")


handlers: list[Any] = [suspicions, release_user, clear_user, suspend_user]
