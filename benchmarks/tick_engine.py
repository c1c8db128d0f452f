"""The engine's tick as it really runs, and the raw UPDATE it is compared with."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from redis.asyncio import Redis

from benchmarks.support import Sample
from benchmarks.tick_population import TICK, vacuum
from engine.timeline import PRODUCTION
from models.bells import Bells, open_broker
from models.catalogue import Catalogue
from models.clock import utcnow
from models.db import Database, connected, rows, run, sql
from models.settings import load_installation
from models.status import SnapshotCopies
from ops.servers import Servers
from schedules.due import record_boundary
from schedules.timetable import Entry, entries
from workers.apply import drain
from workers.workshop import Workshop

WORKER_SECONDS_MAX = 120
WORKER_THREADS = 8
ROUNDS_UNCOUNTED = 1

RAW = sql("UPDATE wallets SET balance = balance + 1, updated_at = :now")
LEFT = sql("SELECT count(*) AS left FROM intents WHERE status = 'RECORDED'")
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
        shop = Workshop(database, installation, copies, Catalogue(database))
        credit = next(entry for entry in entries(PRODUCTION) if entry.name == "credit")
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
    environment = os.environ | {
        "DATABASE_URL": bench.database.url,
        "REDIS_URL": servers.redis_url,
        "BROKER_URL": servers.redis_url,
    }
    threads = str(WORKER_THREADS)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "dramatiq", "workers.main", "--processes", "1"),
        *("--threads", threads),
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    bells = Bells(open_broker(servers.redis_url, []), servers.redis_url)
    measured = []
    try:
        # One tick that does not count: the worker boots and opens its connections.
        for number in range(ROUNDS_UNCOUNTED + rounds):
            await vacuum(bench.database)
            boundary = await _next_boundary(bench)
            began = time.perf_counter()
            pieces = await record_boundary(bench.database, bench.credit, boundary, utcnow())
            await bells.ring(*pieces)
            await _wait_until_applied(bench, process)
            seconds = time.perf_counter() - began
            await _check(bench, boundary)
            if number >= ROUNDS_UNCOUNTED:
                measured.append(WorkerTick(seconds, peak_mib(process.pid)))
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        bells.close()
    return measured


def peak_mib(parent: int) -> float | None:
    """Peak memory of the largest child of a process, in MiB; None where /proc is missing."""
    peaks = [
        int(line.split()[1]) / 1024
        for child in _descendants(parent)
        for line in Path(f"/proc/{child}/status").read_text().splitlines()
        if line.startswith("VmHWM:")
    ]
    return max(peaks, default=None)


def _descendants(parent: int) -> Iterator[int]:
    path = Path(f"/proc/{parent}/task/{parent}/children")
    for child in path.read_text().split() if path.exists() else ():
        yield int(child)
        yield from _descendants(int(child))


async def _next_boundary(bench: Bench) -> datetime:
    async with connected(bench.database) as connection:
        boundary: datetime = (await rows(connection, WATERMARK))[0].boundary
    if boundary + TICK > utcnow():
        raise RuntimeError("this population's boundaries are used up")
    return boundary + TICK


async def _wait_until_applied(bench: Bench, process: asyncio.subprocess.Process) -> None:
    """Watch the partial index of undone intents, which is cheap."""
    deadline = time.perf_counter() + WORKER_SECONDS_MAX
    while True:
        async with connected(bench.database) as connection:
            if not (await rows(connection, LEFT))[0].left:
                return
        if process.returncode is not None:
            raise RuntimeError(f"the worker ended with status {process.returncode}")
        if time.perf_counter() > deadline:
            raise RuntimeError(f"the worker took longer than {WORKER_SECONDS_MAX} s for a tick")
        await asyncio.sleep(0.02)


async def _check(bench: Bench, boundary: datetime) -> None:
    """Every live session was paid by this boundary."""
    async with connected(bench.database) as connection:
        paid = (await rows(connection, PAID, {"boundary": boundary}))[0].wallets
    if paid != bench.live:
        raise RuntimeError(f"the tick paid {paid} of {bench.live} sessions")
