"""Addresses and mailboxes: whose each is, each in a table keyed by its own value (decision 0044).

A claim comes before what it is for. One whose user was never created is taken over, with that
user's number, by whoever claims the same next: of two at once only one can create the user.
"""

from contextlib import suppress
from datetime import datetime
from typing import Any

from msgspec import Struct

from engine.accounts.addresses import mailbox_of
from engine.core.addresses import AddressError, parse_address
from engine.core.timeline import bucket_of
from models.base.db import Database, Statement, connected, rows, run, sql, transaction
from runtime.pii import Keyring

CLAIM_IDENTITY = sql("""
    INSERT INTO identities (kind, value, user_id, created_at)
    VALUES (:kind, :value, :user_id, :now)
    ON CONFLICT (kind, value) DO NOTHING RETURNING user_id
""")
FIND_IDENTITY = sql("SELECT user_id FROM identities WHERE kind = :kind AND value = :value")
CLAIM_MAILBOX = sql("""
    INSERT INTO mailboxes (value, user_id, claimed_at) VALUES (:value, :user_id, :now)
    ON CONFLICT (value) DO NOTHING RETURNING user_id
""")
FIND_MAILBOX = sql("SELECT user_id FROM mailboxes WHERE value = :value")
MOVE_MAILBOX = sql("""
    UPDATE mailboxes SET user_id = :owner WHERE value = :value AND user_id = :user_id
""")
GIVE_UP_IDENTITY = sql(
    "DELETE FROM identities WHERE kind = :kind AND value = :value AND user_id = :user_id"
)
GIVE_UP_MAILBOX = sql("DELETE FROM mailboxes WHERE value = :value AND user_id = :user_id")
IS_CREATED = sql("SELECT 1 FROM users WHERE bucket = :bucket AND id = :user_id")


class TakenError(Exception):
    """Another account has this address, or another address of the same mailbox."""


class Claim(Struct, frozen=True):
    """What an address is found by: blind indexes. A phone number has no mailbox."""

    kind: str
    identity: str
    mailbox: str | None = None


def claim_of(keyring: Keyring, kind: str, value: str) -> Claim:
    """The claim of an address in its normal form."""
    mailbox = None
    if kind == "email":
        with suppress(AddressError):  # from before addresses were checked: it reaches nobody's
            mailbox = keyring.index("mailbox", mailbox_of(parse_address(value)))
    return Claim(kind, keyring.index(kind, value), mailbox)


async def claim_for_newcomer(database: Database, claim: Claim, user_id: int, now: datetime) -> int:
    """Claim an address for a user to be created. Return the number to create them under.

    Raise TakenError. The number may be in use yet: then creating fails, and it is taken too.
    """
    owner = user_id
    if claim.mailbox is not None:
        owner = await _claim_mailbox(database, claim.mailbox, user_id, now)
        if owner != user_id and await is_created(database, owner):
            raise TakenError
    holder = await _claim_identity(database, claim, owner, now)
    if claim.mailbox is None or holder == owner:
        return holder
    if owner != user_id:
        raise TakenError
    # The address was claimed before mailboxes were: the mailbox goes with it.
    moved = {"value": claim.mailbox, "user_id": user_id, "owner": holder}
    async with connected(database) as connection:
        await run(connection, MOVE_MAILBOX, moved)
    return holder


async def claim_for_user(database: Database, claim: Claim, user_id: int, now: datetime) -> None:
    """Claim another address for a user. Raise TakenError; what was claimed till then is the
    caller's to give up."""
    mailbox = claim.mailbox
    if mailbox and await _claim_mailbox(database, mailbox, user_id, now) != user_id:
        raise TakenError
    if await _claim_identity(database, claim, user_id, now) != user_id:
        raise TakenError


async def is_free(database: Database, claim: Claim, user_id: int) -> bool:
    """Whether nobody else has an address, nor another one of its mailbox."""
    return await holder_of(database, claim) in (None, user_id)


async def holder_of(database: Database, claim: Claim) -> int | None:
    """Who has an address, or another one of its mailbox."""
    async with connected(database) as connection:
        params = {"kind": claim.kind, "value": claim.identity}
        found = list(await rows(connection, FIND_IDENTITY, params))
        if not found and claim.mailbox is not None:
            found = list(await rows(connection, FIND_MAILBOX, {"value": claim.mailbox}))
    return found[0].user_id if found else None


async def give_up(database: Database, claim: Claim, user_id: int) -> None:
    """Leave an address of a user's, and its mailbox if one is named, to others."""
    async with transaction(database) as connection:
        params = {"kind": claim.kind, "value": claim.identity, "user_id": user_id}
        await run(connection, GIVE_UP_IDENTITY, params)
        if claim.mailbox is not None:
            params = {"value": claim.mailbox, "user_id": user_id}
            await run(connection, GIVE_UP_MAILBOX, params)


async def is_created(database: Database, user_id: int) -> bool:
    """Whether there is a user of this number, if only a closed one."""
    async with connected(database) as connection:
        return bool(await rows(connection, IS_CREATED, _user(user_id)))


async def _claim_mailbox(database: Database, value: str, user_id: int, now: datetime) -> int:
    params = {"value": value, "user_id": user_id, "now": now}
    return await _claim(database, CLAIM_MAILBOX, FIND_MAILBOX, params)


async def _claim_identity(database: Database, claim: Claim, user_id: int, now: datetime) -> int:
    params = {"kind": claim.kind, "value": claim.identity, "user_id": user_id, "now": now}
    return await _claim(database, CLAIM_IDENTITY, FIND_IDENTITY, params)


async def _claim(
    database: Database, claim: Statement, find: Statement, params: dict[str, Any]
) -> int:
    """Whose it is from now on. Raise TakenError if it was given up just now."""
    async with transaction(database) as connection:
        found = await rows(connection, claim, params)
    if not found:
        async with connected(database) as connection:
            found = await rows(connection, find, params)
    if not found:
        raise TakenError
    owner: int = found[0].user_id
    return owner


def _user(user_id: int) -> dict[str, int]:
    return {"bucket": bucket_of(user_id), "user_id": user_id}
