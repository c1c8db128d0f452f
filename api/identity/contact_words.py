"""Telling both sides of a change of address. Errands: an answer does not wait for them, and does
not tell by its time whether an address is known (decision 0044)."""

import hmac
from base64 import urlsafe_b64encode
from contextlib import suppress
from hashlib import sha256

from api.messages.contact_texts import (
    granted_address_message,
    known_address_message,
    new_address_message,
    old_address_message,
)
from api.messages.senders import NotSentError
from api.messages.texts import Message
from api.web_base.services import Services
from models.accounts.claims import holder_of
from models.accounts.register import Account, find_account
from models.base.db import Row
from models.contacts.claims import new_address, new_claim


def back_token(secret: bytes, change: Row) -> str:
    """The word that takes a change back: always the same, and only we can tell it."""
    digest = hmac.new(secret, f"contact-back:{change.id}".encode(), sha256).digest()
    return f"{change.user_id}.{urlsafe_b64encode(digest).decode().rstrip('=')}"


def new_address_of(services: Services, change: Row) -> str:
    """The address that an open change is about, in the clear."""
    return new_address(services.config.keyring, change)


async def tell_new(services: Services, account: Account, change: Row, code: str) -> None:
    """Send the code to the new address; or word to whoever has it, and the code to nobody."""
    address = new_address_of(services, change)
    owner_id = await holder_of(services.database, new_claim(change))
    owner = account
    if owner_id not in (None, account.id):
        keyring = services.config.keyring
        owner = await find_account(services.database, keyring, owner_id or 0) or account
        message = known_address_message(owner.language)
    else:
        message = new_address_message(code, account.language)
    await _send(services, change.kind, address, message)


async def tell_old(
    services: Services, account: Account, change: Row, code: str | None, days: int
) -> None:
    """Tell each address that the account has what is to come, and the way back; the code goes to
    one of them, the e-mail address if there is one."""
    token = back_token(services.config.secret, change)
    address = new_address_of(services, change)
    for kind, present in (("email", account.email), ("phone", account.phone)):
        if not present:
            continue
        asked = "support" if change.proposer_id is not None else "old" if code else "other"
        message = old_address_message(
            asked, address, change.effective_at, token, days, code, account.language
        )
        await _send(services, kind, present, message)
        code = None


async def tell_granted(services: Services, account: Account, change: Row) -> None:
    """Tell the address that support lets the account use."""
    message = granted_address_message(change.effective_at, account.language)
    await _send(services, change.kind, new_address_of(services, change), message)


async def _send(services: Services, kind: str, address: str, message: Message) -> None:
    with suppress(NotSentError):  # logged by the sender; the code can be asked for again
        await services.messenger.send(kind, address, message)
