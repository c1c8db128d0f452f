"""Codes for an address, whether anybody is known there or not (decision 0043).

They are kept by the address's blind index and by nobody's account, so that sending, guessing and
using one cost the same for an address that is known and for one that is not.
"""

import hmac
import secrets
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from models.codes import LIFETIME, PAUSE
from models.db import Database, connected, rows, run, sql
from models.pruning import prune_rows

ISSUE_CODE = sql("""
    INSERT INTO address_codes (value, purpose, code_hash, attempts, sent_at, expires_at)
    VALUES (:value, :purpose, :code_hash, 0, :now, :expires_at)
    ON CONFLICT (value, purpose) DO UPDATE
    SET code_hash = excluded.code_hash, attempts = 0, sent_at = excluded.sent_at,
        expires_at = excluded.expires_at
    WHERE address_codes.sent_at <= :sent_before
    RETURNING value
""")

# Counted before it is compared: guesses in parallel are counted too.
COUNT_ATTEMPT = sql("""
    UPDATE address_codes SET attempts = attempts + 1
    WHERE value = :value AND purpose = :purpose AND expires_at > :now AND attempts < :attempts_max
    RETURNING code_hash
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


# Whoever registers has five attempts of their own with each message. Those of all who do so with
# one address are bounded too, by more, so that a stranger cannot use up its owner's.
ATTEMPTS_MAX = {AddressPurpose.REGISTER: 20, AddressPurpose.RESET: 5}


async def issue_address_code(
    database: Database, secret: bytes, index: str, purpose: AddressPurpose, now: datetime
) -> str | None:
    """A new code for an address, or None if its last one is less than a minute old."""
    code = f"{secrets.randbelow(1_000_000):06}"
    params = {
        "value": index,
        "purpose": purpose.value,
        "code_hash": digest_of(secret, index, purpose, code),
        "now": now,
        "expires_at": now + LIFETIME,
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
    """Whether a code is right, after the attempt was counted."""
    given = digest_of(secret, index, purpose, code)
    params = {"value": index, "purpose": purpose.value}
    attempt = params | {"now": now, "attempts_max": ATTEMPTS_MAX[purpose]}
    async with connected(database) as connection:
        found = await rows(connection, COUNT_ATTEMPT, attempt)
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
