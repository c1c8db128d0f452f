"""What is remembered of closed accounts that were held: keyed hashes, for as long as the hold
would have lasted (decision 0044); and what is known of those that still are there.

Whoever comes back with the same mailbox, number or device goes on where they stopped. The values
are blind indexes; nothing else of the person is kept.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from engine.core.decision import LogEntry
from engine.core.evidence import Evidence
from engine.core.timeline import bucket_of
from engine.fraud.levels import Alert, Hold, Severity, held_at, lasts_until, worst
from models.accounts.claims import Claim
from models.base.db import Connection, Database, connected, rows, run, sql, transaction
from models.base.logs import store_logs
from runtime.clock import new_id

# Personal data is kept for two years at most (blueprint, "Privacy").
INACTIVE = timedelta(days=730)

HELD = sql("""
    SELECT u.id, u.hold, u.hold_until, u.is_active, u.closed_at, t.level, t.raised_at
    FROM users u
    LEFT JOIN fraud_trails t ON t.bucket = u.bucket AND t.user_id = u.id
    WHERE u.bucket = :bucket AND u.id = ANY(CAST(:users AS bigint[]))
""")
IDENTITIES = sql("""
    SELECT user_id, kind || ':' || value AS value FROM identities
    WHERE user_id = ANY(CAST(:users AS bigint[]))
""")
MAILBOXES = sql("""
    SELECT user_id, 'mailbox:' || value AS value FROM mailboxes
    WHERE user_id = ANY(CAST(:users AS bigint[]))
""")
DEVICES = sql("""
    SELECT user_id, 'device:' || encode(fingerprint, 'hex') AS value FROM fingerprints
    WHERE user_id = ANY(CAST(:users AS bigint[]))
""")
REMEMBER = sql("""
    INSERT INTO bans (value, user_id, level, raised_at, hold, hold_until, expires_at)
    SELECT d.value, d.user_id, d.level, d.raised_at, d.hold, d.hold_until, d.expires_at
    FROM unnest(CAST(:values AS text[]), CAST(:owners AS bigint[]), CAST(:levels AS smallint[]),
                CAST(:raised AS timestamptz[]), CAST(:holds AS text[]),
                CAST(:untils AS timestamptz[]), CAST(:expiries AS timestamptz[]))
         AS d (value, user_id, level, raised_at, hold, hold_until, expires_at)
    ON CONFLICT (value, user_id) DO NOTHING
""")
OF_VALUES = sql("""
    SELECT user_id, level, raised_at, hold, hold_until FROM bans
    WHERE value = ANY(CAST(:values AS text[])) AND expires_at > :now
""")
PRUNE = sql("DELETE FROM bans WHERE expires_at <= :now")
BEGIN_TRAIL = sql("""
    INSERT INTO fraud_trails (bucket, user_id, level, raised_at)
    VALUES (:bucket, :user_id, :level, CAST(:raised_at AS timestamptz))
""")


async def remember_held(
    database: Database, bucket: int, users: Sequence[int], now: datetime
) -> None:
    """Note what these closed accounts are held by, while it still can be read."""
    params = {"bucket": bucket, "users": users}
    async with connected(database) as connection:
        held = {row.id: _alert(row) for row in await rows(connection, HELD, params)}
        lasting = {user: until for user in held if (until := lasts_until(held[user], now))}
        params["users"] = list(lasting)
        found = [
            row
            for statement in (IDENTITIES, MAILBOXES, DEVICES)
            for row in await rows(connection, statement, params)
        ]
    if not found:
        return
    alerts = [held[row.user_id] for row in found]
    noted = {
        "values": [row.value for row in found],
        "owners": [row.user_id for row in found],
        "levels": [alert.level for alert in alerts],
        "raised": [alert.raised_at for alert in alerts],
        "holds": [alert.hold for alert in alerts],
        "untils": [alert.hold_until for alert in alerts],
        "expiries": [lasting[row.user_id] for row in found],
    }
    async with transaction(database) as connection:
        await run(connection, REMEMBER, noted)


async def find_ban(database: Database, claim: Claim, now: datetime) -> Alert | None:
    """What whoever comes with this address was held by when they left."""
    values = [f"{claim.kind}:{claim.identity}"]
    if claim.mailbox is not None:
        values.append(f"mailbox:{claim.mailbox}")
    async with connected(database) as connection:
        return worst(await _of(connection, values, now), now)


async def bans_of_device(connection: Connection, fingerprint: bytes, now: datetime) -> list[Alert]:
    """What the closed accounts of a device that are remembered were held by."""
    return await _of(connection, [f"device:{fingerprint.hex()}"], now)


async def held_among(connection: Connection, users: Collection[int], now: datetime) -> list[Alert]:
    """What those of these users are held by who are suspended or switched off; of a closed one that
    is not forgotten yet, whatever will be remembered."""
    buckets: dict[int, list[int]] = {}
    for user_id in users:
        buckets.setdefault(bucket_of(user_id), []).append(user_id)
    alerts = []
    for bucket, owners in buckets.items():
        for row in await rows(connection, HELD, {"bucket": bucket, "users": owners}):
            alert = _alert(row)
            if row.closed_at is None and not row.is_active:
                alert = replace(alert, hold=Hold.SUSPENDED, hold_until=now + INACTIVE)
            if row.closed_at is not None or held_at(alert, now) is Hold.SUSPENDED:
                alerts.append(alert)
    return alerts


async def carry_over(
    connection: Connection, bucket: int, user_id: int, alert: Alert, now: datetime
) -> None:
    """Let a new user begin at the level of the account they closed, and tell moderators."""
    params: dict[str, Any] = {"bucket": bucket, "user_id": user_id, "level": alert.level}
    await run(connection, BEGIN_TRAIL, params | {"raised_at": alert.raised_at})
    details = {"level": alert.level, "hold": alert.hold}
    entry = LogEntry(user_id, "CAME_BACK", "user", new_id(now), details, Severity.HIGH)
    await store_logs(connection, bucket, [(entry, Evidence(), now)])


async def prune_bans(database: Database, now: datetime) -> int:
    """Forget what has run out. Return how many rows."""
    async with connected(database) as connection:
        return await run(connection, PRUNE, {"now": now})


async def _of(connection: Connection, values: Collection[str], now: datetime) -> list[Alert]:
    found = await rows(connection, OF_VALUES, {"values": list(values), "now": now})
    return [_alert(row) for row in found]


def _alert(row: Any) -> Alert:
    hold = Hold(row.hold) if row.hold else None
    return Alert(row.level or 0, row.raised_at, hold, row.hold_until)
