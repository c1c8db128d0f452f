"""Histories and holds of members, for the examination of their intents."""

from collections.abc import Collection
from typing import Any

from engine.fraud.checks import History
from engine.fraud.examination import Ending, HeldAccount
from engine.fraud.levels import Alert, Hold
from engine.fraud.places import Place
from models.admin.staff import suspend_staff
from models.base import arrays
from models.base.db import rows, run, sql
from models.fraud.tables import fraud_trails
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

_TRAIL_TYPES = arrays.types_of(
    fraud_trails,
    [
        "user_id",
        "level",
        "raised_at",
        "acted_at",
        "seen_at",
        "session_id",
        "ip_address",
        "latitude",
        "longitude",
        "placed_at",
        "trusted_until",
        "blind_count",
        "blind_at",
    ],
)
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


async def load_histories(batch: Batch) -> None:
    """Load what is remembered of the members."""
    params = {"bucket": batch.bucket, "users": batch.users}
    for row in await rows(batch.connection, TRAILS, params):
        hold = Hold(row.hold) if row.hold else None
        place = None if row.latitude is None else Place(row.latitude, row.longitude)
        history = History(
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
        batch.people[row.id].put(history)


async def store_histories(batch: Batch, histories: list[History]) -> Collection[int]:
    """Write histories back. The snapshot does not show them."""
    items = [
        _columns(history) for history in sorted(histories, key=lambda history: history.user_id)
    ]
    await arrays.store(batch.connection, STORE_TRAILS, batch.bucket, items, _TRAIL_TYPES)
    return ()


async def store_holds(batch: Batch, holds: list[HeldAccount]) -> Collection[int]:
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


def _columns(history: History) -> dict[str, Any]:
    return {
        "user_id": history.user_id,
        "level": history.alert.level,
        "raised_at": history.alert.raised_at,
        "acted_at": history.acted_at,
        "seen_at": history.seen_at,
        "session_id": history.session_id,
        "ip_address": history.ip,
        "latitude": history.place.latitude if history.place else None,
        "longitude": history.place.longitude if history.place else None,
        "placed_at": history.placed_at,
        "trusted_until": history.trusted_until,
        "blind_count": history.blind_count,
        "blind_at": history.blind_at,
    }


KEEPS = (
    Keep(History, store_histories, load_histories),
    Keep(HeldAccount, store_holds),
    Keep(Ending, end_sign_ins),
)
