"""`./run bench growth`: what grows with live sessions, and what the ledger must not slow.

A tick at 10,000 to 1,000,000 live sessions; and with 10,000 live sessions a tick and a page of a
member's ledger, at 10,000 to 5,000,000 ledger rows. Every size has a database of its own.
"""

import argparse
import asyncio
import math
import statistics
import time
from collections.abc import Mapping

from benchmarks.plots import Curves
from benchmarks.processes import WORKER_THREADS
from benchmarks.support import Sample, finish, own_database, own_servers, say, show
from benchmarks.tick_engine import bench_of, ticks
from benchmarks.tick_population import add_history, origin_now, populate
from engine.core.timeline import user_id_of
from models.base.db import Database
from models.ledger.history import TRANSACTIONS, read_page
from ops.local.servers import Servers

LIVE = (10_000, 30_000, 100_000, 300_000, 1_000_000)
LEDGER = (10_000, 100_000, 1_000_000, 5_000_000)
LEDGER_LIVE = 10_000
ROUNDS = 5
PAGES = 200
POOL_SIZE = 16


class Options(argparse.Namespace):
    """What the command line says."""

    quick: bool


def main(args: list[str]) -> int:
    """Run the benchmark. Return the exit status."""
    parser = argparse.ArgumentParser(prog="run bench growth", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small populations: a smoke test")
    options = parser.parse_args(args, namespace=Options())
    with own_servers() as servers:
        return asyncio.run(_all(servers, 20 if options.quick else 1))


async def _all(servers: Servers, scale: int) -> int:
    by_live, by_rows, pages = dict[int, Sample](), dict[int, Sample](), dict[int, Sample]()
    for size in (live // scale for live in LIVE):
        say(f"{size:,} live sessions")
        by_live[size], _ = await _measure(servers, size, 0)
    for size in (count // scale for count in LEDGER):
        say(f"{size:,} ledger rows")
        by_rows[size], pages[size] = await _measure(servers, LEDGER_LIVE // scale, size)
    _show("A tick", "live sessions", by_live, 1, "s")
    _show(f"A tick of {LEDGER_LIVE // scale:,} sessions", "ledger rows", by_rows, 1, "s")
    _show("A page of a member's ledger", "ledger rows", pages, 1_000, "ms")
    curves = {
        "tick, by live sessions": by_live,
        "tick, by ledger rows": by_rows,
        "page of a ledger, by ledger rows": pages,
    }
    points = {
        name: [(float(size), s.median) for size, s in of.items()] for name, of in curves.items()
    }
    finish(
        {
            "tick_slope_by_sessions": round(_slope(by_live), 3),
            "tick_slope_by_ledger": round(_slope(by_rows), 3),
            "page_slope_by_ledger": round(_slope(pages), 3),
        },
        "growth",
        Curves("What grows, and what does not", "rows", "seconds", points),
    )
    return 0


async def _measure(servers: Servers, live: int, ledger: int) -> tuple[Sample, Sample]:
    """Seconds of a tick, and of a member's newest page."""
    async with own_database(servers, "twtc_bench_growth", POOL_SIZE) as database:
        await populate(database, origin_now(), live)
        if ledger:
            await add_history(database, origin_now(), live, ledger)
        async with bench_of(database, servers.redis_url, live) as bench:
            of_tick = await ticks(bench, WORKER_THREADS, ROUNDS)
        return of_tick, await _pages(database, live)


async def _pages(database: Database, live: int) -> Sample:
    seconds = []
    for number in range(PAGES):
        user_id = user_id_of(1 + number * (live // PAGES))
        began = time.perf_counter()
        await read_page(database, TRANSACTIONS, user_id, None, 50)
        seconds.append(time.perf_counter() - began)
    return Sample(tuple(seconds[PAGES // 10 :]))


def _show(title: str, size: str, found: Mapping[int, Sample], factor: int, unit: str) -> None:
    lines = [
        [f"{count:,}", f"{sample.median * factor:,.3f} {unit} ±{sample.spread:.0%}"]
        for count, sample in found.items()
    ]
    show(f"{title}: slope {_slope(found):.2f}", [size, ""], lines)


def _slope(found: Mapping[int, Sample]) -> float:
    """Of the line through the points, both axes logarithmic: 1 is proportional, 0 is unmoved."""
    return statistics.linear_regression(
        [math.log(size) for size in found], [math.log(s.median) for s in found.values()]
    ).slope
