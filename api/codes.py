"""Sending a code to somebody's address, and reading what they type."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from api.messages.texts import code_message
from api.problems import bad_field
from api.services import Services
from engine.plain import is_digits, plain_code
from models.accounts import Account
from models.codes import CodePurpose, issue_code

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

    Raise NotSentError if it did not leave.
    """
    code = await issue_code(services.database, services.config.secret, account.id, purpose, now)
    if code is None:
        return False
    message = code_message(purpose, code, account.language)
    kind, address = ("email", account.email) if account.email else ("phone", account.phone)
    await services.messenger.send(kind, address or "", message)
    return True
