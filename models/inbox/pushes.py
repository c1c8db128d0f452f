"""Phones, and what the release before has yet to tell them (decisions 0023 and 0054)."""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec

from engine.core.errands import Errand, TellPhones
from engine.core.piece import Lane, Piece
from engine.core.timeline import bucket_of
from models.base.db import Database, Row, connected, rows, run, sql, transaction
from models.base.nodes import survey, survey_rows
from models.intents.errands import store_errands

BATCH_SIZE = 1_000
ID_BYTES = 32
DEVICES_MAX = 10

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

# What the release before wrote: it is told by whoever takes it first.
TAKE_OVER = sql("""
    UPDATE notifications SET push_due_at = NULL
    WHERE bucket = :bucket AND id = ANY(ARRAY(
        SELECT id FROM notifications
        WHERE bucket = :bucket AND push_due_at <= :now
        ORDER BY push_due_at LIMIT :limit FOR UPDATE SKIP LOCKED))
    RETURNING id, user_id, kind, params, created_at, push_attempts, push_told
""")

BUCKETS_OF_BEFORE = survey(
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


async def devices_of(database: Database, bucket: int, users: Iterable[int]) -> dict[int, list[Row]]:
    """The phones of each of these users."""
    params = {"bucket": bucket, "users": sorted(set(users))}
    async with connected(database) as connection:
        found = await rows(connection, DEVICES_OF, params)
    devices: dict[int, list[Row]] = {}
    for row in found:
        devices.setdefault(row.user_id, []).append(row)
    return devices


async def take_over_pushes(database: Database, bucket: int, now: datetime) -> None:
    """Make errands of what the release before has yet to tell, all in one transaction each."""
    params: dict[str, Any] = {"bucket": bucket, "now": now, "limit": BATCH_SIZE}
    while True:
        async with transaction(database) as connection:
            taken = await rows(connection, TAKE_OVER, params)
            await store_errands(connection, bucket, [_errand(row) for row in taken])
        if len(taken) < BATCH_SIZE:
            return


async def pieces_of_before(database: Database, now: datetime) -> list[Piece]:
    """Where the release before has yet to tell somebody something by now."""
    found = await survey_rows(database, BUCKETS_OF_BEFORE, {"now": now})
    return [Piece(Lane.ERRANDS, row.bucket) for row in found]


def _errand(row: Row) -> Errand:
    told: bytes = row.push_told or b""
    ids = tuple(told[at : at + ID_BYTES].hex() for at in range(0, len(told), ID_BYTES))
    call = TellPhones(row.kind, msgspec.json.decode(row.params), ids)
    return Errand(row.id, row.user_id, call, row.created_at, row.push_attempts)
