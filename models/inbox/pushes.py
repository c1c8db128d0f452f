"""Phones, and which notifications they have yet to be told (decision 0023)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from engine.core.piece import Piece
from engine.core.timeline import PUSH_GROUP, bucket_of
from models.base.db import Database, Row, connected, rows, run, sql
from models.base.nodes import survey, survey_rows

BATCH_SIZE = 100
ID_BYTES = 32
DEVICES_MAX = 10
# So long a worker has for its batch. Should it die, the next one tries again afterwards.
LEASE = timedelta(minutes=2)

CLAIM_DEVICE = sql("""
    INSERT INTO device_owners (id, user_id, claimed_at) VALUES (:id, :user_id, :now)
    ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id, claimed_at = excluded.claimed_at
""")

OWNER = sql("SELECT user_id FROM device_owners WHERE id = :id")

SAVE_DEVICE = sql("""
    INSERT INTO devices (bucket, id, user_id, token, platform, language, seen_at)
    VALUES (:bucket, :id, :user_id, :token, :platform, :language, :now)
    ON CONFLICT (bucket, id) DO UPDATE
    SET user_id = excluded.user_id, platform = excluded.platform, language = excluded.language,
        seen_at = excluded.seen_at
""")

# Those seen longest ago give way: nobody carries more phones than that.
TRIM_DEVICES = sql("""
    DELETE FROM devices WHERE bucket = :bucket AND user_id = :user_id AND id = ANY(ARRAY(
        SELECT id FROM devices WHERE bucket = :bucket AND user_id = :user_id
        ORDER BY seen_at DESC, id OFFSET :limit))
""")

FORGET_DEVICE = sql("""
    DELETE FROM devices WHERE bucket = :bucket AND id = :id AND user_id = :user_id
""")

DEVICES_OF = sql("""
    SELECT id, user_id, token, platform, language FROM devices
    WHERE bucket = :bucket AND user_id = ANY(CAST(:users AS bigint[])) ORDER BY user_id, id
""")

CLAIM = sql("""
    UPDATE notifications SET push_due_at = :leased_until, push_attempts = push_attempts + 1
    WHERE bucket = :bucket AND id = ANY(ARRAY(
        SELECT id FROM notifications
        WHERE bucket = :bucket AND push_due_at <= :now
        ORDER BY push_due_at LIMIT :limit FOR UPDATE SKIP LOCKED))
    RETURNING id, user_id, kind, params, created_at, push_attempts, push_told
""")

FINISH = sql("""
    UPDATE notifications SET push_due_at = NULL
    WHERE bucket = :bucket AND id = ANY(CAST(:ids AS uuid[]))
""")

POSTPONE = sql("""
    UPDATE notifications n SET push_due_at = :due_at, push_told = d.told
    FROM unnest(CAST(:ids AS uuid[]), CAST(:told AS bytea[])) AS d (id, told)
    WHERE n.bucket = :bucket AND n.id = d.id
""")

# One probe of a partial index per bucket, as for undone intents (models.intents.queue).
DUE_BUCKETS = survey(
    """
    SELECT m.bucket FROM credit_watermarks m
    WHERE {bucket of m} AND m.group_number = 1 AND EXISTS (
        SELECT FROM notifications n
        WHERE {bucket of n} AND n.bucket = m.bucket AND n.push_due_at <= :now)
    ORDER BY m.bucket
    """
)


def device_id(token: str) -> bytes:
    """What a token is known by; it does not tell the token."""
    return sha256(token.encode()).digest()


async def register_device(
    database: Database, user_id: int, token: str, platform: str, language: str, now: datetime
) -> bytes:
    """Remember a user's phone, and take it from whoever had it before. Return its id.

    Three statements in an order that a phone may repeat: at no time are there two who are told.
    """
    params = {"id": device_id(token), "user_id": user_id, "now": now}
    async with connected(database) as connection:
        before = await rows(connection, OWNER, params)
        if before and before[0].user_id != user_id:
            former = {"bucket": bucket_of(before[0].user_id), "user_id": before[0].user_id}
            await run(connection, FORGET_DEVICE, params | former)
        await run(connection, CLAIM_DEVICE, params)
        own = {"bucket": bucket_of(user_id), "token": token}
        await run(
            connection, SAVE_DEVICE, params | own | {"platform": platform, "language": language}
        )
        await run(connection, TRIM_DEVICES, params | own | {"limit": DEVICES_MAX})
    return device_id(token)


async def forget_device(database: Database, user_id: int, id_: bytes) -> bool:
    """Tell a phone nothing any more. Return False if it is not the user's."""
    params = {"bucket": bucket_of(user_id), "id": id_, "user_id": user_id}
    async with connected(database) as connection:
        return bool(await run(connection, FORGET_DEVICE, params))


async def claim_pushes(
    database: Database, bucket: int, now: datetime
) -> tuple[Sequence[Row], dict[int, list[Row]]]:
    """Take due notifications for as long as the lease, and the phones of their users."""
    params = {"bucket": bucket, "now": now, "leased_until": now + LEASE, "limit": BATCH_SIZE}
    async with connected(database) as connection:
        claimed = await rows(connection, CLAIM, params)
        users = sorted({row.user_id for row in claimed})
        found = await rows(connection, DEVICES_OF, {"bucket": bucket, "users": users})
    devices: dict[int, list[Row]] = {}
    for row in found:
        devices.setdefault(row.user_id, []).append(row)
    return claimed, devices


def told_of(row: Row) -> frozenset[bytes]:
    """The ids of the phones that a claimed notification need not be told to any more."""
    told: bytes = row.push_told or b""
    return frozenset(told[at : at + ID_BYTES] for at in range(0, len(told), ID_BYTES))


async def finish_pushes(database: Database, bucket: int, ids: Collection[object]) -> None:
    """Told, or given up."""
    if ids:
        async with connected(database) as connection:
            await run(connection, FINISH, {"bucket": bucket, "ids": list(ids)})


async def postpone_pushes(
    database: Database, bucket: int, told: Mapping[UUID, Collection[bytes]], due_at: datetime
) -> None:
    """To be tried again then, but for the phones that were told already."""
    params = {
        "bucket": bucket,
        "ids": list(told),
        "told": [b"".join(sorted(devices)) for devices in told.values()],
        "due_at": due_at,
    }
    async with connected(database) as connection:
        await run(connection, POSTPONE, params)


async def pieces_to_push(database: Database, now: datetime) -> list[Piece]:
    """Where somebody is to be told something by now."""
    found = await survey_rows(database, DUE_BUCKETS, {"now": now})
    return [Piece(PUSH_GROUP, row.bucket) for row in found]
