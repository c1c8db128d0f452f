"""One user's file: who they are, their wallet, devices and history. Every look is kept."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Struct

from api.identity.identities import Identity, identity_of
from api.members.me import TransactionPage, transaction_page
from api.members.mining import SessionPage, session_page
from api.operators.users import UserRow
from api.operators.words import UserId
from api.web_base.documentation import problems
from api.web_base.etags import PRIVATE
from api.web_base.paging import After, Limit, decode_cursor, encode_cursor
from api.web_base.permissions import needs
from api.web_base.problems import not_found
from api.web_base.services import Services
from engine.admin.permissions import Permission, may
from engine.core.money import format_amount
from engine.core.role import Role
from models.base.trail import Actor
from models.operations.user_files import find_user, view_devices, view_page, view_user
from runtime.clock import utcnow

_READ = needs(Permission.USERS_READ)
_AMOUNTS = ("balance", "settled_balance", "total_earned", "total_withdrawn")
_CONTACT = ("email", "phone", "display_name")


class UserView(UserRow, frozen=True):
    """A user with the wallet, amounts in TWTC. Addresses and name only for administrators.

    `level` is the alert level from 0 to 4; `hold` keeps the account from starting anything.
    """

    email: str | None
    phone: str | None
    display_name: str | None
    country: str | None
    language: str
    verified_at: datetime | None
    closed_at: datetime | None
    level: int
    hold: str | None
    hold_until: datetime | None
    balance: str
    settled_balance: str
    total_earned: str
    total_withdrawn: str


class FoundView(Struct, frozen=True):
    """Whose address it is."""

    id: int


class UserSignInView(Struct, frozen=True):
    """A device that is signed in."""

    id: UUID
    user_agent: str
    ip_address: str | None
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


class PhoneView(Struct, frozen=True):
    """A phone or browser that is told of notifications."""

    platform: str
    language: str
    seen_at: datetime


class FingerprintView(Struct, frozen=True):
    """A device as it was recognised, and with how many accounts it has been seen."""

    fingerprint: str
    seen_at: datetime
    account_count: int


class DevicesView(Struct, frozen=True):
    """Everything that a user acts from, the one seen last first."""

    sign_ins: list[UserSignInView]
    phones: list[PhoneView]
    fingerprints: list[FingerprintView]


class ActivityView(Struct, frozen=True):
    """One thing that a user did, or that happened to them."""

    id: UUID
    action: str
    resource_type: str
    resource_id: UUID
    metadata: Mapping[str, Any]
    ip_address: str | None
    user_agent: str | None
    created_at: datetime


class ActivityPage(Struct, frozen=True):
    """Newest first."""

    items: list[ActivityView]
    next_cursor: str | None


@post(
    "/users/find",
    status_code=200,
    summary="Find a user by address",
    responses=problems(404),
    opt=needs(Permission.USERS_CONTACT),
)
async def find(
    data: JSONBody[Identity], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> FoundView:
    """Whose e-mail address or phone number it is. Posted, so that no log of requests keeps it."""
    kind, value = identity_of(data)
    user_id = await find_user(
        services.database, services.config.keyring, actor, kind, value, utcnow()
    )
    if user_id is None:
        raise not_found("user")
    return FoundView(user_id)


@get("/users/{subject_id:int}", summary="A user", opt=_READ, response_headers=PRIVATE)
async def user(
    subject_id: UserId, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> UserView:
    """A user and their wallet. Who looked is kept."""
    keyring = services.config.keyring
    row = await view_user(services.database, keyring, actor, subject_id, utcnow())
    if row is None:
        raise not_found("user")
    row |= {name: format_amount(row[name]) for name in _AMOUNTS} | {"role": Role(row["role"])}
    if not may(actor.role, Permission.USERS_CONTACT):
        row |= dict.fromkeys(_CONTACT)
    return UserView(**row)


@get(
    "/users/{subject_id:int}/devices",
    summary="A user's devices",
    opt=_READ,
    response_headers=PRIVATE,
)
async def devices(
    subject_id: UserId, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> DevicesView:
    """Where they are signed in, and what was recognised. Who looked is kept."""
    found = await view_devices(services.database, actor, subject_id, utcnow())
    return DevicesView(
        [UserSignInView(**row) for row in found.sign_ins],
        [PhoneView(**row) for row in found.phones],
        [FingerprintView(**row) for row in found.fingerprints],
    )


@get(
    "/users/{subject_id:int}/ledger",
    summary="A user's ledger",
    opt=_READ,
    response_headers=PRIVATE,
)
async def ledger(
    subject_id: UserId,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    cursor: After = None,
    limit: Limit = 20,
) -> TransactionPage:
    """Their transfers, a page at a time. Who looked is kept."""
    before, now = decode_cursor(cursor), utcnow()
    page = await view_page(services.database, actor, "ledger", subject_id, before, limit, now)
    return transaction_page(page, limit)


@get(
    "/users/{subject_id:int}/sessions",
    summary="A user's sessions",
    opt=_READ,
    response_headers=PRIVATE,
)
async def sessions(
    subject_id: UserId,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    cursor: After = None,
    limit: Limit = 20,
) -> SessionPage:
    """Their mining sessions, a page at a time. Who looked is kept."""
    before, now = decode_cursor(cursor), utcnow()
    page = await view_page(services.database, actor, "sessions", subject_id, before, limit, now)
    return session_page(page, limit)


@get(
    "/users/{subject_id:int}/activity",
    summary="What a user did",
    opt=_READ,
    response_headers=PRIVATE,
)
async def activity(
    subject_id: UserId,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    cursor: After = None,
    limit: Limit = 20,
) -> ActivityPage:
    """Their activity log, a page at a time. Who looked is kept."""
    before, now = decode_cursor(cursor), utcnow()
    page = await view_page(services.database, actor, "activity", subject_id, before, limit, now)
    items = [ActivityView(**{**row, "metadata": msgspec.json.decode(row.metadata)}) for row in page]
    return ActivityPage(items, encode_cursor(page, limit, "created_at"))


handlers: list[Any] = [find, user, devices, ledger, sessions, activity]
