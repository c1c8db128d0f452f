"""Registering: a ticket for whoever asks, an account for who also has the code of our message.

No answer tells whether an address is known, and none takes another time for it: the work is the
same, and what is true goes to the address itself (decision 0043).
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Request, Response, Router, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody
from msgspec import Struct

from api.identity.allowances import allowance_of, last_one_holds
from api.identity.codes import (
    TypedCode,
    code_sent,
    digits_of,
    refuse_unless,
    send_code,
    sent_digits_of,
    tell_applicant,
)
from api.identity.guesses import REGISTER, VERIFY, Whose, guess_at
from api.identity.identities import Identity, new_identity_of
from api.identity.newcomers import check_domain, count_domain, refuse_address
from api.identity.owners import own_account
from api.identity.passwords import Password, hash_password, refuse_weak
from api.identity.signing_in import PRIVATE, Tokens, begin
from api.web_base.admission import HASHES
from api.web_base.documentation import problems
from api.web_base.permissions import PUBLIC
from api.web_base.problems import ProblemError, bad_field, unauthorized, wrong_code
from api.web_base.services import Services
from api.web_base.tokens import signed_in
from engine.core.addresses import parse_address
from engine.core.text import line
from engine.fraud.levels import Hold
from engine.referrals.codes import referrer_of
from models.accounts.address_codes import AddressPurpose, issue_address_code
from models.accounts.codes import CodePurpose, check_code
from models.accounts.register import (
    Account,
    IdentityTakenError,
    Newcomer,
    find_account,
    find_by_identity,
    register,
)
from models.accounts.registrations import (
    LIFETIME,
    Applicant,
    begin_registration,
    check_registration,
    count_message,
    find_applicant,
    note_account,
    open_registration,
)
from models.accounts.verification import verify_address
from models.fraud.holds import lift_hold
from runtime.clock import utcnow

Language = Literal["en", "ar"]
Ticket = Annotated[str, line(128)]


class Registration(Identity, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A newcomer, and who sent them."""

    password: Password
    language: Language = "en"
    referral_code: Annotated[str, line(64)] | None = None


class Registered(Struct, frozen=True):
    """Send the ticket to /v1/auth/verify, with the code from our message, while it is good."""

    ticket: str
    expires_in: int


class CodeGiven(Struct, frozen=True, forbid_unknown_fields=True):
    """The digits of our message, and the ticket of the registration; without a ticket, for the
    account that is signed in. `in_cookie`: for browsers, keeps the refresh token from scripts."""

    code: TypedCode
    ticket: Ticket | None = None
    in_cookie: bool = False


class CodeWanted(Struct, frozen=True, forbid_unknown_fields=True):
    """The ticket of the registration; without it, for the account that is signed in."""

    ticket: Ticket | None = None


@post(
    "/register",
    status_code=202,
    summary="Register",
    opt=HASHES | {"limits": ("registrations",)},
    responses=problems(422),
)
async def register_account(
    request: Request[Any, Any, Any],
    data: JSONBody[Registration],
    services: NamedDependency[Services],
) -> Response[Registered]:
    """A message goes to the address: a code, or word of the account that it has already.

    The answer is the same, and nothing exists yet: /v1/auth/verify makes the account.
    """
    kind, value, address = new_identity_of(data)
    await refuse_address(services, kind, address)
    referred_by = _referrer(data.referral_code)
    if services.background.is_full():
        raise services.admission.refuse()
    async with services.admission.leaving_turn():
        await check_domain(services, address)
        await refuse_weak(services.http, services.config.breaches_url, data.password, value)
    hashed = await hash_password(data.password)
    now, keyring = utcnow(), services.config.keyring
    index = keyring.index(kind, value)
    applicant = Applicant(kind, value, index, hashed, data.language, referred_by)
    ticket = await begin_registration(services.database, keyring, applicant, now)
    # Or else a message of before has a code for it: of a moment ago, or the day's last one.
    await _send(request, services, applicant, ticket, now)
    return Response(Registered(ticket, LIFETIME.seconds), headers=PRIVATE)


def _referrer(code: str | None) -> int | None:
    if code is None:
        return None
    user_id = referrer_of(code)
    if user_id is None:
        raise bad_field("referral_code", "This is no referral code. Correct it, or leave it out.")
    return user_id


async def _send(
    request: Request[Any, Any, Any],
    services: Services,
    applicant: Applicant,
    ticket: str,
    now: datetime,
) -> ProblemError | None:
    """Have a new code sent; or say why not."""
    whose, purpose = Whose(None, applicant.index), AddressPurpose.REGISTER
    allowance = await allowance_of(REGISTER, request, services, whose)
    if allowance.length is None:
        return last_one_holds()
    database, secret = services.database, services.config.secret
    code = await issue_address_code(
        database, secret, applicant.index, purpose, now, allowance.length
    )
    if code is None:
        return code_sent()
    await allowance.use()
    await count_message(database, ticket)
    services.background.start(tell_applicant(services, applicant, code))
    return None


@post(
    "/verify",
    status_code=200,
    summary="Verify the address",
    responses=problems(401, 422) | {204: ResponseSpec(None)},
)
async def verify(
    request: Request[Any, Any, Any],
    data: JSONBody[CodeGiven],
    services: NamedDependency[Services],
) -> Response[Tokens]:
    """Prove to have read our message. With the ticket of a registration it makes the account and
    signs in; sent again, since the answer was lost, it signs in once more.

    Without a ticket the address of who is signed in is verified, and the answer is 204.
    """
    now = utcnow()
    if data.ticket is None:
        await _verify_own(request, services, digits_of(data.code), now)
        return Response(None, status_code=204)  # type: ignore[arg-type]
    account = await _account_for(request, services, data.ticket, sent_digits_of(data.code), now)
    return await begin(request, services, account, now, in_cookie=data.in_cookie)


async def _account_for(
    request: Request[Any, Any, Any], services: Services, ticket: str, code: str, now: datetime
) -> Account:
    """The account that a ticket and its code lead to. Raise ProblemError (422) for others."""
    database, keyring = services.database, services.config.keyring
    opened = await open_registration(database, keyring, ticket, now)
    if opened is None:
        raise wrong_code()
    whose = Whose(None, opened.applicant.index)
    # Its own attempts were counted. They are five with a message, of which a day has few: what
    # other tickets guess at the same code keeps nobody out who was sent one.
    guess = None
    if not opened.was_sent:
        guess = await guess_at(REGISTER, request, services, whose, code)
    if not await check_registration(database, services.config.secret, opened, code, now):
        raise wrong_code()
    if guess is not None:
        await guess.was_right()
    await (await allowance_of(REGISTER, request, services, whose)).renew()
    if opened.user_id is None:
        return await _make_account(services, opened.applicant, ticket, code, now)
    return _made_by(await find_account(database, keyring, opened.user_id), opened.applicant)


def _made_by(account: Account | None, applicant: Applicant) -> Account:
    """The account that an applicant has, as long as it is as it began. Its password was hashed for
    this ticket alone: no other account has the same, and a new one ends all that was before."""
    if (
        account is None
        or not account.is_active
        or account.has_second_factors
        or account.password_hash != applicant.password_hash
    ):
        raise wrong_code()
    return account


async def _make_account(
    services: Services, applicant: Applicant, ticket: str, code: str, now: datetime
) -> Account:
    # Not before: whoever cannot read a domain's mailboxes does not use up what it may have.
    if applicant.kind == "email":
        await count_domain(services, parse_address(applicant.address))
    database, keyring = services.database, services.config.keyring
    referrer = applicant.referred_by
    if referrer is not None and not await find_account(database, keyring, referrer):
        referrer = None
    newcomer = Newcomer(
        applicant.kind,
        applicant.address,
        applicant.password_hash,
        applicant.language,
        referrer,
        verified_at=now,
    )
    try:
        account = await register(database, keyring, services.installation.table, newcomer, now)
    except IdentityTakenError:  # perhaps by this very ticket, whose answer was lost
        known = await find_by_identity(database, keyring, applicant.kind, applicant.address)
        account = _made_by(known, applicant)
    secret = services.config.secret
    await note_account(database, secret, ticket, applicant.index, code, account.id)
    return account


async def _verify_own(
    request: Request[Any, Any, Any], services: Services, code: str, now: datetime
) -> None:
    """For accounts from before, and when something looked wrong."""
    user_id = signed_in(services, request.headers.get("authorization", ""))
    secret, purpose = services.config.secret, CodePurpose.VERIFY
    guess = await guess_at(VERIFY, request, services, Whose(user_id))
    if not await check_code(services.database, secret, user_id, purpose, code, now):
        await guess.was_wrong()
        raise wrong_code()
    await guess.was_right()
    await verify_address(services.database, services.copies, user_id, now)
    await lift_hold(services.database, services.copies, user_id, [Hold.VERIFICATION], now)


@post("/verification-code", status_code=204, summary="Send another code", responses=problems(401))
async def resend(
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    data: JSONBody[CodeWanted | None] = None,
) -> None:
    """Send a new code; the one before is good no more. At most one a minute."""
    now = utcnow()
    if data is None or data.ticket is None:
        await _resend_own(services, request.headers.get("authorization", ""), now)
        return
    if services.background.is_full():
        raise services.admission.refuse()
    applicant = await find_applicant(services.database, services.config.keyring, data.ticket, now)
    if applicant is None:
        raise unauthorized("This registration took too long. Begin again.")
    problem = await _send(request, services, applicant, data.ticket, now)
    if problem is not None:
        raise problem


async def _resend_own(services: Services, authorization: str, now: datetime) -> None:
    account = await own_account(services, signed_in(services, authorization))
    if account.verified_at is None or account.hold == Hold.VERIFICATION:
        await refuse_unless(send_code(services, account, CodePurpose.VERIFY, now))


handlers: list[Any] = [register_account, verify, resend]
router = Router("/v1/auth", route_handlers=handlers, tags=["accounts"], opt=PUBLIC)
