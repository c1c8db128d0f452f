"""Sign-ins: one per device, each a family of refresh tokens (RFC 9700; decision 0027)."""

import logging
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from msgspec import Struct

from engine.core.timeline import bucket_of
from models.base.db import Connection, Database, Row, connected, rows, run, sql, transaction

log = logging.getLogger(__name__)

REFRESH_DAYS = 7

STORE_SIGN_IN = sql("""
    WITH noted AS (
        UPDATE users
        SET last_login_at = :now,
            password_hash = COALESCE(CAST(:password_hash AS text), password_hash)
        WHERE bucket = :bucket AND id = :user_id AND is_active AND password_hash = :verified_hash
        RETURNING bucket, id
    )
    INSERT INTO sign_ins (bucket, id, user_id, user_agent, ip_address, created_at, seen_at,
                          expires_at)
    SELECT n.bucket, CAST(:family_id AS uuid), n.id, CAST(:user_agent AS text),
           CAST(:ip_address AS text), :now, :now, CAST(:expires_at AS timestamptz)
    FROM noted n
""")

STORE_TOKEN = sql("""
    INSERT INTO refresh_tokens (bucket, token_hash, user_id, family_id, created_at, expires_at)
    VALUES (:bucket, :token_hash, :user_id, :family_id, :now, :expires_at)
""")

_GOOD = """
    s.bucket = :bucket AND s.id = t.family_id AND s.revoked_at IS NULL AND s.expires_at > :now
    AND EXISTS (SELECT FROM users u
                WHERE u.bucket = :bucket AND u.id = t.user_id AND u.is_active)
"""

ROTATE_TOKEN = sql(f"""
    UPDATE refresh_tokens t SET rotated_at = :now FROM sign_ins s
    WHERE t.bucket = :bucket AND t.token_hash = :token_hash AND t.rotated_at IS NULL AND {_GOOD}
    RETURNING t.user_id, t.family_id, s.expires_at, s.created_at
""")

# Whoever lost the answer to a refresh asks again, and gets the same successor: until it was used.
FIND_RETRIED = sql(f"""
    SELECT t.user_id, t.family_id, s.expires_at, s.created_at, s.user_agent
    FROM refresh_tokens t
    JOIN refresh_tokens n ON n.bucket = :bucket AND n.token_hash = :successor_hash
                         AND n.rotated_at IS NULL
    CROSS JOIN sign_ins s
    WHERE t.bucket = :bucket AND t.token_hash = :token_hash AND t.rotated_at IS NOT NULL
      AND {_GOOD}
""")

TOUCH_SIGN_IN = sql("""
    UPDATE sign_ins SET seen_at = :now, user_agent = :user_agent,
                        ip_address = CAST(:ip_address AS text)
    WHERE bucket = :bucket AND id = :family_id
""")

# A rotated token that comes again was stolen, or its owner was robbed: the family ends.
REVOKE_FAMILY = sql("""
    UPDATE sign_ins SET revoked_at = :now
    WHERE bucket = :bucket AND revoked_at IS NULL AND id = (
        SELECT family_id FROM refresh_tokens
        WHERE bucket = :bucket AND token_hash = :token_hash)
""")

REVOKE_ONE = sql("""
    UPDATE sign_ins SET revoked_at = :now
    WHERE bucket = :bucket AND id = :family_id AND user_id = :user_id AND revoked_at IS NULL
""")

REVOKE_ALL = sql("""
    UPDATE sign_ins SET revoked_at = :now
    WHERE bucket = :bucket AND user_id = :user_id AND revoked_at IS NULL
      AND id IS DISTINCT FROM CAST(:kept AS uuid)
""")

LIVE_SIGN_INS = sql("""
    SELECT id, user_agent, ip_address, created_at, seen_at, expires_at FROM sign_ins
    WHERE bucket = :bucket AND user_id = :user_id AND revoked_at IS NULL AND expires_at > :now
    ORDER BY seen_at DESC, id
""")


class NotSignedInError(Exception):
    """The account changed between the password and the sign-in."""


class Client(Struct, frozen=True):
    """What a device says of itself, and where it is."""

    user_agent: str
    ip_address: str | None


class Rotated(Struct, frozen=True):
    """A refresh token that was good, and is used up now. Signed in with a password at
    `created_at`."""

    user_id: int
    family_id: UUID
    expires_at: datetime
    created_at: datetime


async def begin_sign_in(
    database: Database,
    user_id: int,
    family_id: UUID,
    token: str,
    client: Client,
    now: datetime,
    verified_hash: str,
    renewed_hash: str | None = None,
) -> None:
    """Keep a device's sign-in, the hash of its first refresh token, and a renewed password hash.

    Raise NotSignedInError if the password that was verified is another one by now, or the account
    was switched off: then nothing changed.
    """
    params = _token_params(user_id, token) | {
        "user_id": user_id,
        "family_id": family_id,
        "user_agent": client.user_agent,
        "ip_address": client.ip_address,
        "now": now,
        "expires_at": now + timedelta(days=REFRESH_DAYS),
        "verified_hash": verified_hash,
        "password_hash": renewed_hash,
    }
    async with transaction(database) as connection:
        await run(connection, STORE_TOKEN, params)
        # Last, since it holds the user's row, for which whole pieces wait.
        if await run(connection, STORE_SIGN_IN, params) == 0:
            raise NotSignedInError


async def rotate_token(
    database: Database, user_id: int, token: str, successor: str, client: Client, now: datetime
) -> Rotated | None:
    """Use up a refresh token and store its successor, together. None if it is not good any more.

    The successor has to be the same for the same token. Reuse of a rotated token revokes the
    family (RFC 9700, section 4.14.2) once its successor was used too; until then its answer may
    have been lost, and it is given again.
    """
    params = _token_params(user_id, token) | {"now": now}
    async with transaction(database) as connection:
        found = await rows(connection, ROTATE_TOKEN, params)
        if not found:
            retried = await _find_retried(connection, user_id, params, successor, client)
            if not retried:
                await run(connection, REVOKE_FAMILY, params)
            return retried
        rotated = Rotated(**found[0])
        stored = _token_params(user_id, successor) | {
            "user_id": user_id,
            "family_id": rotated.family_id,
            "now": now,
            "expires_at": rotated.expires_at,
        }
        await run(connection, STORE_TOKEN, stored)
        seen = {
            "bucket": bucket_of(user_id),
            "family_id": rotated.family_id,
            "user_agent": client.user_agent,
            "ip_address": client.ip_address,
            "now": now,
        }
        await run(connection, TOUCH_SIGN_IN, seen)
    return rotated


async def _find_retried(
    connection: Connection, user_id: int, params: dict[str, Any], successor: str, client: Client
) -> Rotated | None:
    retried = params | {"successor_hash": _token_params(user_id, successor)["token_hash"]}
    found = await rows(connection, FIND_RETRIED, retried)
    if not found:
        return None
    row = dict(found[0])
    if row.pop("user_agent") != client.user_agent:
        # Whoever lost an answer may be in another network by now, but is on the same device.
        log.warning(
            "sign-in %s of user %s: a refresh token came again from another device, perhaps "
            "a thief's",
            row["family_id"],
            user_id,
        )
    return Rotated(**row)


async def revoke_token(database: Database, user_id: int, token: str, now: datetime) -> None:
    """Sign out: end the sign-in that a token belongs to."""
    async with transaction(database) as connection:
        params = _token_params(user_id, token) | {"now": now}
        await run(connection, REVOKE_FAMILY, params)


async def revoke_sign_in(database: Database, user_id: int, family_id: UUID, now: datetime) -> bool:
    """End one's sign-in on a device. Return whether there was one."""
    params = {
        "bucket": bucket_of(user_id),
        "user_id": user_id,
        "family_id": family_id,
        "now": now,
    }
    async with transaction(database) as connection:
        return await run(connection, REVOKE_ONE, params) == 1


async def revoke_all(
    database: Database, user_id: int, now: datetime, kept: UUID | None = None
) -> None:
    """Sign out everywhere, but for the sign-in that is kept."""
    async with transaction(database) as connection:
        await end_all(connection, user_id, now, kept)


async def end_all(
    connection: Connection, user_id: int, now: datetime, kept: UUID | None = None
) -> None:
    """As `revoke_all`, within a transaction."""
    params = {"bucket": bucket_of(user_id), "user_id": user_id, "now": now, "kept": kept}
    await run(connection, REVOKE_ALL, params)


async def live_sign_ins(database: Database, user_id: int, now: datetime) -> list[Row]:
    """Where one is signed in: id, user_agent, ip_address, created_at, seen_at, expires_at."""
    params = {"bucket": bucket_of(user_id), "user_id": user_id, "now": now}
    async with connected(database) as connection:
        return list(await rows(connection, LIVE_SIGN_INS, params))


def _token_params(user_id: int, token: str) -> dict[str, Any]:
    return {"bucket": bucket_of(user_id), "token_hash": sha256(token.encode()).digest()}
