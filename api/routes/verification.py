"""Codes sent to an address: verifying it, and choosing a new password."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from litestar import Request, Response, Router, post
from litestar.background_tasks import BackgroundTask
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Struct

from api.admission import HASHES
from api.auth import Access
from api.codes import TypedCode, digits_of, send_code
from api.documentation import problems
from api.guesses import FORGOTTEN, RESET, VERIFY, Whose, guess_at
from api.identities import Identity, identity_of
from api.messages.senders import NotSentError
from api.newcomers import message_not_sent
from api.owners import confirmed_owner, own_account
from api.passwords import GivenPassword, Password, hash_password, refuse_weak
from api.permissions import MEMBER, PUBLIC
from api.problems import ProblemError
from api.services import Services
from engine.fraud.levels import Hold
from models.accounts import Account, find_by_identity
from models.clock import utcnow
from models.codes import PAUSE, CodePurpose, check_code
from models.fraud import lift_hold
from models.verification import change_password, verify_address


class CodeGiven(Struct, frozen=True, forbid_unknown_fields=True):
    """The six digits of our message."""

    code: TypedCode


class NewPassword(Identity, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The address, the code that was sent to it, and the password that holds from now on."""

    code: TypedCode
    password: Password


class PasswordChange(Struct, frozen=True, forbid_unknown_fields=True):
    """The password that holds, and the one that is to hold."""

    password: GivenPassword
    new_password: Password


@post(
    "/verify",
    status_code=204,
    summary="Verify the address",
    opt=MEMBER,
    security=[{"bearer": []}],
    responses=problems(422),
)
async def verify(
    request: Request[Any, Any, Any],
    data: JSONBody[CodeGiven],
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
) -> None:
    """Prove to have read our message. From then on one can earn."""
    now, code = utcnow(), digits_of(data.code)
    secret, purpose = services.config.secret, CodePurpose.VERIFY
    guess = await guess_at(VERIFY, request, services, Whose(user_id))
    if not await check_code(services.database, secret, user_id, purpose, code, now):
        await guess.was_wrong()
        raise wrong_code()
    await guess.was_right()
    await verify_address(services.database, services.copies, user_id, now)
    await lift_hold(services.database, services.copies, user_id, [Hold.VERIFICATION], now)


@post(
    "/verification-code",
    status_code=204,
    summary="Send another code",
    opt=MEMBER,
    security=[{"bearer": []}],
)
async def resend(services: NamedDependency[Services], user_id: NamedDependency[int]) -> None:
    """Send a new code; the one before is good no more. At most one a minute."""
    account = await own_account(services, user_id)
    if account.verified_at is not None and account.hold != Hold.VERIFICATION:
        return
    await send_or_refuse(services, account, CodePurpose.VERIFY, utcnow())


@post("/password/forgotten", status_code=204, summary="Ask for a code to choose a new password")
async def forgotten(
    request: Request[Any, Any, Any],
    data: JSONBody[Identity],
    services: NamedDependency[Services],
) -> Response[None]:
    """The same answer whether there is such an account or not."""
    kind, value = identity_of(data)
    keyring = services.config.keyring
    account = await find_by_identity(services.database, keyring, kind, value)
    whose = Whose(account.id if account else None, keyring.index(kind, value))
    await guess_at(FORGOTTEN, request, services, whose)
    if account is None or not account.is_active:
        return Response(None, status_code=204)
    task = BackgroundTask(_send_quietly, services, account, utcnow())
    return Response(None, status_code=204, background=task)


async def _send_quietly(services: Services, account: Account, now: datetime) -> None:
    with suppress(NotSentError):  # logged by the sender; whoever waits for it asks again
        await send_code(services, account, CodePurpose.RESET, now)


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
    keyring = services.config.keyring
    await refuse_weak(services.http, services.config.breaches_url, data.password, value)
    now = utcnow()
    account = await find_by_identity(services.database, keyring, kind, value)
    # A new code every minute would give an attacker five guesses in each.
    whose = Whose(account.id if account else None, keyring.index(kind, value))
    guess = await guess_at(RESET, request, services, whose)
    secret, purpose = services.config.secret, CodePurpose.RESET
    if account is None or not await check_code(
        services.database, secret, account.id, purpose, code, now
    ):
        await guess.was_wrong()
        raise wrong_code()
    await guess.was_right()
    hashed = await hash_password(data.password)
    await change_password(services.database, account.id, hashed, now)
    # Whoever read this message reads this address.
    await verify_address(services.database, services.copies, account.id, now)


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
    await change_password(services.database, account.id, hashed, utcnow(), access.sign_in_id)


async def send_or_refuse(
    services: Services, account: Account, purpose: CodePurpose, now: datetime
) -> None:
    """Send a code, or raise the problem that kept it from being sent."""
    try:
        sent = await send_code(services, account, purpose, now)
    except NotSentError:
        raise message_not_sent() from None
    if not sent:
        raise ProblemError(
            "code-sent",
            "Code sent a moment ago",
            429,
            "A code was sent less than a minute ago. Look for it before you ask for another.",
            {"Retry-After": str(PAUSE.seconds)},
        )


def wrong_code() -> ProblemError:
    """422, whatever is wrong with it: the digits, its age, or its five attempts."""
    return ProblemError(
        "code-wrong", "Wrong code", 422, "This code is wrong, used or too old. Ask for another one."
    )


handlers: list[Any] = [verify, resend, forgotten, reset, change]
router = Router("/v1/auth", route_handlers=handlers, tags=["accounts"], opt=PUBLIC)
