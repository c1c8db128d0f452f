"""The engine's tick as it really runs, and the raw UPDATE it is compared with."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from msgspec import Struct
from redis.asyncio import Redis

from benchmarks.processes import engine_workers, peak_mib
from benchmarks.support import Sample
from benchmarks.tick_population import TICK, vacuum
from engine.core.timeline import BUCKET_COUNT, PRODUCTION, timetable
from models.base.db import Database, Statement, connected, rows, run, sql
from models.content.catalogue import Catalogue
from models.fraud.reputation import Reputation
from models.installation.configuration import Configurations
from models.installation.settings import load_installation
from models.mining.snapshots import SnapshotCopies
from ops.local.servers import Servers
from runtime.broker.bells import Bells, open_broker
from runtime.clock import utcnow
from schedules.due import record_boundary
from schedules.timetable import Entry, entries
from workers.apply import drain
from workers.workshop import Workshop

T = TypeVar("T")

WORKER_SECONDS_MAX = 120
ROUNDS_UNCOUNTED = 1

RAW = sql("UPDATE wallets SET balance = balance + 1, updated_at = :now")
RAW_OF_BUCKET = sql("""
    UPDATE wallets SET balance = balance + 1, updated_at = :now WHERE bucket = :bucket
""")
# What reads the same sessions as a tick does, and computes nothing of them.
RAW_FROM = sql("""
    UPDATE wallets w SET balance = w.balance + s.reward_micro / 24, updated_at = :now
    FROM mining_sessions s
    WHERE w.bucket = :bucket AND s.bucket = :bucket AND s.status = 'ACTIVE'
      AND s.user_id = w.user_id
""")
BACKENDS = sql("SELECT pid FROM pg_stat_activity")
LEFT = sql("SELECT EXISTS (SELECT FROM intents WHERE status = 'RECORDED') AS left")
WATERMARK = sql("SELECT max(credited_through) AS boundary FROM credit_watermarks")
PAID = sql("""
    SELECT CAST(sum(CAST(outcome -> 'result' ->> 'wallets' AS bigint)) AS bigint) AS wallets
    FROM intents WHERE kind = 'mining.credit' AND due_at = :boundary
""")


class Tick(Struct, frozen=True):
    """Seconds of one tick: finding and recording the pieces, and applying them."""

    record: float
    apply: float

    @property
    def whole(self) -> float:
        """From the boundary to the last commit."""
        return self.record + self.apply


class Cost(Struct, frozen=True):
    """What something took: seconds, and processor seconds of ours and of the server's."""

    seconds: float
    cpu_seconds: float


class Bench(Struct, frozen=True):
    """A population and what ticks it."""

    database: Database
    shop: Workshop
    credit: Entry
    live: int


@asynccontextmanager
async def bench_of(database: Database, redis_url: str, live: int) -> AsyncIterator[Bench]:
    """Open what a worker works with."""
    redis = Redis.from_url(redis_url)
    try:
        installation = await load_installation(database)
        copies = SnapshotCopies(redis, installation.id)
        shop = Workshop(
            database,
            installation,
            copies,
            Catalogue(database),
            Configurations(database),
            Reputation(),
        )
        credit = next(entry for entry in entries(timetable(PRODUCTION)) if entry.name == "credit")
        yield Bench(database, shop, credit, live)
    finally:
        await redis.aclose()


async def tick(bench: Bench, drains: int) -> Tick:
    """Record the next boundary for every piece and apply it with `drains` at once. Check it."""
    boundary = await _next_boundary(bench)
    began = time.perf_counter()
    pieces = await record_boundary(bench.database, bench.credit, boundary, utcnow())
    recorded = time.perf_counter()
    left = iter(pieces)

    async def work() -> None:
        for piece in left:
            await drain(bench.shop, piece)

    await asyncio.gather(*(work() for _ in range(drains)))
    ended = time.perf_counter()
    await _check(bench, boundary)
    return Tick(recorded - began, ended - recorded)


async def raw(bench: Bench) -> float:
    """Seconds of the raw UPDATE: one statement, one connection, its commit included."""
    async with connected(bench.database) as connection:
        began = time.perf_counter()
        await run(connection, RAW, {"now": utcnow()})
        return time.perf_counter() - began


async def raw_of_buckets(bench: Bench, statement: Statement, connections: int) -> None:
    """A raw statement of each bucket, with as many connections as a tick has."""
    left = iter(range(BUCKET_COUNT))

    async def work() -> None:
        for bucket in left:
            async with connected(bench.database) as connection:
                await run(connection, statement, {"bucket": bucket, "now": utcnow()})

    await asyncio.gather(*(work() for _ in range(connections)))


async def cost_of(bench: Bench, work: Callable[[], Awaitable[T]]) -> tuple[Cost, T]:
    """Do something on freshly vacuumed tables. Return what it took, and what it returns."""
    await vacuum(bench.database)
    async with connected(bench.database) as connection:
        servers = [row.pid for row in await rows(connection, BACKENDS)]
    before, began = _cpu_seconds(servers), time.perf_counter()
    result = await work()
    return Cost(time.perf_counter() - began, _cpu_seconds(servers) - before), result


def _cpu_seconds(servers: Sequence[int]) -> float:
    """Of this process and of the server's, as Linux counts them."""
    ticks = 0
    for pid in servers:
        with suppress(OSError):  # it ended, or is on another machine
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


async def ticks(bench: Bench, drains: int, rounds: int) -> Sample:
    """Seconds of whole ticks, each on vacuumed tables; the first does not count."""
    measured = []
    for _ in range(ROUNDS_UNCOUNTED + rounds):
        await vacuum(bench.database)
        measured.append((await tick(bench, drains)).whole)
    return Sample(tuple(measured[ROUNDS_UNCOUNTED:]))


class WorkerTick(Struct, frozen=True):
    """What a real worker process took for a tick."""

    seconds: float
    peak_mib: float | None


async def worker_ticks(bench: Bench, servers: Servers, rounds: int) -> list[WorkerTick]:
    """Ticks of one real worker process, from finding the pieces to the last one applied."""
    bells = Bells(open_broker(servers.redis_url, []), servers.redis_url)
    measured = []
    try:
        async with engine_workers(bench.database, servers) as process:
            # One tick that does not count: the worker boots and opens its connections.
            for number in range(ROUNDS_UNCOUNTED + rounds):
                await vacuum(bench.database)
                boundary = await _next_boundary(bench)
                began = time.perf_counter()
                pieces = await record_boundary(bench.database, bench.credit, boundary, utcnow())
                await bells.ring(*pieces)
                await wait_until_applied(bench.database, process)
                seconds = time.perf_counter() - began
                await _check(bench, boundary)
                if number >= ROUNDS_UNCOUNTED:
                    measured.append(WorkerTick(seconds, peak_mib(process.pid)))
    finally:
        await bells.close()
    return measured


async def _next_boundary(bench: Bench) -> datetime:
    async with connected(bench.database) as connection:
        boundary: datetime = (await rows(connection, WATERMARK))[0].boundary
    if boundary + TICK > utcnow():
        raise RuntimeError("this population's boundaries are used up")
    return boundary + TICK


async def wait_until_applied(database: Database, process: asyncio.subprocess.Process) -> None:
    """Watch the partial index of undone intents, which is cheap."""
    deadline = time.perf_counter() + WORKER_SECONDS_MAX
    while True:
        async with connected(database) as connection:
            if not (await rows(connection, LEFT))[0].left:
                return
        if process.returncode is not None:
            raise RuntimeError(f"the worker ended with status {process.returncode}")
        if time.perf_counter() > deadline:
            raise RuntimeError(f"the worker took longer than {WORKER_SECONDS_MAX} s")
        await asyncio.sleep(0.02)


async def _check(bench: Bench, boundary: datetime) -> None:
    """Every live session was paid by this boundary."""
    async with connected(bench.database) as connection:
        paid = (await rows(connection, PAID, {"boundary": boundary}))[0].wallets
    if paid != bench.live:
        raise RuntimeError(f"the tick paid {paid} of {bench.live} sessions")
