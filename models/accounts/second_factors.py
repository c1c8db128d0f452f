"""Second factors: TOTP (RFC 6238), codes that are sent, recovery codes (decision 0027)."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from msgspec import Struct

from engine.core.timeline import bucket_of
from models.base.arrays import AT_BUCKET, ROUTED
from models.base.db import Connection, Database, connected, rows, run, sql, transaction
from runtime.pii import Keyring

FIND_FACTORS = sql("""
    SELECT totp_secret, totp_confirmed_at IS NOT NULL AS has_totp, sends_codes
    FROM second_factors WHERE bucket = :bucket AND user_id = :user_id
""")

BEGIN_TOTP = sql("""
    INSERT INTO second_factors (bucket, user_id, totp_secret, totp_last_step, sends_codes, failures)
    VALUES (:bucket, :user_id, :totp_secret, 0, false, 0)
    ON CONFLICT (bucket, user_id) DO UPDATE
    SET totp_secret = excluded.totp_secret, totp_last_step = 0
    WHERE second_factors.totp_confirmed_at IS NULL
""")

CONFIRM_TOTP = sql("""
    UPDATE second_factors SET totp_confirmed_at = :now, totp_last_step = :step
    WHERE bucket = :bucket AND user_id = :user_id AND totp_confirmed_at IS NULL
      AND totp_secret = :sealed_secret
""")

# A code is good once: its time step has to lie after the last one used.
USE_STEP = sql("""
    UPDATE second_factors SET totp_last_step = :step
    WHERE bucket = :bucket AND user_id = :user_id AND totp_last_step < :step
      AND totp_confirmed_at IS NOT NULL
""")

# What was begun without a code of it is not to join it.
SEND_CODES = sql("""
    INSERT INTO second_factors (bucket, user_id, totp_last_step, sends_codes, failures)
    VALUES (:bucket, :user_id, 0, true, 0)
    ON CONFLICT (bucket, user_id) DO UPDATE
    SET sends_codes = true,
        totp_secret = CASE WHEN second_factors.totp_confirmed_at IS NOT NULL
                           THEN second_factors.totp_secret END
""")

FORGET_FACTORS = sql("DELETE FROM second_factors WHERE bucket = :bucket AND user_id = :user_id")

STORE_RECOVERY_CODES = sql(f"""
    INSERT INTO recovery_codes (bucket, user_id, code_hash)
    SELECT m.bucket, :user_id, d.code_hash
    FROM {ROUTED} unnest(CAST(:hashes AS bytea[])) AS d (code_hash)
    WHERE {AT_BUCKET}
""")

FORGET_RECOVERY_CODES = sql(
    "DELETE FROM recovery_codes WHERE bucket = :bucket AND user_id = :user_id"
)

USE_RECOVERY_CODE = sql("""
    DELETE FROM recovery_codes
    WHERE bucket = :bucket AND user_id = :user_id AND code_hash = :code_hash
""")


class Factors(Struct, frozen=True):
    """What a user has set up. `totp_secret` also while it awaits its first code."""

    totp_secret: str | None
    has_totp: bool
    sends_codes: bool
    sealed_secret: str | None

    @property
    def methods(self) -> list[str]:
        """How a sign-in can be confirmed."""
        listed = ["totp"] * self.has_totp + ["code"] * self.sends_codes
        return [*listed, "recovery"] if listed else []


NO_FACTORS = Factors(None, False, False, None)


async def find_factors(database: Database, keyring: Keyring, user_id: int) -> Factors:
    """A user's second factors."""
    async with connected(database) as connection:
        found = await rows(connection, FIND_FACTORS, _user(user_id))
    if not found:
        return NO_FACTORS
    row = found[0]
    secret = row.totp_secret and keyring.open("totp_secret", user_id, row.totp_secret)
    return Factors(secret, row.has_totp, row.sends_codes, row.totp_secret)


async def begin_totp(database: Database, keyring: Keyring, user_id: int, secret: str) -> bool:
    """Keep a secret that awaits its first code. False if one is in use."""
    sealed = keyring.seal("totp_secret", user_id, secret)
    async with connected(database) as connection:
        return await run(connection, BEGIN_TOTP, _user(user_id) | {"totp_secret": sealed}) == 1


async def confirm_totp(
    database: Database,
    user_id: int,
    sealed_secret: str | None,
    step: int,
    recovery_codes: Sequence[str],
    now: datetime,
) -> bool:
    """Begin to ask for codes, and keep recovery codes. False if that secret awaits none."""
    async with transaction(database) as connection:
        params = _user(user_id) | {"sealed_secret": sealed_secret, "step": step, "now": now}
        if await run(connection, CONFIRM_TOTP, params) == 0:
            return False
        await _replace_recovery_codes(connection, user_id, recovery_codes)
    return True


async def send_codes(database: Database, user_id: int, recovery_codes: Sequence[str]) -> None:
    """Begin to send a code at each sign-in, and keep recovery codes."""
    async with transaction(database) as connection:
        await run(connection, SEND_CODES, _user(user_id))
        await _replace_recovery_codes(connection, user_id, recovery_codes)


async def use_step(database: Database, user_id: int, step: int) -> bool:
    """Use up the code of a time step. False if it was used."""
    async with connected(database) as connection:
        return await run(connection, USE_STEP, _user(user_id) | {"step": step}) == 1


async def use_recovery_code(database: Database, user_id: int, code: str) -> bool:
    """Use up a recovery code. False if there is no such code any more."""
    async with connected(database) as connection:
        params = _user(user_id) | {"code_hash": _hash(code)}
        return await run(connection, USE_RECOVERY_CODE, params) == 1


async def forget_factors(database: Database, user_id: int) -> None:
    """Ask for no second factor any more."""
    async with transaction(database) as connection:
        await drop_factors(connection, user_id)


async def drop_factors(connection: Connection, user_id: int) -> None:
    """As `forget_factors`, within a transaction."""
    await run(connection, FORGET_FACTORS, _user(user_id))
    await run(connection, FORGET_RECOVERY_CODES, _user(user_id))


async def _replace_recovery_codes(
    connection: Connection, user_id: int, codes: Sequence[str]
) -> None:
    await run(connection, FORGET_RECOVERY_CODES, _user(user_id))
    params = _user(user_id) | {"hashes": [_hash(code) for code in codes]}
    await run(connection, STORE_RECOVERY_CODES, params)


def _user(user_id: int) -> dict[str, object]:
    return {"bucket": bucket_of(user_id), "user_id": user_id}


def _hash(code: str) -> bytes:
    # Eighty random bits need no slow hash.
    return sha256(code.encode()).digest()
