"""Codes that are sent to an address, each for one use: six digits, good for ten minutes and five
attempts; or, where strangers have used those up, sixteen for a day (decision 0045)."""

import hmac
import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any

from msgspec import Struct

from engine.core.timeline import bucket_of
from models.base.db import Database, connected, rows, run, sql


class Length(Struct, frozen=True):
    """How many digits a code has, and how long it is good."""

    digits: int
    lifetime: timedelta


SHORT = Length(6, timedelta(minutes=10))
LONG = Length(16, timedelta(days=1))
# The next code is sent after a minute at the earliest.
PAUSE = timedelta(seconds=60)
ATTEMPTS_MAX = 5

ISSUE_CODE = sql("""
    INSERT INTO codes (bucket, user_id, purpose, code_hash, attempts, sent_at, expires_at)
    VALUES (:bucket, :user_id, :purpose, :code_hash, 0, :now, :expires_at)
    ON CONFLICT (bucket, user_id, purpose) DO UPDATE
    SET code_hash = excluded.code_hash, attempts = 0, sent_at = excluded.sent_at,
        expires_at = excluded.expires_at
    WHERE codes.sent_at <= :sent_before
    RETURNING user_id
""")

# Counted before it is compared: guesses in parallel are counted too.
COUNT_ATTEMPT = sql("""
    UPDATE codes SET attempts = attempts + 1
    WHERE bucket = :bucket AND user_id = :user_id AND purpose = :purpose
      AND expires_at > :now AND (attempts < :attempts_max OR CAST(:is_long AS boolean))
    RETURNING code_hash
""")

USE_UP = sql("""
    DELETE FROM codes
    WHERE bucket = :bucket AND user_id = :user_id AND purpose = :purpose AND code_hash = :code_hash
""")


class CodePurpose(StrEnum):
    """What a code is good for, and for nothing else."""

    VERIFY = "VERIFY"
    RESET = "RESET"
    SIGN_IN = "SIGN_IN"
    NEW_ADDRESS = "NEW_ADDRESS"
    OLD_ADDRESS = "OLD_ADDRESS"


async def issue_code(
    database: Database,
    secret: bytes,
    user_id: int,
    purpose: CodePurpose,
    now: datetime,
    length: Length = SHORT,
) -> str | None:
    """A new code in place of the one before, or None if that was sent less than a minute ago."""
    code = new_code(length)
    params = {
        "bucket": bucket_of(user_id),
        "user_id": user_id,
        "purpose": purpose.value,
        "code_hash": _hash(secret, user_id, purpose, code),
        "now": now,
        "expires_at": now + length.lifetime,
        "sent_before": now - PAUSE,
    }
    async with connected(database) as connection:
        return code if await rows(connection, ISSUE_CODE, params) else None


async def check_code(
    database: Database, secret: bytes, user_id: int, purpose: CodePurpose, code: str, now: datetime
) -> bool:
    """Whether a code is right. It is used up by that."""
    given = _hash(secret, user_id, purpose, code)
    params: dict[str, Any] = {
        "bucket": bucket_of(user_id),
        "user_id": user_id,
        "purpose": purpose.value,
    }
    async with connected(database) as connection:
        attempt = params | {
            "now": now,
            "attempts_max": ATTEMPTS_MAX,
            "is_long": cannot_be_guessed(code),
        }
        found = await rows(connection, COUNT_ATTEMPT, attempt)
        if not found or not hmac.compare_digest(found[0].code_hash, given):
            return False
        return await run(connection, USE_UP, params | {"code_hash": given}) == 1


def new_code(length: Length) -> str:
    """Digits that nobody can foretell."""
    return f"{secrets.randbelow(10**length.digits):0{length.digits}}"


def cannot_be_guessed(code: str) -> bool:
    """Whether a code has so many digits or letters that attempts at it need no bound."""
    return len(code) >= LONG.digits


def _hash(secret: bytes, user_id: int, purpose: CodePurpose, code: str) -> bytes:
    # Keyed: a million digests would be tried in a second.
    return hmac.new(secret, f"code:{user_id}:{purpose}:{code}".encode(), sha256).digest()
