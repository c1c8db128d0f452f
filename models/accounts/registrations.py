"""Registrations under way: nothing of an account exists before the code of our message came back
(decision 0043).

A row is found by the digest of its ticket. The code is the address's: whoever begins twice may use
what the last message said with either ticket.
"""

import hmac
import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from msgspec import Struct

from models.accounts.address_codes import (
    AddressPurpose,
    check_address_code,
    digest_of,
    use_address_code,
)
from models.base.db import Database, Row, connected, rows, run, sql
from models.base.pruning import prune_rows
from runtime.pii import Keyring, UnreadableError

LIFETIME = timedelta(hours=1)
MESSAGES_MAX = 5
ATTEMPTS_MAX = 5

BEGIN = sql("""
    INSERT INTO registrations (id, kind, identity, address, password_hash, language, referred_by,
                               attempts, messages, expires_at)
    VALUES (:id, :kind, :identity, :address, :password_hash, :language,
            CAST(:referred_by AS bigint), 0, 0, :expires_at)
""")

FIND = sql("""
    SELECT kind, identity, address, password_hash, language, referred_by, user_id, code_hash
    FROM registrations
    WHERE id = :id AND expires_at > :now AND user_id IS NULL AND messages < :messages_max
""")

# A new message, five new attempts.
COUNT_MESSAGE = sql("""
    UPDATE registrations SET messages = messages + 1, attempts = 0
    WHERE id = :id AND messages < :messages_max
""")

# Counted before it is compared: guesses in parallel are counted too.
COUNT_ATTEMPT = sql("""
    UPDATE registrations SET attempts = attempts + 1
    WHERE id = :id AND expires_at > :now AND attempts < :attempts_max
    RETURNING kind, identity, address, password_hash, language, referred_by, user_id, code_hash,
              messages
""")

CONFIRM = sql("""
    UPDATE registrations SET user_id = :user_id, code_hash = :code_hash
    WHERE id = :id AND user_id IS NULL
""")

PRUNE = sql("""
    DELETE FROM registrations WHERE expires_at < :before AND id = ANY(ARRAY(
        SELECT id FROM registrations WHERE expires_at < :before
        ORDER BY expires_at LIMIT :limit))
""")


class Applicant(Struct, frozen=True):
    """Who wants an account. `index` is the blind index of the address; `referred_by` is whom a
    code names, if there is such a user."""

    kind: str
    address: str
    index: str
    password_hash: str
    language: str
    referred_by: int | None = None


class Opened(Struct, frozen=True):
    """An applicant who gives a code; and the account that it has led to already, if it has, with
    what is kept of the code that did. `was_sent`: a message went out for this very ticket."""

    applicant: Applicant
    user_id: int | None
    code_hash: bytes | None
    was_sent: bool


async def begin_registration(
    database: Database, keyring: Keyring, applicant: Applicant, now: datetime
) -> str:
    """Keep who wants an account. Return their ticket."""
    ticket = secrets.token_urlsafe(32)
    id_ = _id_of(ticket)
    params = {
        "id": id_,
        "kind": applicant.kind,
        "identity": applicant.index,
        "address": keyring.seal(_field(id_), 0, applicant.address),
        "password_hash": applicant.password_hash,
        "language": applicant.language,
        "referred_by": applicant.referred_by,
        "expires_at": now + LIFETIME,
    }
    async with connected(database) as connection:
        await run(connection, BEGIN, params)
    return ticket


async def find_applicant(
    database: Database, keyring: Keyring, ticket: str, now: datetime
) -> Applicant | None:
    """Who holds a ticket and may be sent another message."""
    params = {"id": _id_of(ticket), "now": now, "messages_max": MESSAGES_MAX}
    async with connected(database) as connection:
        found = await rows(connection, FIND, params)
    return _applicant(keyring, params["id"], found[0]) if found else None


async def count_message(database: Database, ticket: str) -> None:
    """A message for this ticket is on its way: its code has attempts of its own."""
    params = {"id": _id_of(ticket), "messages_max": MESSAGES_MAX}
    async with connected(database) as connection:
        await run(connection, COUNT_MESSAGE, params)


async def open_registration(
    database: Database, keyring: Keyring, ticket: str, now: datetime
) -> Opened | None:
    """Count an attempt with a ticket. None if it is over, or its attempts are used up."""
    params = {"id": _id_of(ticket), "now": now, "attempts_max": ATTEMPTS_MAX}
    async with connected(database) as connection:
        found = await rows(connection, COUNT_ATTEMPT, params)
    applicant = _applicant(keyring, params["id"], found[0]) if found else None
    if applicant is None:
        return None
    return Opened(applicant, found[0].user_id, found[0].code_hash, found[0].messages > 0)


async def check_registration(
    database: Database, secret: bytes, opened: Opened, code: str, now: datetime
) -> bool:
    """Whether a code is right, after the attempt was counted. It is used up by the account that it
    leads to, and stays right with its ticket."""
    index, purpose = opened.applicant.index, AddressPurpose.REGISTER
    if opened.code_hash is None:
        return await check_address_code(database, secret, index, purpose, code, now)
    return hmac.compare_digest(opened.code_hash, digest_of(secret, index, purpose, code))


async def note_account(
    database: Database, secret: bytes, ticket: str, index: str, code: str, user_id: int
) -> None:
    """Keep what a registration led to, for whoever loses the answer; the code is used up."""
    purpose = AddressPurpose.REGISTER
    digest = digest_of(secret, index, purpose, code)
    params = {"id": _id_of(ticket), "user_id": user_id, "code_hash": digest}
    async with connected(database) as connection:
        await run(connection, CONFIRM, params)
    await use_address_code(database, secret, index, purpose, code)


async def prune_registrations(database: Database, now: datetime) -> int:
    """Delete the expired ones. Return how many."""
    return await prune_rows(database, PRUNE, now)


def _applicant(keyring: Keyring, id_: Any, row: Row) -> Applicant | None:
    try:
        address = keyring.open(_field(id_), 0, row.address)
    except UnreadableError:  # its key was taken away since: begin again
        return None
    return Applicant(
        row.kind, address, row.identity, row.password_hash, row.language, row.referred_by
    )


def _id_of(ticket: str) -> bytes:
    return sha256(ticket.encode()).digest()


def _field(id_: bytes) -> str:
    return f"registration {id_.hex()}"
