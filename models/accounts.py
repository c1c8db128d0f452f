"""Accounts: registration, sign-in, refresh tokens.

A user's rows live in one bucket, and the identities (unique over all users) in a table of their
own: registration claims the identity first, then creates the user. A claim whose user was never
created is taken over by the next registration of the same identity.
"""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from msgspec import Struct

from engine.groups import assign
from engine.timeline import Timetable, bucket_of, user_id_of
from models.db import Database, UniqueViolation, connected, rows, run, sql, transaction
from models.groups import ADD_MEMBERS, group_sizes

REFRESH_DAYS = 7

NEXT_NUMBER = sql("SELECT nextval('user_ids') AS number")

CLAIM_IDENTITY = sql("""
    INSERT INTO identities (kind, value, user_id, created_at)
    VALUES (:kind, :value, :user_id, :now)
    ON CONFLICT (kind, value) DO NOTHING RETURNING user_id
""")

FIND_IDENTITY = sql("SELECT user_id FROM identities WHERE kind = :kind AND value = :value")

CREATE_USER = sql("""
    INSERT INTO users (bucket, id, group_number, email, phone, password_hash, is_active, version,
                       created_at)
    VALUES (:bucket, :user_id, :group_number, :email, :phone, :password_hash, true, 1, :now)
""")

CREATE_WALLET = sql("""
    INSERT INTO wallets (bucket, user_id, balance, settled_balance, total_withdrawn, updated_at)
    VALUES (:bucket, :user_id, 0, 0, 0, :now)
""")

FIND_USER = sql("""
    SELECT id, group_number, email, phone, password_hash, is_active, created_at, last_login_at
    FROM users WHERE bucket = :bucket AND id = :user_id
""")

NOTE_LOGIN = sql("""
    UPDATE users SET last_login_at = :now,
                     password_hash = COALESCE(CAST(:password_hash AS text), password_hash)
    WHERE bucket = :bucket AND id = :user_id
""")

STORE_TOKEN = sql("""
    INSERT INTO refresh_tokens (bucket, token_hash, user_id, family_id, created_at, expires_at)
    VALUES (:bucket, :token_hash, :user_id, :family_id, :now, :expires_at)
""")

# One revoked member ends the family, also one whose successor was not committed yet.
ROTATE_TOKEN = sql("""
    UPDATE refresh_tokens SET rotated_at = :now
    WHERE bucket = :bucket AND token_hash = :token_hash AND rotated_at IS NULL
      AND revoked_at IS NULL AND expires_at > :now
      AND EXISTS (SELECT FROM users u
                  WHERE u.bucket = :bucket AND u.id = refresh_tokens.user_id AND u.is_active)
      AND NOT EXISTS (SELECT FROM refresh_tokens f
                      WHERE f.bucket = :bucket AND f.family_id = refresh_tokens.family_id
                        AND f.revoked_at IS NOT NULL)
    RETURNING user_id, family_id, expires_at
""")

# A rotated token that comes again was stolen, or its owner was robbed: the family ends.
REVOKE_FAMILY = sql("""
    UPDATE refresh_tokens SET revoked_at = :now
    WHERE bucket = :bucket AND revoked_at IS NULL AND family_id IN (
        SELECT family_id FROM refresh_tokens
        WHERE bucket = :bucket AND token_hash = :token_hash)
""")


class IdentityTakenError(Exception):
    """Somebody has registered with this e-mail address or phone number."""


class Account(Struct, frozen=True):
    """A user as accounts see one."""

    id: int
    group_number: int
    email: str | None
    phone: str | None
    password_hash: str
    is_active: bool
    created_at: datetime
    last_login_at: datetime | None


class Rotated(Struct, frozen=True):
    """A refresh token that was good, and is used up now."""

    user_id: int
    family_id: UUID
    expires_at: datetime


async def register(
    database: Database,
    table: Timetable,
    kind: str,
    value: str,
    password_hash: str,
    now: datetime,
) -> Account:
    """Create a user with a wallet in a group. Raise IdentityTakenError; then nothing changed."""
    identity = {"kind": kind, "value": value}
    async with transaction(database) as connection:
        new_id = user_id_of((await rows(connection, NEXT_NUMBER))[0].number)
        claim = identity | {"user_id": new_id, "now": now}
        claimed = await rows(connection, CLAIM_IDENTITY, claim)
    if not claimed:
        async with connected(database) as connection:
            claimed = await rows(connection, FIND_IDENTITY, identity)
    user_id = claimed[0].user_id
    bucket = bucket_of(user_id)
    group_number = assign(await group_sizes(database), table, now)
    params = {
        "bucket": bucket,
        "user_id": user_id,
        "group_number": group_number,
        "email": value if kind == "email" else None,
        "phone": value if kind == "phone" else None,
        "password_hash": password_hash,
        "now": now,
    }
    try:
        async with transaction(database) as connection:
            await run(connection, CREATE_USER, params)
            await run(connection, CREATE_WALLET, {"bucket": bucket, "user_id": user_id, "now": now})
            size = {"bucket": bucket, "group_number": group_number, "change": 1}
            await run(connection, ADD_MEMBERS, size)
    except UniqueViolation:
        raise IdentityTakenError from None
    account = await find_account(database, user_id)
    assert account is not None
    return account


async def find_account(database: Database, user_id: int) -> Account | None:
    """A user by id."""
    async with connected(database) as connection:
        params = {"bucket": bucket_of(user_id), "user_id": user_id}
        found = await rows(connection, FIND_USER, params)
    return Account(**found[0]) if found else None


async def find_by_identity(database: Database, kind: str, value: str) -> Account | None:
    """A user by e-mail address or phone number."""
    async with connected(database) as connection:
        found = await rows(connection, FIND_IDENTITY, {"kind": kind, "value": value})
    return await find_account(database, found[0].user_id) if found else None


async def note_login(
    database: Database, user_id: int, now: datetime, password_hash: str | None = None
) -> None:
    """Record a sign-in, and a password hash renewed with today's parameters."""
    params = {
        "bucket": bucket_of(user_id),
        "user_id": user_id,
        "now": now,
        "password_hash": password_hash,
    }
    async with transaction(database) as connection:
        await run(connection, NOTE_LOGIN, params)


async def store_token(
    database: Database,
    user_id: int,
    family_id: UUID,
    token: str,
    now: datetime,
    expires_at: datetime | None = None,
) -> datetime:
    """Keep the hash of a refresh token. A family's lifetime is absolute. Return its end."""
    ends = expires_at or now + timedelta(days=REFRESH_DAYS)
    params = _token_params(user_id, token) | {
        "user_id": user_id,
        "family_id": family_id,
        "now": now,
        "expires_at": ends,
    }
    async with transaction(database) as connection:
        await run(connection, STORE_TOKEN, params)
    return ends


async def rotate_token(
    database: Database, user_id: int, token: str, successor: str, now: datetime
) -> Rotated | None:
    """Use up a refresh token and store its successor, together. None if it is not good any more.

    Reuse of a rotated token revokes the family (RFC 9700, section 4.14.2).
    """
    params = _token_params(user_id, token) | {"now": now}
    async with transaction(database) as connection:
        found = await rows(connection, ROTATE_TOKEN, params)
        if not found:
            await run(connection, REVOKE_FAMILY, params)
            return None
        rotated = Rotated(**found[0])
        stored = _token_params(user_id, successor) | {
            "user_id": user_id,
            "family_id": rotated.family_id,
            "now": now,
            "expires_at": rotated.expires_at,
        }
        await run(connection, STORE_TOKEN, stored)
    return rotated


async def revoke_token(database: Database, user_id: int, token: str, now: datetime) -> None:
    """Sign out: end the token's family."""
    async with transaction(database) as connection:
        params = _token_params(user_id, token) | {"now": now}
        await run(connection, REVOKE_FAMILY, params)


def _token_params(user_id: int, token: str) -> dict[str, Any]:
    return {"bucket": bucket_of(user_id), "token_hash": sha256(token.encode()).digest()}
