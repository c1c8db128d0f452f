"""Second factors put to use: at a sign-in, and before what guards an account is changed."""

import hmac
import re
from contextlib import suppress
from datetime import datetime
from typing import Any, Literal

import pyotp
from litestar import Request
from msgspec import Struct

from api.identity.allowances import allowance_of
from api.identity.codes import TypedCode, digits_of, send_sign_in_code, sent_digits_of
from api.identity.guesses import SECOND_FACTOR, Whose, guess_at
from api.messages.senders import NotSentError
from api.web_base.problems import ProblemError, bad_field, wrong_code
from api.web_base.services import Services
from engine.core.plain import plain_code
from engine.core.timeline import micros
from models.accounts.codes import CodePurpose, check_code
from models.accounts.register import Account
from models.accounts.second_factors import Factors, find_factors, use_recovery_code, use_step

STEP_SECONDS = 30
RECOVERY_LETTERS = 20
_RECOVERY_CODE = re.compile(f"[0-9a-f]{{{RECOVERY_LETTERS}}}")


class Factor(Struct, frozen=True, forbid_unknown_fields=True):
    """A code by one of the methods that the account has set up."""

    method: Literal["totp", "code", "recovery"]
    code: TypedCode


async def confirm_factor(
    request: Request[Any, Any, Any],
    services: Services,
    account: Account,
    given: Factor | None,
    now: datetime,
) -> None:
    """Use up a fresh code of the account's second factor, if it has one.

    Raise ProblemError: 403 without a code, and then one is sent if that is a method; 422 for a
    wrong one; 429 after too many of those.
    """
    found = await find_factors(services.database, services.config.keyring, account.id)
    if not found.methods:
        return
    if given is None:
        if found.sends_codes:
            with suppress(NotSentError):  # logged; the other methods still do
                await send_sign_in_code(request, services, account, now)
        raise ProblemError(
            "second-factor-needed",
            "Second factor needed",
            403,
            "Send `second_factor` as well: a fresh code by one of the methods of /v1/auth/mfa.",
        )
    code = code_of(given.method, given.code)
    if not await use_factor(request, services, account.id, given.method, code, now):
        raise wrong_code()


async def use_factor(
    request: Request[Any, Any, Any],
    services: Services,
    user_id: int,
    method: str,
    code: str,
    now: datetime,
) -> bool:
    """Whether a code is right, and used up by that. Counted before it is compared.

    Raise ProblemError (429) after too many that were wrong.
    """
    found = await find_factors(services.database, services.config.keyring, user_id)
    guess = await guess_at(SECOND_FACTOR, request, services, Whose(user_id), code)
    if not await _fits(services, user_id, found, method, code, now):
        await guess.was_wrong()
        return False
    await guess.was_right()
    if method == "code":
        await (await allowance_of(SECOND_FACTOR, request, services, Whose(user_id))).renew()
    return True


def code_of(method: str, typed: str) -> str:
    """What is compared. Raise ValidationException (400) for what can be no code of its method."""
    if method != "recovery":
        return digits_of(typed) if method == "totp" else sent_digits_of(typed)
    code = plain_code(typed)
    if not _RECOVERY_CODE.fullmatch(code):
        raise bad_field("code", f"A recovery code has {RECOVERY_LETTERS} letters and digits.")
    return code


async def _fits(
    services: Services, user_id: int, found: Factors, method: str, code: str, now: datetime
) -> bool:
    if method not in found.methods:
        return False
    if method == "totp":
        step = matching_step(found.totp_secret, code, now)
        return step is not None and await use_step(services.database, user_id, step)
    if method == "code":
        secret, purpose = services.config.secret, CodePurpose.SIGN_IN
        return await check_code(services.database, secret, user_id, purpose, code, now)
    return await use_recovery_code(services.database, user_id, code)


def matching_step(secret: str | None, code: str, now: datetime) -> int | None:
    """The time step whose code this is: the present one, or one beside it for slow clocks."""
    if secret is None:
        return None
    totp, present = pyotp.TOTP(secret), micros(now) // (STEP_SECONDS * 1_000_000)
    steps = (present, present - 1, present + 1)
    fitting = [s for s in steps if hmac.compare_digest(totp.generate_otp(s), code)]
    return fitting[0] if fitting else None
