"""Which accounts a device has been seen with (blueprint, "Anti-fraud", check 4)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from engine.fraud.checks import ACCOUNTS_PER_DEVICE_MAX
from engine.fraud.levels import Hold, Severity
from engine.intents import FlagUser
from models.db import Database, connected, rows, run, sql, transaction
from models.encoding import encode
from models.intents import Recorded, Wish, record

# A device that changed hands is another one after that.
REMEMBERED = timedelta(days=90)
FLAGGED_MAX = 100

SEE = sql("""
    INSERT INTO fingerprints (fingerprint, user_id, seen_at) VALUES (:fingerprint, :user_id, :now)
    ON CONFLICT (fingerprint, user_id) DO UPDATE SET seen_at = excluded.seen_at
""")
ACCOUNTS = sql("""
    SELECT user_id, flagged_at FROM fingerprints
    WHERE fingerprint = :fingerprint AND seen_at > :since
    ORDER BY user_id LIMIT :limit
""")
NOTE_FLAGGED = sql("""
    UPDATE fingerprints SET flagged_at = :now
    WHERE fingerprint = :fingerprint AND user_id = ANY(CAST(:users AS bigint[]))
""")


async def see_device(
    database: Database, fingerprint: bytes, user_id: int, now: datetime
) -> list[Recorded]:
    """Note a device of a user's. Return intents for those of more accounts than a device may have.

    Each account is flagged once for a device, however often it comes back.
    """
    params = {"fingerprint": fingerprint, "user_id": user_id, "now": now}
    limits = {"since": now - REMEMBERED, "limit": FLAGGED_MAX}
    async with transaction(database) as connection:
        await run(connection, SEE, params)
        found = await rows(connection, ACCOUNTS, {"fingerprint": fingerprint} | limits)
    unflagged = [row.user_id for row in found if row.flagged_at is None]
    if len(found) <= ACCOUNTS_PER_DEVICE_MAX or not unflagged:
        return []
    recorded = await _flag(database, fingerprint, unflagged, now)
    async with connected(database) as connection:
        flagged = {"fingerprint": fingerprint, "users": unflagged, "now": now}
        await run(connection, NOTE_FLAGGED, flagged)
    return recorded


async def _flag(
    database: Database, fingerprint: bytes, accounts: Sequence[int], now: datetime
) -> list[Recorded]:
    recorded = []
    for user_id in accounts:
        action = FlagUser(
            "MULTI_ACCOUNT",
            Severity.HIGH,
            {"accounts_at_least": ACCOUNTS_PER_DEVICE_MAX + 1},
            Hold.VERIFICATION,
        )
        wish = Wish(
            user_id=user_id,
            action=action,
            origin="device",
            key=f"{fingerprint.hex()}:{user_id}",
            body_hash=sha256(encode(action).encode()).digest(),
            recorded_at=now,
            evidence={"device": fingerprint.hex()},
        )
        recorded.append(await record(database, wish))
    return recorded
