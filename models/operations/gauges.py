"""How the whole engine stands: read by the clock process alone, since it is one state for all.

Each question is a probe of a small or partial index in every bucket, whatever the load.
"""

from datetime import datetime

from redis.asyncio import Redis

from engine.core.timeline import Timetable
from models.base.db import Database
from models.installation.settings import GROUPS
from models.operations.alerts import count_dead_letters
from models.operations.operations import read_backlog, read_queues, read_ticks, read_workers
from runtime.broker.bells import QUEUES, SOCKET_TIMEOUT_SECONDS, queue_name
from runtime.telemetry.meter import Labels, meter
from runtime.telemetry.metrics import (
    DEAD_LETTERS,
    QUEUE_BELLS,
    QUEUE_OLDEST,
    QUEUE_UNDONE,
    STATE_READ,
    TICKS_MISSED,
    WORKERS_LIVE,
)


async def read_state(database: Database, table: Timetable, broker_url: str, now: datetime) -> None:
    """Set the figures of queues, ticks, dead letters and workers. Raise a database error."""
    undone: dict[Labels, float] = {(queue,): 0 for queue in QUEUES}
    oldest = dict(undone)
    for row in await read_backlog(database, now):
        queue = (queue_name(row.group_number),)
        waits = max(0.0, (now - row.oldest_at).total_seconds())
        undone[queue] += row.undone
        oldest[queue] = max(oldest[queue], waits)
    ticks = await read_ticks(database, table, now)
    dead = await count_dead_letters(database)
    meter.replace(QUEUE_UNDONE, undone)
    meter.replace(QUEUE_OLDEST, oldest)
    missed = {str(group): 0 for group in GROUPS} | {
        str(tick.group_number): tick.missed_boundaries for tick in ticks
    }
    meter.replace(TICKS_MISSED, {(group,): boundaries for group, boundaries in missed.items()})
    meter.set(DEAD_LETTERS, dead)
    meter.set(STATE_READ, now.timestamp())
    if broker_url.startswith("redis"):  # RabbitMQ exports its own
        await _read_broker(broker_url, now)


async def _read_broker(url: str, now: datetime) -> None:
    seconds = SOCKET_TIMEOUT_SECONDS
    async with Redis.from_url(
        url, socket_timeout=seconds, socket_connect_timeout=seconds
    ) as broker:
        queues = await read_queues(broker)
        workers = await read_workers(broker, now)
    meter.replace(QUEUE_BELLS, {(queue.name,): queue.depth for queue in queues or []})
    if workers is not None:  # else nobody knows
        meter.set(WORKERS_LIVE, len(workers))
