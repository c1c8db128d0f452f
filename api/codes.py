"""Sending codes to addresses, and reading what people type of them."""

from contextlib import suppress
from datetime import datetime
from typing import Annotated

from msgspec import Meta

from api.guesses import count_message
from api.messages.senders import NotSentError
from api.messages.texts import code_message, known_message
from api.newcomers import message_not_sent
from api.problems import ProblemError, bad_field
from api.services import Services
from engine.plain import is_digits, plain_code
from models.accounts import Account, find_account
from models.claims import claim_of, holder_of
from models.codes import PAUSE, CodePurpose, issue_code
from models.registrations import Applicant

# Six digits of any script; spaces, dashes and marks of direction do not matter.
TypedCode = Annotated[str, Meta(min_length=6, max_length=64)]
SENT_DIGITS = 6


def digits_of(typed: str) -> str:
    """The six digits of a code, however they were typed.

    Raise ValidationException (400) for what can be no code: it is a slip, and counts as no guess.
    """
    code = plain_code(typed)
    if not is_digits(code, SENT_DIGITS):
        raise bad_field("code", f"A code has {SENT_DIGITS} digits.")
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
    message = code_message(purpose, code, account.language)
    kind, address = ("email", account.email) if account.email else ("phone", account.phone)
    await services.messenger.send(kind, address or "", message)
    return True


async def send_or_refuse(
    services: Services, account: Account, purpose: CodePurpose, now: datetime
) -> None:
    """Send a code, or raise the problem that kept it from being sent."""
    try:
        sent = await send_code(services, account, purpose, now)
    except NotSentError:
        raise message_not_sent() from None
    if not sent:
        raise code_sent()


async def tell_applicant(services: Services, applicant: Applicant, code: str) -> None:
    """Send who registers their code; or tell them of the account that they have.

    An errand: who reads the answer does not learn which, neither from it nor from its time.
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
    """Send a code for a new password to the address, if it is of an account. An errand too."""
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


def wrong_code() -> ProblemError:
    """422, whatever is wrong with it: the digits, its age, or its five attempts."""
    return ProblemError(
        "code-wrong", "Wrong code", 422, "This code is wrong, used or too old. Ask for another one."
    )
