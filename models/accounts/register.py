"""Accounts: registration, look-up, profile (decisions 0015 and 0026).

A user's rows live in one bucket, and the identities (unique over all users) in tables of their own:
registration claims them first (models/accounts/claims.py), then creates the user. Addresses and
names are sealed before they are written, and opened when they are read; identities are blind
indexes.
"""

from datetime import datetime

from msgspec import Struct

from engine.core.addresses import AddressError, parse_address
from engine.core.timeline import Timetable, bucket_of, user_id_of
from engine.mining.groups import assign
from models.accounts.bans import carry_over, find_ban
from models.accounts.claims import FIND_IDENTITY, TakenError, claim_for_newcomer, claim_of
from models.accounts.tables import users
from models.base.columns import sealed_columns
from models.base.db import (
    Connection,
    Database,
    UniqueViolation,
    connected,
    rows,
    run,
    sql,
    transaction,
)
from models.mining.groups import ADD_MEMBERS, group_sizes
from runtime.pii import Keyring, open_fields

NEXT_NUMBER = sql("SELECT nextval('user_ids') AS number")

CREATE_USER = sql("""
    INSERT INTO users (bucket, id, group_number, email, phone, password_hash, is_active, version,
                       created_at, verified_at, language, referred_by, hold, hold_until)
    VALUES (:bucket, :user_id, :group_number, :email, :phone, :password_hash, true, 1, :now,
            CAST(:verified_at AS timestamptz), :language, CAST(:referred_by AS bigint),
            CAST(:hold AS text), CAST(:hold_until AS timestamptz))
""")

CREATE_WALLET = sql("""
    INSERT INTO wallets (bucket, user_id, balance, settled_balance, total_withdrawn, updated_at)
    VALUES (:bucket, :user_id, 0, 0, 0, :now)
""")

FIND_USER = sql("""
    SELECT id, group_number, email, phone, password_hash, is_active, created_at, last_login_at,
           verified_at, display_name, country, language, hold, role,
           EXISTS (SELECT FROM second_factors f
                   WHERE f.bucket = :bucket AND f.user_id = u.id) AS has_second_factors
    FROM users u WHERE bucket = :bucket AND id = :user_id
""")

CHANGE_PASSWORD = sql("""
    UPDATE users SET password_hash = :password_hash
    WHERE bucket = :bucket AND id = :user_id AND is_active
""")

IS_TRACKED = sql("""
    SELECT NOT tracking_opt_out AS is_tracked FROM users
    WHERE bucket = :bucket AND id = :user_id
""")

CHANGE_PROFILE = sql("""
    UPDATE users SET display_name = CAST(:display_name AS text), country = CAST(:country AS text),
                     language = :language
    WHERE bucket = :bucket AND id = :user_id AND is_active
""")

VERIFY = sql("""
    UPDATE users SET verified_at = :now
    WHERE bucket = :bucket AND id = :user_id AND verified_at IS NULL
""")


_NOBODY = 0  # user ids begin with 1


class IdentityTakenError(Exception):
    """Somebody has registered with this address or number, or another address of the mailbox."""


class Account(Struct, frozen=True):
    """A user as accounts see one, with addresses and name in the clear.

    `has_second_factors`: there may be some; `find_factors` tells which.
    """

    id: int
    group_number: int
    email: str | None
    phone: str | None
    password_hash: str
    is_active: bool
    created_at: datetime
    last_login_at: datetime | None
    verified_at: datetime | None
    display_name: str | None
    country: str | None
    language: str
    hold: str | None = None
    role: str = "user"
    has_second_factors: bool = False


class Newcomer(Struct, frozen=True):
    """Who registers: `kind` is email or phone, `value` its normal form."""

    kind: str
    value: str
    password_hash: str
    language: str = "en"
    referred_by: int | None = None
    verified_at: datetime | None = None


async def register(
    database: Database, keyring: Keyring, table: Timetable, newcomer: Newcomer, now: datetime
) -> Account:
    """Create a user with a wallet in a group. Raise IdentityTakenError; then nothing changed.

    Whoever closed an account that was held begins with its level and hold.
    """
    claim = claim_of(keyring, newcomer.kind, newcomer.value)
    async with connected(database) as connection:
        number = (await rows(connection, NEXT_NUMBER))[0].number
    new_id = user_id_of(number, on_cluster=database.is_cluster)
    try:
        user_id = await claim_for_newcomer(database, claim, new_id, now)
    except TakenError:
        raise IdentityTakenError from None
    ban = await find_ban(database, claim, now)
    bucket = bucket_of(user_id)
    group_number = assign(await group_sizes(database), table, now)
    params = {
        "bucket": bucket,
        "user_id": user_id,
        "group_number": group_number,
        "email": None,
        "phone": None,
        newcomer.kind: keyring.seal(newcomer.kind, user_id, newcomer.value),
        "password_hash": newcomer.password_hash,
        "verified_at": newcomer.verified_at,
        "language": newcomer.language,
        "referred_by": newcomer.referred_by,
        "hold": ban.hold if ban else None,
        "hold_until": ban.hold_until if ban else None,
        "now": now,
    }
    try:
        async with transaction(database) as connection:
            await run(connection, CREATE_USER, params)
            await run(connection, CREATE_WALLET, {"bucket": bucket, "user_id": user_id, "now": now})
            size = {"bucket": bucket, "group_number": group_number, "change": 1}
            await run(connection, ADD_MEMBERS, size)
            if ban is not None:
                await carry_over(connection, bucket, user_id, ban, now)
    except UniqueViolation:
        raise IdentityTakenError from None
    account = await find_account(database, keyring, user_id)
    assert account is not None
    return account


async def find_account(database: Database, keyring: Keyring, user_id: int) -> Account | None:
    """A user by id."""
    async with connected(database) as connection:
        return await _account(connection, keyring, user_id)


async def _account(connection: Connection, keyring: Keyring, user_id: int) -> Account | None:
    params = {"bucket": bucket_of(user_id), "user_id": user_id}
    found = await rows(connection, FIND_USER, params)
    if not found:
        return None
    return Account(**open_fields(keyring, user_id, dict(found[0]), sealed_columns(users)))


async def is_tracked(database: Database, user_id: int) -> bool:
    """Whether features of a user's devices and addresses may be kept."""
    async with connected(database) as connection:
        params = {"bucket": bucket_of(user_id), "user_id": user_id}
        found = await rows(connection, IS_TRACKED, params)
    return bool(found) and bool(found[0].is_tracked)


async def find_by_identity(
    database: Database, keyring: Keyring, kind: str, value: str
) -> Account | None:
    """A user by e-mail address or phone number. For one that nobody has the work is the same."""
    params = {"kind": kind, "value": keyring.index(kind, value)}
    async with connected(database) as connection:
        found = await rows(connection, FIND_IDENTITY, params)
        account = await _account(connection, keyring, found[0].user_id if found else _NOBODY)
    if account is None:  # what opening somebody's address takes would tell of it
        keyring.open("email", _NOBODY, keyring.seal("email", _NOBODY, value))
    # What is only claimed, for a change to come or for its way back, is nobody's to sign in with.
    return account if account is not None and is_at(account, kind, value) else None


def is_at(account: Account, kind: str, value: str) -> bool:
    """Whether this is the account's address or number, in whatever form it is kept."""
    kept = account.email if kind == "email" else account.phone
    if kept is None or kept == value:
        return kept == value
    try:
        return kind == "email" and str(parse_address(kept)) == value
    except AddressError:
        return False


async def change_profile(
    database: Database,
    keyring: Keyring,
    user_id: int,
    display_name: str | None,
    country: str | None,
    language: str,
) -> None:
    """Replace what a user tells of themselves; `country` is ISO 3166-1 alpha-2."""
    sealed = keyring.seal("display_name", user_id, display_name) if display_name else None
    params = {
        "bucket": bucket_of(user_id),
        "user_id": user_id,
        "display_name": sealed,
        "country": country,
        "language": language,
    }
    async with transaction(database) as connection:
        await run(connection, CHANGE_PROFILE, params)
