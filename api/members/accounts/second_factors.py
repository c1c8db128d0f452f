"""Second factors: setting them up, and signing in with them (RFC 6238; decision 0027)."""

import secrets
from datetime import datetime
from typing import Annotated, Any, Literal

import pyotp
from litestar import Request, Response, Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Struct

from api.identity.codes import TypedCode, digits_of, refuse_unless, send_sign_in_code
from api.identity.factors import (
    RECOVERY_LETTERS,
    Factor,
    code_of,
    confirm_factor,
    matching_step,
    use_factor,
)
from api.identity.owners import confirmed_owner, own_account
from api.identity.passwords import GivenPassword
from api.identity.signing_in import Tokens, begin
from api.web_base.admission import HASHES
from api.web_base.documentation import problems
from api.web_base.permissions import MEMBER, PUBLIC
from api.web_base.problems import ProblemError, unauthorized, wrong_code
from api.web_base.services import Services
from api.web_base.tokens import Access, read_ticket, ticket_over
from engine.core.text import line
from models.accounts.register import Account
from models.accounts.second_factors import (
    begin_totp,
    confirm_totp,
    find_factors,
    forget_factors,
    send_codes,
)
from runtime.clock import utcnow

RECOVERY_CODES = 10

Ticket = Annotated[str, line(2_048)]


class PasswordGiven(Struct, frozen=True, forbid_unknown_fields=True):
    """The account's password, and with a second factor a code of it: neither an unlocked phone
    nor a stolen password is enough to change what guards it."""

    password: GivenPassword
    second_factor: Factor | None = None


class TicketGiven(Struct, frozen=True, forbid_unknown_fields=True):
    """The ticket that a right password was answered with."""

    ticket: Ticket


class FactorGiven(Struct, frozen=True, forbid_unknown_fields=True):
    """The ticket, and a code by one of its methods."""

    ticket: Ticket
    method: Literal["totp", "code", "recovery"]
    code: TypedCode
    in_cookie: bool = False


class TotpCode(Struct, frozen=True, forbid_unknown_fields=True):
    """The six digits that the app shows."""

    code: TypedCode


class TotpSecret(Struct, frozen=True):
    """For an authenticator app: as a link, and to be typed."""

    secret: str
    uri: str


class RecoveryCodes(Struct, frozen=True):
    """Shown once. Each is good for one sign-in without the second factor."""

    recovery_codes: list[str]


class FactorsView(Struct, frozen=True):
    """How a sign-in has to be confirmed; nothing listed, no second factor."""

    methods: list[str]


@get("/mfa", summary="The second factors", opt=MEMBER, security=[{"bearer": []}])
async def factors(
    services: NamedDependency[Services], user_id: NamedDependency[int]
) -> FactorsView:
    """What a sign-in asks for besides the password."""
    found = await find_factors(services.database, services.config.keyring, user_id)
    return FactorsView(found.methods)


@post(
    "/mfa/totp",
    summary="Set up an authenticator app",
    opt=MEMBER | HASHES,
    security=[{"bearer": []}],
    responses=problems(409, 422),
)
async def set_up_totp(
    request: Request[Any, Any, Any],
    data: JSONBody[PasswordGiven],
    services: NamedDependency[Services],
    access: NamedDependency[Access],
) -> TotpSecret:
    """A new secret. Sign-ins ask for it once its first code was sent to …/mfa/totp/confirm."""
    account = await confirmed_owner(request, services, access.user_id, data.password)
    keyring = services.config.keyring
    if (await find_factors(services.database, keyring, account.id)).has_totp:
        raise _active()  # before a code is used up for nothing
    await confirm_factor(request, services, account, data.second_factor, utcnow())
    secret = pyotp.random_base32()
    if not await begin_totp(services.database, keyring, account.id, secret):
        raise _active()
    name = account.email or account.phone or str(account.id)
    return TotpSecret(secret, pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name="TWTC"))


@post(
    "/mfa/totp/confirm",
    status_code=200,
    summary="Turn the authenticator app on",
    opt=MEMBER,
    security=[{"bearer": []}],
    responses=problems(422),
)
async def confirm(
    data: JSONBody[TotpCode], services: NamedDependency[Services], user_id: NamedDependency[int]
) -> RecoveryCodes:
    """The app shows codes that fit: from now on a sign-in asks for them."""
    now, code = utcnow(), digits_of(data.code)
    found = await find_factors(services.database, services.config.keyring, user_id)
    step = matching_step(found.totp_secret, code, now)
    if step is None or found.has_totp:
        raise wrong_code()
    codes = _recovery_codes()
    if not await confirm_totp(services.database, user_id, found.sealed_secret, step, codes, now):
        raise wrong_code()
    return RecoveryCodes(codes)


@post(
    "/mfa/code",
    status_code=200,
    summary="Have a code sent at each sign-in",
    opt=MEMBER | HASHES,
    security=[{"bearer": []}],
    responses=problems(422),
)
async def set_up_codes(
    request: Request[Any, Any, Any],
    data: JSONBody[PasswordGiven],
    services: NamedDependency[Services],
    access: NamedDependency[Access],
) -> RecoveryCodes:
    """Only to a verified address: otherwise its owner would lock themselves out."""
    account = await confirmed_owner(request, services, access.user_id, data.password)
    if account.verified_at is None:
        raise ProblemError(
            "verification-required", "Address not verified", 403, "Verify the address first."
        )
    await confirm_factor(request, services, account, data.second_factor, utcnow())
    codes = _recovery_codes()
    await send_codes(services.database, account.id, codes)
    return RecoveryCodes(codes)


@delete(
    "/mfa",
    status_code=204,
    summary="Remove the second factors",
    opt=MEMBER | HASHES,
    security=[{"bearer": []}],
    responses=problems(422),
)
async def remove(
    request: Request[Any, Any, Any],
    data: JSONBody[PasswordGiven],
    services: NamedDependency[Services],
    access: NamedDependency[Access],
) -> None:
    """From now on the password alone is enough."""
    account = await confirmed_owner(request, services, access.user_id, data.password)
    await confirm_factor(request, services, account, data.second_factor, utcnow())
    await forget_factors(services.database, account.id)


async def _account_of(services: Services, ticket: str, now: datetime) -> Account:
    read = read_ticket(services.config.secret, ticket, now)
    account = await own_account(services, read.user_id)
    if not read.is_of(account.password_hash):
        raise ticket_over()
    return account


@post(
    "/mfa/send",
    status_code=204,
    summary="Send the code for a sign-in",
    responses=problems(401, 422),
)
async def send(
    request: Request[Any, Any, Any],
    data: JSONBody[TicketGiven],
    services: NamedDependency[Services],
) -> None:
    """For the method `code`. At most one a minute."""
    now = utcnow()
    account = await _account_of(services, data.ticket, now)
    user_id = account.id
    found = await find_factors(services.database, services.config.keyring, user_id)
    if not found.sends_codes:
        raise wrong_code()
    await refuse_unless(send_sign_in_code(request, services, account, now))


@post(
    "/mfa",
    status_code=200,
    summary="Sign in with the second factor",
    responses=problems(401),
)
async def sign_in(
    request: Request[Any, Any, Any],
    data: JSONBody[FactorGiven],
    services: NamedDependency[Services],
) -> Response[Tokens]:
    """After /v1/auth/login answered a ticket. Five wrong codes in a quarter of an hour, or ten a
    day, and one has to wait; on a device that has signed in before strangers' do not count, and
    neither do they for recovery codes and long ones.
    """
    now, code = utcnow(), code_of(data.method, data.code)
    account = await _account_of(services, data.ticket, now)
    if not await use_factor(request, services, account.id, data.method, code, now):
        raise unauthorized("This code is wrong, used or too old.")
    return await begin(request, services, account, now, in_cookie=data.in_cookie)


def _active() -> ProblemError:
    detail = "Remove the second factor first."
    return ProblemError("mfa-active", "Second factor active", 409, detail)


def _recovery_codes() -> list[str]:
    return [secrets.token_hex(RECOVERY_LETTERS // 2) for _ in range(RECOVERY_CODES)]


handlers: list[Any] = [factors, set_up_totp, confirm, set_up_codes, remove, send, sign_in]
router = Router("/v1/auth", route_handlers=handlers, tags=["accounts"], opt=PUBLIC)
