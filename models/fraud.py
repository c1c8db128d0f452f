"""Trails and holds of members: loaded and stored with a batch, in its transaction."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.fraud.checks import TRUSTED, Trail
from engine.fraud.levels import Alert, Hold
from engine.fraud.places import Place
from engine.timeline import bucket_of
from models import arrays
from models.db import Connection, Database, connected, rows, run, sql, transaction
from models.members import raise_versions
from models.staff import suspend_staff
from models.status import SnapshotCopies

# Read after the users are locked.
TRAILS = sql("""
    SELECT u.id, u.hold, u.hold_until, u.tracking_opt_out, t.level, t.raised_at, t.acted_at,
           t.seen_at, t.session_id, t.ip_address, t.latitude, t.longitude, t.placed_at,
           t.trusted_until, t.blind_count, t.blind_at
    FROM users u
    LEFT JOIN fraud_trails t ON t.bucket = u.bucket AND t.user_id = u.id
    WHERE u.bucket = :bucket AND u.id = ANY(CAST(:users AS bigint[]))
""")

_TRAIL_TYPES = {
    "user_id": "bigint",
    "level": "smallint",
    "raised_at": "timestamptz",
    "acted_at": "timestamptz",
    "seen_at": "timestamptz",
    "session_id": "uuid",
    "ip_address": "text",
    "latitude": "double precision",
    "longitude": "double precision",
    "placed_at": "timestamptz",
    "trusted_until": "timestamptz",
    "blind_count": "smallint",
    "blind_at": "timestamptz",
}
STORE_TRAILS = arrays.insert(
    "fraud_trails",
    _TRAIL_TYPES,
    updated=[name for name in _TRAIL_TYPES if name != "user_id"],
    key=("user_id",),
)

SET_HOLDS = sql("""
    UPDATE users u SET hold = d.hold, hold_until = d.hold_until
    FROM unnest(CAST(:users AS bigint[]), CAST(:holds AS text[]), CAST(:untils AS timestamptz[]))
         AS d (id, hold, hold_until)
    WHERE u.bucket = :bucket AND u.id = d.id
""")

END_SIGN_INS = sql("""
    UPDATE sign_ins SET revoked_at = :now
    WHERE bucket = :bucket AND id = ANY(CAST(:sign_ins AS uuid[])) AND revoked_at IS NULL
""")

SUSPENDED = sql("""
    SELECT hold_until FROM users
    WHERE bucket = :bucket AND id = :user_id AND hold = 'SUSPENDED' AND hold_until > :now
""")

LIFT = sql("""
    UPDATE users SET hold = NULL, hold_until = NULL
    WHERE bucket = :bucket AND id = :user_id AND hold = ANY(CAST(:holds AS text[]))
""")
# The way here was legitimate: the next place is the first one.
TRUST = sql("""
    UPDATE fraud_trails SET latitude = NULL, longitude = NULL, placed_at = NULL,
        trusted_until = CAST(:trusted_until AS timestamptz),
        level = CASE WHEN CAST(:is_cleared AS boolean) THEN 0 ELSE level END
    WHERE bucket = :bucket AND user_id = :user_id
""")


async def suspended_until(database: Database, user_id: int, now: datetime) -> datetime | None:
    """Until when an account is suspended, or None if it is not."""
    params = {"bucket": bucket_of(user_id), "user_id": user_id, "now": now}
    async with connected(database) as connection:
        found = await rows(connection, SUSPENDED, params)
    return found[0].hold_until if found else None


async def load_trails(
    connection: Connection, bucket: int, user_ids: Collection[int]
) -> tuple[dict[int, Trail], set[int]]:
    """Trails by user, and who does not want to be tracked."""
    trails: dict[int, Trail] = {}
    untracked: set[int] = set()
    params = {"bucket": bucket, "users": sorted(user_ids)}
    for row in await rows(connection, TRAILS, params):
        hold = Hold(row.hold) if row.hold else None
        place = None if row.latitude is None else Place(row.latitude, row.longitude)
        trails[row.id] = Trail(
            user_id=row.id,
            alert=Alert(row.level or 0, row.raised_at, hold, row.hold_until),
            acted_at=row.acted_at,
            seen_at=row.seen_at,
            session_id=row.session_id,
            ip=row.ip_address,
            place=place,
            placed_at=row.placed_at,
            trusted_until=row.trusted_until,
            blind_count=row.blind_count or 0,
            blind_at=row.blind_at,
        )
        if row.tracking_opt_out:
            untracked.add(row.id)
    return trails, untracked


async def store_trails(connection: Connection, bucket: int, trails: Iterable[Trail]) -> None:
    """Write trails back."""
    items = [_columns(trail) for trail in sorted(trails, key=lambda trail: trail.user_id)]
    await arrays.store(connection, STORE_TRAILS, bucket, items, _TRAIL_TYPES)


async def store_holds(connection: Connection, bucket: int, alerts: Mapping[int, Alert]) -> None:
    """Write holds that have changed, by user."""
    if alerts:
        params = {
            "bucket": bucket,
            "users": list(alerts),
            "holds": [alert.hold for alert in alerts.values()],
            "untils": [alert.hold_until for alert in alerts.values()],
        }
        await run(connection, SET_HOLDS, params)
        await suspend_staff(connection, alerts)


async def end_sign_ins(
    connection: Connection, bucket: int, sign_in_ids: Collection[UUID], now: datetime
) -> None:
    """End duplicates of sign-ins."""
    if sign_in_ids:
        params = {"bucket": bucket, "sign_ins": sorted(sign_in_ids), "now": now}
        await run(connection, END_SIGN_INS, params)


async def lift_hold(
    database: Database,
    copies: SnapshotCopies,
    user_id: int,
    holds: Collection[Hold],
    now: datetime,
    *,
    is_cleared: bool = False,
) -> bool:
    """End one of these holds, for what was asked for has been done. Return whether there was one.

    The address is trusted for a while; `is_cleared` also forgets the level.
    """
    bucket = bucket_of(user_id)
    params: dict[str, Any] = {"bucket": bucket, "user_id": user_id, "holds": sorted(holds)}
    trust = {"trusted_until": now + TRUSTED, "is_cleared": is_cleared}
    async with transaction(database) as connection:
        if not await run(connection, LIFT, params):
            return False
        await run(connection, TRUST, params | trust)
        await copies.mark_changing(await raise_versions(connection, bucket, [user_id]))
    await copies.refresh(database, bucket, [user_id])
    return True


def _columns(trail: Trail) -> dict[str, Any]:
    return {
        "user_id": trail.user_id,
        "level": trail.alert.level,
        "raised_at": trail.alert.raised_at,
        "acted_at": trail.acted_at,
        "seen_at": trail.seen_at,
        "session_id": trail.session_id,
        "ip_address": trail.ip,
        "latitude": trail.place.latitude if trail.place else None,
        "longitude": trail.place.longitude if trail.place else None,
        "placed_at": trail.placed_at,
        "trusted_until": trail.trusted_until,
        "blind_count": trail.blind_count,
        "blind_at": trail.blind_at,
    }
