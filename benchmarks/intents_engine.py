"""The engine's side: a worker drains a backlog, and keeps up with half of what can be sustained."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from redis.asyncio import Redis

from benchmarks.intents_kind import Sender, count_effects, wish_of
from benchmarks.processes import busy_seconds
from benchmarks.tick_engine import wait_until_applied
from benchmarks.tick_population import vacuum
from engine.core.piece import Piece
from models.base.db import Database, connected, open_database, rows, sql
from models.intents.queue import overdue_pieces
from models.intents.record import Recorded, record
from runtime.broker.bells import QUEUES, Bells
from runtime.clock import utcnow
from schedules.__main__ import RELAY_SECONDS

RECORDERS = 8
PEOPLE_AT_ONCE = 32
WATCH_SECONDS = 0.01
SETTLE_SECONDS_MAX = 60

# What a reader does not see as done yet: few rows, by probes of an index of their own.
OPEN = sql("""
    SELECT i.id FROM generate_series(0, 63) AS b (bucket)
    CROSS JOIN LATERAL (SELECT id FROM intents
                        WHERE bucket = b.bucket AND status = 'RECORDED'
                        ORDER BY ring_at LIMIT 10000) i
""")


class Latency(Struct, frozen=True):
    """What became of intents that came evenly, in milliseconds from recorded to seen as applied."""

    per_second: float
    p50: float
    p99: float
    longest: float
    record_p99: float  # of it until the intent was committed and rung for
    late_p99: float  # how late the sender itself was
    refused: int  # could not be recorded: the API would have answered 503


async def record_backlog(database: Database, senders: Sequence[Sender]) -> list[Recorded]:
    """Record an intent for each sender, and ring for none."""
    left = iter(senders)
    recorded: list[Recorded] = []

    async def work() -> None:
        for sender in left:
            recorded.append(await record(database, wish_of(sender, utcnow())))

    await asyncio.gather(*(work() for _ in range(RECORDERS)))
    return recorded


async def bells_answered(redis_url: str) -> None:
    """Wait until no bell is left: one of before would take along what is recorded from now on."""
    async with Redis.from_url(redis_url) as broker:
        while sum([await broker.hlen(f"dramatiq:{name}.msgs") for name in QUEUES]):  # noqa: ASYNC110
            await asyncio.sleep(WATCH_SECONDS)


async def drained_per_second(
    database: Database,
    bells: Bells,
    worker: asyncio.subprocess.Process,
    senders: Sequence[Sender],
    redis_url: str,
) -> tuple[float, float]:
    """Intents a second from the first bell to the last commit, for one intent of each sender; and
    processor seconds for each."""
    await bells_answered(redis_url)
    before = await count_effects(database)
    recorded = await record_backlog(database, senders)
    pieces = {Piece(one.group_number, one.bucket) for one in recorded}
    await vacuum(database)
    if await count_effects(database) != before:
        raise RuntimeError("the backlog was drained before it was rung for")
    began, busy = time.perf_counter(), busy_seconds()
    await asyncio.gather(bells.ring(*pieces), wait_until_applied(database, worker))
    seconds, used = time.perf_counter() - began, busy_seconds() - busy
    effects = await count_effects(database) - before
    if effects != len(senders):
        raise RuntimeError(f"{effects} of {len(senders)} intents took effect")
    return len(senders) / seconds, used / len(senders)


class HalfLoad:
    """Sends intents at even intervals, whatever becomes of them, and watches when they are done.

    An intent counts as applied when a statement that began after its recording no longer finds it
    open; the time is that statement's end. So the figures err on the side of too long.
    """

    def __init__(self, database: Database, bells: Bells) -> None:
        self._database = database
        # The reader does not queue for a connection with the senders.
        self._reader = open_database(database.url, pool_size=2, application_name="twtc-bench")
        self._bells = bells
        self._open: dict[UUID, datetime] = {}
        self._latencies: list[float] = []
        self._record_seconds: list[float] = []
        self._late_seconds: list[float] = []
        self._refused = 0
        self._sending = True

    async def sustained_per_second(self, senders: Sequence[Sender]) -> float:
        """Intents a second of people who each wait for the outcome before the next one asks.

        Recording, ringing, applying and watching share the machine's processors, as they do when
        people are served; no backlog makes the batches large.
        """
        await vacuum(self._database)
        left = iter(senders)
        watching = asyncio.create_task(self._watch())

        async def one_after_the_other() -> None:
            for sender in left:
                recorded = await self._send(sender)
                while recorded in self._open:  # noqa: ASYNC110 (as a phone polls)
                    await asyncio.sleep(WATCH_SECONDS)

        began = time.perf_counter()
        await asyncio.gather(*(one_after_the_other() for _ in range(PEOPLE_AT_ONCE)))
        rate = len(senders) / (time.perf_counter() - began)
        self._sending = False
        await asyncio.wait_for(watching, SETTLE_SECONDS_MAX)
        self._latencies, self._record_seconds, self._sending = [], [], True
        return rate

    async def run(self, senders: Sequence[Sender], per_second: float) -> Latency:
        """Send one intent for each sender, evenly. Return how long they took."""
        await vacuum(self._database)
        watching = asyncio.create_task(self._watch())
        relaying = asyncio.create_task(self._relay())
        began = time.perf_counter()
        async with asyncio.TaskGroup() as sending:
            for number, sender in enumerate(senders):
                due = began + number / per_second
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                self._late_seconds.append(time.perf_counter() - due)
                sending.create_task(self._send(sender))
        seconds = time.perf_counter() - began
        self._sending = False
        await asyncio.wait_for(watching, SETTLE_SECONDS_MAX)
        relaying.cancel()
        return Latency(
            per_second=len(senders) / seconds,
            p50=statistics.median(self._latencies) * 1000,
            p99=_p99(self._latencies) * 1000,
            longest=max(self._latencies) * 1000,
            record_p99=_p99(self._record_seconds) * 1000,
            late_p99=_p99(self._late_seconds) * 1000,
            refused=self._refused,
        )

    async def close(self) -> None:
        """Close the reader's connections."""
        await self._reader.dispose()

    async def _send(self, sender: Sender) -> UUID | None:
        """What the API does with a request."""
        began = time.perf_counter()
        try:
            recorded = await record(self._database, wish_of(sender, utcnow()))
        except TimeoutError:
            self._refused += 1
            return None
        self._open[recorded.id] = recorded.recorded_at
        await self._bells.ring(Piece(recorded.group_number, recorded.bucket))
        self._record_seconds.append(time.perf_counter() - began)
        return recorded.id

    async def _relay(self) -> None:
        """What the clock does with bells that were lost."""
        while True:
            await asyncio.sleep(RELAY_SECONDS)
            await self._bells.ring(*await overdue_pieces(self._reader, utcnow()))

    async def _watch(self) -> None:
        while self._sending or self._open:
            known = list(self._open)
            async with connected(self._reader) as connection:
                still = {row.id for row in await rows(connection, OPEN)}
            now = utcnow()
            for intent_id in known:
                if intent_id not in still:
                    self._latencies.append((now - self._open.pop(intent_id)).total_seconds())
            await asyncio.sleep(WATCH_SECONDS)


def _p99(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=100)[98]
