"""Sending codes to addresses, and reading what people type of them."""

from collections.abc import Coroutine
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any

from litestar import Request
from msgspec import Meta

from api.identity.allowances import allowance_of, last_one_holds
from api.identity.guesses import SECOND_FACTOR, Whose, count_message
from api.identity.newcomers import message_not_sent
from api.messages.senders import NotSentError
from api.messages.texts import code_message, known_message
from api.web_base.problems import ProblemError, bad_field
from api.web_base.services import Services
from engine.core.plain import is_digits, plain_code
from models.accounts.claims import claim_of, holder_of
from models.accounts.codes import LONG, PAUSE, SHORT, CodePurpose, issue_code
from models.accounts.register import Account, find_account
from models.accounts.registrations import Applicant

# Digits of any script; spaces, dashes and marks of direction do not matter.
TypedCode = Annotated[str, Meta(min_length=6, max_length=64)]


def digits_of(typed: str) -> str:
    """The six digits of a code, however they were typed.

    Raise ValidationException (400) for what can be no code: it is a slip, and counts as no guess.
    """
    code = plain_code(typed)
    if not is_digits(code, SHORT.digits):
        raise bad_field("code", f"A code has {SHORT.digits} digits.")
    return code


def sent_digits_of(typed: str) -> str:
    """As `digits_of`, of a code that may be a long one."""
    code = plain_code(typed)
    if not (is_digits(code, SHORT.digits) or is_digits(code, LONG.digits)):
        raise bad_field("code", f"A code has {SHORT.digits} digits, or {LONG.digits}.")
    return code


async def send_code(
    services: Services, account: Account, purpose: CodePurpose, now: datetime
) -> bool:
    """Send a new code to an account's address. False if one was sent less than a minute ago.

    Raise NotSentError if it did not leave, and ProblemError (429) after too many a day.
    """
    code = await issue_code(services.database, services.config.secret, account.id, purpose, now)
    if code is None:
        return False
    await count_message(services, account.id)
    await _send(services, account, purpose, code)
    return True


async def send_sign_in_code(
    request: Request[Any, Any, Any], services: Services, account: Account, now: datetime
) -> bool:
    """As `send_code`, of the second factor: whoever has the password may ask, a stranger too."""
    whose, purpose = Whose(account.id), CodePurpose.SIGN_IN
    allowance = await allowance_of(SECOND_FACTOR, request, services, whose)
    if allowance.length is None:
        raise last_one_holds()
    database, secret = services.database, services.config.secret
    code = await issue_code(database, secret, account.id, purpose, now, allowance.length)
    if code is None:
        return False
    await allowance.use()
    await _send(services, account, purpose, code)
    return True


async def _send(services: Services, account: Account, purpose: CodePurpose, code: str) -> None:
    message = code_message(purpose, code, account.language)
    kind, address = ("email", account.email) if account.email else ("phone", account.phone)
    await services.messenger.send(kind, address or "", message)


async def refuse_unless(sent: Coroutine[Any, Any, bool]) -> None:
    """Raise the problem that kept a code from being sent."""
    try:
        is_sent = await sent
    except NotSentError:
        raise message_not_sent() from None
    if not is_sent:
        raise code_sent()


async def tell_applicant(services: Services, applicant: Applicant, code: str) -> None:
    """Send who registers their code; or tell them of the account that they have.

    In the background: who reads the answer does not learn which, neither from it nor from its time.
    """
    database, keyring = services.database, services.config.keyring
    claim = claim_of(keyring, applicant.kind, applicant.address)
    holder = await holder_of(database, claim)
    account = await find_account(database, keyring, holder) if holder is not None else None
    if account is None:
        message = code_message(CodePurpose.VERIFY, code, applicant.language)
    else:
        message = known_message(account.language)
    with suppress(NotSentError):  # logged by the sender; whoever waits for it asks again
        await services.messenger.send(applicant.kind, applicant.address, message)


async def tell_owner(
    services: Services, account: Account | None, kind: str, address: str, code: str
) -> None:
    """Send a code for a new password to the address, if it is of an account. Likewise."""
    if account is not None and account.is_active:
        message = code_message(CodePurpose.RESET, code, account.language)
        with suppress(NotSentError):
            await services.messenger.send(kind, address, message)


def code_sent() -> ProblemError:
    """429: the last code is less than a minute old."""
    return ProblemError(
        "code-sent",
        "Code sent a moment ago",
        429,
        "A code was sent less than a minute ago. Look for it before you ask for another.",
        {"Retry-After": str(PAUSE.seconds)},
    )
