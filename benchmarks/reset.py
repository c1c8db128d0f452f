"""`./run bench reset`: what midnight costs with a million users, and with a thousand.

From the timetable's recording of the new day to the first user's tasks of that day being read: the
intent is recorded as the clock does it and applied by the workers' own drain. Every round opens
another day; both sizes take turns, and the first round does not count.
"""

import argparse
import asyncio
import time
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

from benchmarks.plots import Bars
from benchmarks.support import Sample, finish, own_database, own_servers, say, show
from benchmarks.tick_engine import Bench, bench_of
from benchmarks.tick_population import origin_now, populate, vacuum
from engine.core.timeline import PRODUCTION, timetable, user_id_of, utc_day
from engine.tasks.state import draw_day
from models.base.db import connected, rows
from models.content.catalogue import Catalogue
from models.tasks.read import TASKS_OF_DAY
from ops.local.servers import Servers
from runtime.clock import utcnow
from schedules.due import record_boundary
from schedules.timetable import Entry, entries
from workers.apply import drain

ROUNDS = 7
POOL_SIZE = 4
SIZES = (1_000, 1_000_000)


class Options(argparse.Namespace):
    """What the command line says."""

    quick: bool


def main(args: list[str]) -> int:
    """Run the benchmark. Return the exit status."""
    parser = argparse.ArgumentParser(prog="run bench reset", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small populations: a smoke test")
    options = parser.parse_args(args, namespace=Options())
    with own_servers() as servers:
        return asyncio.run(_all(servers, scale=20 if options.quick else 1))


async def _all(servers: Servers, scale: int) -> int:
    reset = next(entry for entry in entries(timetable(PRODUCTION)) if entry.name == "reset")
    measured: dict[int, list[float]] = {size: [] for size in SIZES}
    async with AsyncExitStack() as stack:
        benches: dict[int, Bench] = {}
        for size in SIZES:
            say(f"making {size // scale:,} users")
            database = await stack.enter_async_context(
                own_database(servers, f"twtc_bench_{size}", POOL_SIZE)
            )
            await populate(database, origin_now(), live=1, idle=size // scale - 1)
            opening = bench_of(database, servers.redis_url, 1)
            benches[size] = await stack.enter_async_context(opening)
        for number in range(1 + ROUNDS):
            boundary = reset.boundary(utcnow()) - timedelta(days=number)
            for size, bench in benches.items():
                await vacuum(bench.database)
                seconds = await _midnight(bench, reset, boundary)
                if number:
                    measured[size].append(seconds)
    samples = {size: Sample(tuple(seconds)) for size, seconds in measured.items()}
    lines = [
        [f"{size // scale:,}", f"{s.median * 1000:.1f} ms ±{s.spread:.0%}"]
        for size, s in samples.items()
    ]
    show("From midnight to a user's tasks of the day", ["users", "reset"], lines)
    few, many = SIZES
    finish(
        {
            "million_seconds": round(samples[many].median, 4),
            "thousand_seconds": round(samples[few].median, 4),
        },
        "reset",
        Bars(
            "From midnight to a user's tasks of the day",
            "seconds",
            {f"{size // scale:,} users": sample.bar for size, sample in samples.items()},
        ),
    )
    return 0


async def _midnight(bench: Bench, reset: Entry, boundary: datetime) -> float:
    """Seconds from recording the new day to its tasks being read."""
    day = utc_day(boundary)
    began = time.perf_counter()
    pieces = await record_boundary(bench.database, reset, boundary, utcnow())
    done = sum([await drain(bench.shop, piece) for piece in pieces])
    # As a process does that has not seen the day yet.
    found = (await Catalogue(bench.database).days([day], boundary))[day]
    user_id = user_id_of(1)
    async with connected(bench.database) as connection:
        params = {"bucket": user_id % 64, "user_id": user_id, "day": day}
        touched = await rows(connection, TASKS_OF_DAY, params)
    tasks = draw_day(user_id, day, found)
    seconds = time.perf_counter() - began
    if done != 1 or touched or len(tasks) != sum(found.mix.values()):
        raise RuntimeError(f"{done} resets: {len(tasks)} tasks, of which {len(touched)} touched")
    return seconds
