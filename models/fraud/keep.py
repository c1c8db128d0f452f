"""Trails and holds of members, for the examination of their intents."""

from collections.abc import Collection
from typing import Any

from engine.fraud.checks import Trail
from engine.fraud.examination import Ending, Held
from engine.fraud.levels import Alert, Hold
from engine.fraud.places import Place
from models.admin.staff import suspend_staff
from models.base import arrays
from models.base.db import rows, run, sql
from models.intents.batch import Batch, Keep

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


async def load_trails(batch: Batch) -> None:
    """Load what is remembered of the members."""
    params = {"bucket": batch.bucket, "users": batch.users}
    for row in await rows(batch.connection, TRAILS, params):
        hold = Hold(row.hold) if row.hold else None
        place = None if row.latitude is None else Place(row.latitude, row.longitude)
        trail = Trail(
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
            is_tracked=not row.tracking_opt_out,
        )
        batch.people[row.id].put(trail)


async def store_trails(batch: Batch, trails: list[Trail]) -> Collection[int]:
    """Write trails back. The snapshot does not show them."""
    items = [_columns(trail) for trail in sorted(trails, key=lambda trail: trail.user_id)]
    await arrays.store(batch.connection, STORE_TRAILS, batch.bucket, items, _TRAIL_TYPES)
    return ()


async def store_holds(batch: Batch, holds: list[Held]) -> Collection[int]:
    """Write holds that have changed."""
    ordered = sorted(holds, key=lambda held: held.user_id)
    users = [held.user_id for held in ordered]
    params = {
        "bucket": batch.bucket,
        "users": users,
        "holds": [held.hold for held in ordered],
        "untils": [held.until for held in ordered],
    }
    await run(batch.connection, SET_HOLDS, params)
    suspended = {h.user_id: h.until if h.hold is Hold.SUSPENDED else None for h in ordered}
    await suspend_staff(batch.connection, suspended)
    return users


async def end_sign_ins(batch: Batch, endings: list[Ending]) -> Collection[int]:
    """End duplicates of sign-ins."""
    ended = sorted(ending.session_id for ending in endings)
    params = {"bucket": batch.bucket, "sign_ins": ended, "now": batch.now}
    await run(batch.connection, END_SIGN_INS, params)
    return ()


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


KEEPS = (
    Keep(Trail, store_trails, load_trails),
    Keep(Held, store_holds),
    Keep(Ending, end_sign_ins),
)
