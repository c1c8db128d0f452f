"""The engine's tick as it really runs, and the raw UPDATE it is compared with."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from msgspec import Struct
from redis.asyncio import Redis

from benchmarks.processes import engine_workers, peak_mib
from benchmarks.support import Sample
from benchmarks.tick_population import TICK, vacuum
from engine.timeline import PRODUCTION, timetable
from models.bells import Bells, open_broker
from models.catalogue import Catalogue
from models.clock import utcnow
from models.configuration import Configurations
from models.db import Database, connected, rows, run, sql
from models.reputation import Reputation
from models.settings import load_installation
from models.status import SnapshotCopies
from ops.servers import Servers
from schedules.due import record_boundary
from schedules.timetable import Entry, entries
from workers.apply import drain
from workers.workshop import Workshop

WORKER_SECONDS_MAX = 120
ROUNDS_UNCOUNTED = 1

RAW = sql("UPDATE wallets SET balance = balance + 1, updated_at = :now")
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
