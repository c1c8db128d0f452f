"""Codes for an address, whether anybody is known there or not (decision 0043).

They are kept by the address's blind index and by nobody's account, so that sending, guessing and
using one cost the same for an address that is known and for one that is not.
"""

import hmac
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from models.accounts.codes import PAUSE, SHORT, Length, new_code
from models.base.db import Database, connected, rows, run, sql
from models.base.pruning import prune_rows

ISSUE_CODE = sql("""
    INSERT INTO address_codes (value, purpose, code_hash, attempts, sent_at, expires_at)
    VALUES (:value, :purpose, :code_hash, 0, :now, :expires_at)
    ON CONFLICT (value, purpose) DO UPDATE
    SET code_hash = excluded.code_hash, attempts = 0, sent_at = excluded.sent_at,
        expires_at = excluded.expires_at
    WHERE address_codes.sent_at <= :sent_before
    RETURNING value
""")

FIND_CODE = sql("""
    SELECT code_hash FROM address_codes
    WHERE value = :value AND purpose = :purpose AND expires_at > :now
""")

USE_UP = sql("""
    DELETE FROM address_codes
    WHERE value = :value AND purpose = :purpose AND code_hash = :code_hash
""")

PRUNE = sql("""
    DELETE FROM address_codes WHERE expires_at < :before AND value = ANY(ARRAY(
        SELECT value FROM address_codes WHERE expires_at < :before
        ORDER BY expires_at LIMIT :limit))
""")


class AddressPurpose(StrEnum):
    """What a code is good for, and for nothing else."""

    REGISTER = "REGISTER"
    RESET = "RESET"


async def issue_address_code(
    database: Database,
    secret: bytes,
    index: str,
    purpose: AddressPurpose,
    now: datetime,
    length: Length = SHORT,
) -> str | None:
    """A new code for an address, or None if its last one is less than a minute old."""
    code = new_code(length)
    params = {
        "value": index,
        "purpose": purpose.value,
        "code_hash": digest_of(secret, index, purpose, code),
        "now": now,
        "expires_at": now + length.lifetime,
        "sent_before": now - PAUSE,
    }
    async with connected(database) as connection:
        return code if await rows(connection, ISSUE_CODE, params) else None


async def check_address_code(
    database: Database,
    secret: bytes,
    index: str,
    purpose: AddressPurpose,
    code: str,
    now: datetime,
) -> bool:
    """Whether a code is right. The attempt was counted before: by its ticket, whose attempts no
    stranger has, and not here, where strangers would use up the owner's."""
    given = digest_of(secret, index, purpose, code)
    params = {"value": index, "purpose": purpose.value, "now": now}
    async with connected(database) as connection:
        found = await rows(connection, FIND_CODE, params)
    return bool(found) and hmac.compare_digest(found[0].code_hash, given)


async def use_address_code(
    database: Database, secret: bytes, index: str, purpose: AddressPurpose, code: str
) -> bool:
    """Use up a code that is right. False if another has."""
    digest = digest_of(secret, index, purpose, code)
    params = {"value": index, "purpose": purpose.value, "code_hash": digest}
    async with connected(database) as connection:
        return await run(connection, USE_UP, params) == 1


async def prune_address_codes(database: Database, now: datetime) -> int:
    """Delete the expired ones. Return how many."""
    return await prune_rows(database, PRUNE, now)


def digest_of(secret: bytes, index: str, purpose: AddressPurpose, code: str) -> bytes:
    """What is kept of a code: keyed, since a million digests would be tried in a second."""
    return hmac.new(secret, f"code:{index}:{purpose}:{code}".encode(), sha256).digest()
