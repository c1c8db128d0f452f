"""How the engine itself stands, for operators: who waits, who missed a tick, who works."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError

from engine.core.piece import Lane, Piece
from engine.core.timeline import BUCKET_COUNT, Timetable, boundary_at_or_before
from models.base.buckets import rows_of_buckets
from models.base.db import Database, Row, connected, rows, sql, transaction
from models.base.nodes import survey, survey_rows
from models.base.trail import Actor, Entry, log_in_bucket
from models.intents import queue
from models.intents.errands import LETTERS_MAX, dead_errands, revive_errand
from models.intents.queue import LEASE_SECONDS
from runtime.broker.bells import QUEUES
from runtime.broker.prompt import WORKER_NAME

BACKLOG_MAX = 1_000  # counted per bucket; beyond it "or more"

BACKLOG = sql("""
    SELECT group_number, bucket, count(*) AS undone, min(recorded_at) AS oldest_at
    FROM (SELECT group_number, bucket, recorded_at FROM intents
          WHERE bucket = :bucket AND status = 'RECORDED' AND ring_at <= :ring_by
          ORDER BY ring_at LIMIT :limit) w
    GROUP BY group_number, bucket
""")

# The watermark of a piece counts only while somebody in it earns.
TICKS = survey(
    """
    SELECT w.group_number, min(w.credited_through) AS credited_through, count(*) AS pieces
    FROM credit_watermarks w
    WHERE {bucket of w}
      AND EXISTS (SELECT FROM mining_sessions s
                  WHERE {bucket of s} AND s.bucket = w.bucket AND s.group_number = w.group_number
                    AND s.status = 'ACTIVE' AND s.started_at < :boundary
                    AND s.ends_at > w.credited_through)
    GROUP BY w.group_number ORDER BY w.group_number
    """
)

SERVED = sql("""
    SELECT CAST(floor(extract(epoch FROM served_at - CAST(:since AS timestamptz)) / :slot)
                AS integer) AS slot, count(*) AS served
    FROM ad_views
    WHERE bucket = :bucket AND served_at >= CAST(:since AS timestamptz)
      AND served_at < CAST(:until AS timestamptz)
    GROUP BY 1
""")


class GroupTicks(Struct, frozen=True):
    """A group with live sessions: paid through when, and how many boundaries it has missed."""

    group_number: int
    credited_through: datetime
    pieces: int
    missed_boundaries: int


class Worker(Struct, frozen=True):
    """A worker process that listens to the broker, `host:pid`, and since when."""

    name: str
    since: datetime


class Queue(Struct, frozen=True):
    """A queue of the broker, and how many bells wait in it."""

    name: str
    depth: int


async def read_backlog(database: Database, now: datetime) -> Sequence[Row]:
    """Pieces with undone intents, those that have waited longest first."""
    ring_by = now + timedelta(seconds=LEASE_SECONDS)  # rung for, or soon to be
    params = {"ring_by": ring_by, "limit": BACKLOG_MAX}
    found = await rows_of_buckets(database, BACKLOG, params)
    return sorted(found, key=lambda piece: (piece.oldest_at, piece.group_number, piece.bucket))


async def read_ticks(database: Database, table: Timetable, now: datetime) -> list[GroupTicks]:
    """Every group that earns now, and how far it has been paid."""
    tick = timedelta(seconds=table.timing.tick_seconds)
    boundary = boundary_at_or_before(now, table.timing.tick_seconds)
    through: dict[int, list[datetime]] = {}
    pieces: Counter[int] = Counter()
    for row in await survey_rows(database, TICKS, {"boundary": boundary}):
        through.setdefault(row.group_number, []).append(row.credited_through)
        pieces[row.group_number] += row.pieces
    return [
        GroupTicks(
            group,
            min(reached),
            pieces[group],
            max(0, (boundary - min(reached)) // tick),
        )
        for group, reached in sorted(through.items())
    ]


async def read_load(
    database: Database, since: datetime, until: datetime, slot_seconds: int
) -> list[int]:
    """Ads served in each slot of [since, until)."""
    slots = [0] * -(-int((until - since).total_seconds()) // slot_seconds)
    for bucket in range(BUCKET_COUNT):
        params = {"bucket": bucket, "since": since, "until": until, "slot": slot_seconds}
        async with connected(database) as connection:
            for row in await rows(connection, SERVED, params):
                slots[row.slot] += row.served
    return slots


async def read_workers(broker: Redis, now: datetime) -> list[Worker] | None:
    """Who listens to this broker, or None if it cannot be asked.

    Not by Dramatiq's heartbeats, which whoever enqueues has as well.
    """
    database = str(broker.connection_pool.connection_kwargs.get("db", 0))
    try:
        clients: list[dict[str, str]] = await broker.client_list(_type="pubsub")
    except (RedisError, OSError):
        return None
    clients.sort(key=lambda client: client["name"])
    return [
        Worker(name.removeprefix(WORKER_NAME), now - timedelta(seconds=int(client["age"])))
        for client in clients
        if (name := client["name"]).startswith(WORKER_NAME) and client["db"] == database
    ]


async def read_queues(broker: Redis) -> list[Queue] | None:
    """Bells that wait, by queue, or None if the broker cannot be asked."""
    try:
        depths = [await broker.llen(f"dramatiq:{name}") for name in QUEUES]
    except (RedisError, OSError):
        return None
    return [Queue(name, depth) for name, depth in zip(QUEUES, depths, strict=True)]


async def read_dead_letters(database: Database) -> Sequence[Row]:
    """Intents and errands that failed too often, the oldest thousand."""
    async with connected(database) as connection:
        found = await rows(connection, queue.DEAD_LETTERS)
    found = [*found, *await dead_errands(database)]
    return sorted(found, key=lambda letter: letter.recorded_at)[:LETTERS_MAX]


async def revive(
    database: Database, actor: Actor, bucket: int, letter_id: UUID, reason: str, now: datetime
) -> Piece | None:
    """Another try for a dead letter, and its entry in the trail; None if there is no such one.

    Asked for twice, it is revived once.
    """
    params: dict[str, Any] = {"bucket": bucket, "id": letter_id, "now": now}
    async with transaction(database) as connection:
        found = await rows(connection, queue.REQUEUE, params)
        if found:
            kind, group_number = "intent", found[0].group_number
        elif await revive_errand(connection, bucket, letter_id, now):
            kind, group_number = "errand", Lane.ERRANDS
        else:
            return None
        action = Entry("letter.requeue", kind, str(letter_id), reason=reason)
        await log_in_bucket(connection, bucket, actor, action, now)
    return Piece(group_number, bucket)
