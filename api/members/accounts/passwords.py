"""Passwords: changing one, and choosing a new one with a code from our message."""

from typing import Annotated, Any

from litestar import Request, Response, Router, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Struct

from api.identity.allowances import allowance_of
from api.identity.codes import TypedCode, sent_digits_of, tell_owner
from api.identity.devices import READER_FOR, reader_device
from api.identity.factors import Factor, confirm_factor
from api.identity.guesses import FORGOTTEN, RESET, Whose, count_attempt, guess_at
from api.identity.identities import Identity, identity_of
from api.identity.owners import confirmed_owner
from api.identity.passwords import GivenPassword, Password, hash_password, refuse_weak
from api.identity.reset_tickets import GOOD_FOR, new_reset_ticket, read_reset_ticket
from api.identity.signing_in import PRIVATE, known_cookie
from api.web_base.admission import HASHES
from api.web_base.documentation import problems
from api.web_base.permissions import MEMBER, PUBLIC
from api.web_base.problems import wrong_code
from api.web_base.services import Services
from api.web_base.tokens import Access
from engine.core.text import line
from models.accounts.address_codes import (
    AddressPurpose,
    check_address_code,
    issue_address_code,
    use_address_code,
)
from models.accounts.register import Account, find_by_identity
from models.accounts.verification import change_password, verify_address
from runtime.clock import utcnow


class PasswordForgotten(Struct, frozen=True):
    """Send the ticket to /v1/auth/password/reset, with the code from our message, while it is
    good."""

    ticket: str
    expires_in: int


class NewPassword(Struct, frozen=True, forbid_unknown_fields=True):
    """The ticket, the digits of our message, and the password that holds from now on. `in_cookie`:
    for browsers, keeps `known_device` from scripts."""

    ticket: Annotated[str, line(1_024)]
    code: TypedCode
    password: Password
    in_cookie: bool = False


class PasswordChosen(Struct, frozen=True):
    """For the header `Known-Device` of the sign-in that follows within the hour: strangers' wrong
    passwords do not count for it. None if it is in a cookie."""

    known_device: str | None


class PasswordChange(Struct, frozen=True, forbid_unknown_fields=True):
    """The password that holds, the one that is to hold, and with a second factor a code of it."""

    password: GivenPassword
    new_password: Password
    second_factor: Factor | None = None


@post("/password/forgotten", status_code=202, summary="Ask for a code to choose a new password")
async def forgotten(
    request: Request[Any, Any, Any],
    data: JSONBody[Identity],
    services: NamedDependency[Services],
) -> Response[PasswordForgotten]:
    """The same answer and the same work whether there is such an account or not.

    Within a minute, or after many messages in a day, nothing is sent: the code of the last one is
    good for this ticket too.
    """
    kind, value = identity_of(data)
    account, whose = await _asked_for(services, kind, value)
    await guess_at(FORGOTTEN, request, services, whose)
    if services.background.is_full():
        raise services.admission.refuse()
    now, database = utcnow(), services.database
    allowance = await allowance_of(RESET, request, services, whose)
    if allowance.length is not None:
        secret, purpose, length = services.config.secret, AddressPurpose.RESET, allowance.length
        code = await issue_address_code(database, secret, whose.index, purpose, now, length)
        if code is not None:
            await allowance.use()
            services.background.start(tell_owner(services, account, kind, value, code))
    ticket = new_reset_ticket(services.config.keyring, kind, value, now)
    return Response(PasswordForgotten(ticket, GOOD_FOR.seconds), headers=PRIVATE)


async def _asked_for(services: Services, kind: str, value: str) -> tuple[Account | None, Whose]:
    keyring = services.config.keyring
    account = await find_by_identity(services.database, keyring, kind, value)
    return account, Whose(account.id if account else None, keyring.index(kind, value))


@post(
    "/password/reset",
    status_code=200,
    summary="Choose a new password",
    opt=HASHES,
    responses=problems(422),
)
async def reset(
    request: Request[Any, Any, Any],
    data: JSONBody[NewPassword],
    services: NamedDependency[Services],
) -> Response[PasswordChosen]:
    """With the code from our message. It ends all sign-ins; the second factor stays."""
    code, now = sent_digits_of(data.code), utcnow()
    asked = read_reset_ticket(services.config.keyring, data.ticket, now)
    if asked is None:
        raise wrong_code()
    async with services.admission.leaving_turn():
        await refuse_weak(services.http, services.config.breaches_url, data.password, asked.address)
    await count_attempt(services, data.ticket)
    account, whose = await _asked_for(services, asked.kind, asked.address)
    # A new code every minute would give an attacker five guesses in each.
    guess = await guess_at(RESET, request, services, whose, code)
    # Before any code is looked at: it takes the same time for all.
    hashed = await hash_password(data.password)
    database = services.database
    secret, purpose = services.config.secret, AddressPurpose.RESET
    is_right = await check_address_code(database, secret, whose.index, purpose, code, now)
    if is_right:
        is_right = await use_address_code(database, secret, whose.index, purpose, code)
    if account is None or not is_right:
        await guess.was_wrong()
        raise wrong_code()
    await guess.was_right()
    await (await allowance_of(RESET, request, services, whose)).renew()
    await change_password(database, account.id, hashed, now)
    # Whoever read this message reads this address.
    await verify_address(database, services.copies, account.id, now)
    known = reader_device(secret, account.id, now)
    return Response(
        PasswordChosen(None if data.in_cookie else known),
        headers=PRIVATE,
        cookies=[known_cookie(known, READER_FOR)] if data.in_cookie else [],
    )


@post(
    "/password",
    status_code=204,
    summary="Change the password",
    opt=MEMBER | HASHES,
    security=[{"bearer": []}],
    responses=problems(422),
)
async def change(
    request: Request[Any, Any, Any],
    data: JSONBody[PasswordChange],
    services: NamedDependency[Services],
    access: NamedDependency[Access],
) -> None:
    """Ends the sign-ins on all other devices."""
    account = await confirmed_owner(request, services, access.user_id, data.password)
    address = account.email or account.phone or ""
    async with services.admission.leaving_turn():
        await refuse_weak(services.http, services.config.breaches_url, data.new_password, address)
    hashed = await hash_password(data.new_password)
    now = utcnow()
    await confirm_factor(request, services, account, data.second_factor, now)
    await change_password(services.database, account.id, hashed, now, access.sign_in_id)


handlers: list[Any] = [forgotten, reset, change]
router = Router("/v1/auth", route_handlers=handlers, tags=["accounts"], opt=PUBLIC)
