"""Passwords: changing one, and choosing a new one with a code from our message."""

from typing import Any

from litestar import Request, Router, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Struct

from api.admission import HASHES
from api.auth import Access
from api.codes import TypedCode, digits_of, tell_owner, wrong_code
from api.documentation import problems
from api.factors import Factor, confirm_factor
from api.guesses import FORGOTTEN, RESET, Whose, guess_at
from api.identities import Identity, identity_of
from api.owners import confirmed_owner
from api.passwords import GivenPassword, Password, hash_password, refuse_weak
from api.permissions import MEMBER, PUBLIC
from api.services import Services
from models.accounts import Account, find_by_identity
from models.address_codes import (
    AddressPurpose,
    check_address_code,
    issue_address_code,
    use_address_code,
)
from models.clock import utcnow
from models.verification import change_password, verify_address


class NewPassword(Identity, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The address, the code that was sent to it, and the password that holds from now on."""

    code: TypedCode
    password: Password


class PasswordChange(Struct, frozen=True, forbid_unknown_fields=True):
    """The password that holds, the one that is to hold, and with a second factor a code of it."""

    password: GivenPassword
    new_password: Password
    second_factor: Factor | None = None


@post("/password/forgotten", status_code=204, summary="Ask for a code to choose a new password")
async def forgotten(
    request: Request[Any, Any, Any],
    data: JSONBody[Identity],
    services: NamedDependency[Services],
) -> None:
    """The same answer and the same work whether there is such an account or not."""
    kind, value = identity_of(data)
    account, whose = await _asked_for(services, kind, value)
    await guess_at(FORGOTTEN, request, services, whose)
    if services.errands.is_full():
        raise services.admission.refuse()
    secret, purpose = services.config.secret, AddressPurpose.RESET
    code = await issue_address_code(services.database, secret, whose.index, purpose, utcnow())
    if code is not None:
        services.errands.start(tell_owner(services, account, kind, value, code))


async def _asked_for(services: Services, kind: str, value: str) -> tuple[Account | None, Whose]:
    keyring = services.config.keyring
    account = await find_by_identity(services.database, keyring, kind, value)
    return account, Whose(account.id if account else None, keyring.index(kind, value))


@post(
    "/password/reset",
    status_code=204,
    summary="Choose a new password",
    opt=HASHES,
    responses=problems(422),
)
async def reset(
    request: Request[Any, Any, Any],
    data: JSONBody[NewPassword],
    services: NamedDependency[Services],
) -> None:
    """With the code from our message. It ends all sign-ins; the second factor stays."""
    (kind, value), code = identity_of(data), digits_of(data.code)
    await refuse_weak(services.http, services.config.breaches_url, data.password, value)
    account, whose = await _asked_for(services, kind, value)
    # A new code every minute would give an attacker five guesses in each.
    guess = await guess_at(RESET, request, services, whose)
    # Before any code is looked at: it takes the same time for all.
    hashed = await hash_password(data.password)
    now, database = utcnow(), services.database
    secret, purpose = services.config.secret, AddressPurpose.RESET
    is_right = await check_address_code(database, secret, whose.index, purpose, code, now)
    if is_right:
        is_right = await use_address_code(database, secret, whose.index, purpose, code)
    if account is None or not is_right:
        await guess.was_wrong()
        raise wrong_code()
    await guess.was_right()
    await change_password(database, account.id, hashed, now)
    # Whoever read this message reads this address.
    await verify_address(database, services.copies, account.id, now)


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
    await refuse_weak(services.http, services.config.breaches_url, data.new_password, address)
    hashed = await hash_password(data.new_password)
    now = utcnow()
    await confirm_factor(request, services, account, data.second_factor, now)
    await change_password(services.database, account.id, hashed, now, access.sign_in_id)


handlers: list[Any] = [forgotten, reset, change]
router = Router("/v1/auth", route_handlers=handlers, tags=["accounts"], opt=PUBLIC)
