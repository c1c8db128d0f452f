"""Changing one's e-mail address or phone number (decision 0044).

No answer tells whether somebody has the address: what is true goes to the address itself.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Literal

from litestar import Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Struct

from api.identity.codes import TypedCode, code_sent, digits_of
from api.identity.contact_words import new_address_of, tell_new, tell_old
from api.identity.factors import Factor, confirm_factor
from api.identity.guesses import CONTACT, Whose, count_message, guess_at
from api.identity.identities import Identity, new_identity_of
from api.identity.newcomers import check_domain, count_domain, refuse_address
from api.identity.owners import confirmed_owner, own_account
from api.identity.passwords import GivenPassword
from api.identity.signing_in import PRIVATE
from api.web_base.admission import HASHES
from api.web_base.documentation import problems
from api.web_base.problems import ProblemError, bad_field, not_found, suspended, wrong_code
from api.web_base.services import Services
from api.web_base.tokens import Access
from engine.admin.configuration import Configuration
from engine.core.addresses import parse_address
from models.accounts.claims import TakenError
from models.accounts.codes import CodePurpose, check_code, issue_code
from models.accounts.register import Account, is_at
from models.base.db import Row
from models.contacts.change import (
    AlreadyChangingError,
    NoChangeError,
    Wanted,
    apply_change,
    cancel_change,
    confirm_change,
    end_change,
    find_change,
    open_change,
)
from models.fraud.holds import suspended_until
from runtime.clock import utcnow

Side = Literal["new", "old"]
_PURPOSES = {"new": CodePurpose.NEW_ADDRESS, "old": CodePurpose.OLD_ADDRESS}
_STATUSES = {"new": "REQUESTED", "old": "WAITING"}


class ChangeWanted(Identity, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The new address, the password, and with a second factor a code of it."""

    password: GivenPassword
    second_factor: Factor | None = None


class SideGiven(Struct, frozen=True, forbid_unknown_fields=True):
    """Which of the two addresses."""

    address: Side


class CodeGiven(Struct, frozen=True, forbid_unknown_fields=True):
    """The six digits of our message, and to which of the two addresses it went."""

    address: Side
    code: TypedCode


class ContactChange(Struct, frozen=True):
    """REQUESTED until the new address confirms, PROPOSED by support until a colleague approves;
    WAITING until `effective_at`, or until the former one confirms; APPLIED, and to be taken back
    by the former one until `back_until`."""

    kind: str
    address: str
    status: str
    requested_at: datetime
    effective_at: datetime | None
    back_until: datetime | None


@get(
    "/me/contact",
    summary="The change of address under way",
    response_headers=PRIVATE,
    responses=problems(404),
)
async def contact(
    services: NamedDependency[Services], user_id: NamedDependency[int]
) -> ContactChange:
    """404 if there is none."""
    return _view(services, await _open(services, user_id))


@post(
    "/me/contact",
    status_code=201,
    summary="Change the e-mail address or phone number",
    opt=HASHES,
    responses=problems(404, 409, 422),
)
async def want(
    request: Request[Any, Any, Any],
    data: JSONBody[ChangeWanted],
    services: NamedDependency[Services],
    access: NamedDependency[Access],
) -> ContactChange:
    """A code goes to the new address; to be sent to …/contact/confirm within a day.

    The answer is the same if somebody has it: then its owner is told, and there is no code.
    """
    kind, value, address = new_identity_of(data)
    account = await confirmed_owner(request, services, access.user_id, data.password)
    now = utcnow()
    await confirm_factor(request, services, account, data.second_factor, now)
    await refuse_address(services, kind, address)
    async with services.admission.leaving_turn():
        await check_domain(services, address)
    if is_at(account, kind, value):
        raise bad_field(kind, "This is the one that your account has.")
    until = await suspended_until(services.database, account.id, now)
    if until is not None:
        raise suspended(until, "This account is suspended. Change its address once that is over.")
    # The code before the change: a former one's would confirm it.
    index = services.config.keyring.index(kind, value)
    code = await _code(services, account, "new", now, index)
    wanted = Wanted(kind, value, "REQUESTED", access.sign_in_id)
    async with _explained():
        change = await open_change(services.database, services.config.keyring, account, wanted, now)
    services.background.start(tell_new(services, account, change, code))
    return _view(services, change)


@post(
    "/me/contact/code",
    status_code=204,
    summary="Send another code for a change of address",
    responses=problems(404),
)
async def resend(
    data: JSONBody[SideGiven],
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
) -> None:
    """To the new address, or once that has confirmed to the former one. At most one a minute."""
    account, change = await own_account(services, user_id), await _open(services, user_id)
    if change.status != _STATUSES[data.address] or change.proposer_id is not None:
        raise not_found("change that this address could confirm")
    index = ""
    if data.address == "new":
        index = services.config.keyring.index(change.kind, new_address_of(services, change))
    code = await _code(services, account, data.address, utcnow(), index)
    if data.address == "new":
        services.background.start(tell_new(services, account, change, code))
    else:
        days = (await _settings(services)).contact_back_days
        services.background.start(tell_old(services, account, change, code, days))


@post(
    "/me/contact/confirm",
    status_code=200,
    summary="Confirm a change of address",
    responses=problems(404, 409, 422),
)
async def confirm(
    request: Request[Any, Any, Any],
    data: JSONBody[CodeGiven],
    services: NamedDependency[Services],
    access: NamedDependency[Access],
) -> ContactChange:
    """With the code of the new address it waits; with that of the former one it takes effect, and
    ends all sign-ins but the one it was asked for by."""
    now, code = utcnow(), digits_of(data.code)
    account = await own_account(services, access.user_id)
    change = await _open(services, account.id)
    if change.status != _STATUSES[data.address] or change.proposer_id is not None:
        raise not_found("change that this address could confirm")
    guess = await guess_at(CONTACT, request, services, Whose(account.id))
    secret, purpose = services.config.secret, _PURPOSES[data.address]
    if not await check_code(services.database, secret, account.id, purpose, code, now):
        await guess.was_wrong()
        raise wrong_code()
    await guess.was_right()
    if data.address == "new":
        change = await _confirm_new(services, account, change, now)
    if data.address == "old" or change.effective_at <= now:
        change = await _apply(services, change, now)
    return _view(services, change)


@delete(
    "/me/contact", status_code=204, summary="Give up a change of address", responses=problems(404)
)
async def cancel(services: NamedDependency[Services], user_id: NamedDependency[int]) -> None:
    """Before it takes effect. After that only the former address takes it back."""
    async with _explained():
        await cancel_change(services.database, user_id, utcnow())


async def _confirm_new(services: Services, account: Account, change: Row, now: datetime) -> Row:
    if change.kind == "email":  # whoever changes to a domain's address counts as who registers
        await count_domain(services, parse_address(new_address_of(services, change)))
    settings = await _settings(services)
    effective_at = now + timedelta(hours=settings.contact_wait_hours)
    try:
        async with _explained():
            waits = await confirm_change(services.database, change, effective_at, now)
    except TakenError:  # its reader may know
        await end_change(services.database, change, "CANCELLED", now)
        raise ProblemError(
            "identity-taken", "Already registered", 409, "Another account has this address by now."
        ) from None
    secret, purpose = services.config.secret, CodePurpose.OLD_ADDRESS
    code = await issue_code(services.database, secret, account.id, purpose, now)
    days = settings.contact_back_days
    services.background.start(tell_old(services, account, waits, code, days))
    return waits


async def _apply(services: Services, change: Row, now: datetime) -> Row:
    back_for = timedelta(days=(await _settings(services)).contact_back_days)
    async with _explained():
        return await apply_change(services.database, services.copies, change, back_for, now)


async def _code(services: Services, account: Account, side: Side, now: datetime, index: str) -> str:
    secret, purpose = services.config.secret, _PURPOSES[side]
    code = await issue_code(services.database, secret, account.id, purpose, now)
    if code is None:
        raise code_sent()
    await count_message(services, account.id, index)
    return code


async def _open(services: Services, user_id: int) -> Row:
    change = await find_change(services.database, user_id)
    if change is None:
        raise not_found("change of address")
    return change


async def _settings(services: Services) -> Configuration:
    return await services.configurations.at(utcnow())


@asynccontextmanager
async def _explained() -> AsyncIterator[None]:
    try:
        yield
    except AlreadyChangingError as error:
        change = error.change
        until = change.back_until or change.effective_at
        detail = "Another change of this account is under way: give it up, or wait."
        raise ProblemError("conflict", "Not possible now", 409, detail, retry_at=until) from None
    except NoChangeError:
        raise not_found("change of address") from None


def _view(services: Services, change: Row) -> ContactChange:
    return ContactChange(
        change.kind,
        new_address_of(services, change),
        change.status,
        change.requested_at,
        change.effective_at,
        change.back_until,
    )


handlers: list[Any] = [contact, want, resend, confirm, cancel]
