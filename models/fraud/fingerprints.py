"""Which accounts a device has been seen with (blueprint, "Anti-fraud", check 4)."""

from datetime import datetime, timedelta
from hashlib import sha256

from engine.core.evidence import Evidence
from engine.fraud.actions import FlagUser
from engine.fraud.checks import ACCOUNTS_PER_DEVICE_MAX
from engine.fraud.levels import Alert, Hold, Severity, held_at, level_at, worst
from models.accounts.bans import bans_of_device, held_among
from models.base.db import Database, connected, rows, run, sql, transaction
from models.base.encoding import encode
from models.intents.record import Recorded, Wish, record

# A device that changed hands is another one after that.
REMEMBERED = timedelta(days=90)
FLAGGED_MAX = 100
_CAME_BACK = "CAME_BACK"

IS_KNOWN = sql("""
    SELECT 1 FROM fingerprints WHERE fingerprint = :fingerprint AND user_id = :user_id
""")
SEE = sql("""
    INSERT INTO fingerprints (fingerprint, user_id, seen_at, came_at)
    VALUES (:fingerprint, :user_id, :now, :now)
    ON CONFLICT (fingerprint, user_id) DO UPDATE SET seen_at = excluded.seen_at
""")
OTHERS = sql("""
    SELECT user_id FROM fingerprints WHERE fingerprint = :fingerprint AND seen_at > :since
    ORDER BY seen_at DESC, user_id LIMIT :limit
""")
# Whoever came when there were too many already: anybody can send somebody else's signals, so it is
# not for those to bear who were there before. Of several at one instant nobody was.
TOO_MANY = sql("""
    SELECT user_id FROM (
        SELECT user_id, flagged_at, count(*) OVER (ORDER BY COALESCE(came_at, '-infinity')) AS place
        FROM fingerprints WHERE fingerprint = :fingerprint AND seen_at > :since) d
    WHERE flagged_at IS NULL AND place > :most ORDER BY user_id LIMIT :limit
""")
NOTE_FLAGGED = sql("""
    UPDATE fingerprints SET flagged_at = :now
    WHERE fingerprint = :fingerprint AND user_id = ANY(CAST(:users AS bigint[]))
""")


async def see_device(
    database: Database, fingerprint: bytes, user_id: int, now: datetime
) -> list[Recorded]:
    """Note a device of a user's. Return intents for those who came to more accounts than a device
    may have, and for a newcomer on the device of somebody whose account is suspended or switched
    off, or was held when it was closed.

    Each account is flagged once for a device, however often it comes back. Closed accounts count
    for as long as they are remembered.
    """
    params = {"fingerprint": fingerprint, "user_id": user_id, "now": now}
    limits = {"since": now - REMEMBERED, "limit": FLAGGED_MAX}
    async with connected(database) as connection:
        is_known = bool(await rows(connection, IS_KNOWN, params))
        bans = await bans_of_device(connection, fingerprint, now)
        closed = len(bans)
        if not is_known:
            if await held_among(connection, [user_id], now):
                return []  # it would bring whoever is new on that device what it is held by
            others = await rows(connection, OTHERS, {"fingerprint": fingerprint} | limits)
            bans += await held_among(connection, [row.user_id for row in others], now)
    recorded = []
    ban = worst(bans, now)
    if ban is not None and not is_known:  # before it is known: whatever breaks, it is flagged
        recorded.append(await _flag(database, fingerprint, user_id, _came_back(ban, now), now))
    async with transaction(database) as connection:
        await run(connection, SEE, params)
        most = {"most": ACCOUNTS_PER_DEVICE_MAX - closed}
        found = await rows(connection, TOO_MANY, {"fingerprint": fingerprint} | limits | most)
    unflagged = [row.user_id for row in found]
    if not unflagged:
        return recorded
    for each in unflagged:
        recorded.append(await _flag(database, fingerprint, each, _MULTI_ACCOUNT, now))
    async with connected(database) as connection:
        flagged = {"fingerprint": fingerprint, "users": unflagged, "now": now}
        await run(connection, NOTE_FLAGGED, flagged)
    return recorded


_MULTI_ACCOUNT = FlagUser(
    "MULTI_ACCOUNT",
    Severity.HIGH,
    {"accounts_at_least": ACCOUNTS_PER_DEVICE_MAX + 1},
    Hold.VERIFICATION,
)


def _came_back(ban: Alert, now: datetime) -> FlagUser:
    hold, level = held_at(ban, now), level_at(ban, now)
    return FlagUser(_CAME_BACK, Severity.HIGH, {"level": level}, hold, level)


def _suffix(action: FlagUser) -> str:
    return f":{action.hold}:{action.level}" if action.event == _CAME_BACK else ""


async def _flag(
    database: Database, fingerprint: bytes, user_id: int, action: FlagUser, now: datetime
) -> Recorded:
    wish = Wish(
        user_id=user_id,
        action=action,
        origin="device",
        key=f"{fingerprint.hex()}:{user_id}{_suffix(action)}",
        body_hash=sha256(encode(action).encode()).digest(),
        recorded_at=now,
        evidence=Evidence(device=fingerprint.hex()),
    )
    return await record(database, wish)
