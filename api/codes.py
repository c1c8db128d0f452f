"""Sending a code to somebody's address."""

from datetime import datetime

from api.messages.texts import code_message
from api.services import Services
from models.accounts import Account
from models.codes import CodePurpose, issue_code


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
