"""`./run bench tick`: what a credit tick costs, beside the raw UPDATE and one job per session.

A tick is measured whole: finding the pieces that are due, recording an intent for each, applying
all of them, and every commit. Tables are vacuumed before every round of both sides, outside the
clock; rounds alternate, so that a busy machine burdens both; the first round does not count.
"""

import argparse
import asyncio
import math
import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial

from msgspec import Struct

from benchmarks.peers import peers
from benchmarks.plots import Bars
from benchmarks.processes import WORKER_THREADS
from benchmarks.support import Sample, console, finish, own_database, own_servers, say, show
from benchmarks.tick_engine import (
    RAW_FROM,
    RAW_OF_BUCKET,
    Bench,
    Cost,
    bench_of,
    cost_of,
    raw,
    raw_of_buckets,
    tick,
    ticks,
    worker_ticks,
)
from benchmarks.tick_long import ten_million, week
from benchmarks.tick_peers import sessions_per_second
from benchmarks.tick_population import TICK, add_history, origin_now, populate, vacuum
from models.mining.due import pieces_to_credit, pieces_to_settle
from models.operations.invariants import audit
from ops.local.servers import Servers
from runtime.clock import utcnow

ROUNDS = 7
# Differences of a few hundredths need more of them.
BURDEN_ROUNDS = 11
POOL_SIZE = 16


class Options(argparse.Namespace):
    """What the command line says."""

    drains: int
    jobs: int
    quick: bool
    ten_million: bool
    week: bool


def main(args: list[str]) -> int:
    """Run the benchmark. Return the exit status."""
    parser = argparse.ArgumentParser(prog="run bench tick", description=__doc__)
    parser.add_argument("--drains", type=int, default=WORKER_THREADS, help="pieces drained at once")
    parser.add_argument("--jobs", type=int, default=5_000, help="for each peer")
    parser.add_argument("--quick", action="store_true", help="small populations: a smoke test")
    parser.add_argument("--ten-million", action="store_true", help="… live sessions, too")
    parser.add_argument("--week", action="store_true", help="what a week of ticks writes, too")
    options = parser.parse_args(args, namespace=Options())
    with own_servers() as servers:
        return asyncio.run(Run(servers, options).all())


class Large(Struct, frozen=True):
    """Figures of the largest population. Ratios are of rounds that alternate."""

    tick: Sample
    vs_raw: float
    vs_raw_same_connections: float
    vs_raw_from: float
    cpu_vs_raw: float
    worker_seconds: float
    worker_mib: float | None


class Run:
    """One run, part by part, each on databases of its own."""

    def __init__(self, servers: Servers, options: Options) -> None:
        self._servers = servers
        self._options = options
        self._scale = 20 if options.quick else 1
        self._origin: datetime = origin_now()
        self._began = time.perf_counter()

    async def all(self) -> int:
        """Every part, the tables, and the line of JSON."""
        drains = self._options.drains
        small, verdict, rates = await self._small(drains)
        middle = await self._burdens(drains)
        large = await self._large(drains)
        long = await self._long(drains)
        per_second = self._size(1_000_000) / large.tick.median
        seconds_of = {self._size(10_000): small, self._size(100_000): middle}
        seconds_of[self._size(1_000_000)] = large.tick
        slope = _slope({size: sample.median for size, sample in seconds_of.items()})
        best = max(rates.values(), default=math.nan)
        self._show_growth(seconds_of, slope)
        lines = [
            [name, f"{rate:,.0f}", f"{per_second / rate:,.0f}x"] for name, rate in rates.items()
        ]
        lines.append(["TWTC Engine", f"{per_second:,.0f}", "1x"])
        show("One job per session", ["on", "sessions/s", "the engine is"], lines)
        console.print(f"audit after the ticks of {self._size(10_000):,} sessions: {verdict}")
        console.print(f"whole run: {time.perf_counter() - self._began:.0f} s")
        finish(
            {
                "vs_raw": round(large.vs_raw, 3),
                "vs_raw_same_connections": round(large.vs_raw_same_connections, 3),
                "vs_raw_from": round(large.vs_raw_from, 3),
                "cpu_vs_raw": round(large.cpu_vs_raw, 2),
                "vs_job_per_session": None if math.isnan(best) else round(per_second / best, 1),
                "million_seconds": round(large.worker_seconds, 3),
                "worker_mib": None if large.worker_mib is None else round(large.worker_mib, 1),
                "slope": round(slope, 3),
                **long,
            },
            "tick",
            Bars(
                "Sessions paid by a credit tick, beside one job per session",
                "sessions a second",
                {name: (rate, 0.0) for name, rate in rates.items()}
                | {"TWTC Engine": (per_second, large.tick.spread)},
            ),
        )
        return 0 if verdict == "clean" else 1

    def _size(self, sessions: int) -> int:
        return sessions // self._scale

    async def _small(self, drains: int) -> tuple[Sample, str, Mapping[str, float]]:
        """10,000 sessions: ticks, the audit after them, and the peers."""
        size = self._size(10_000)
        async with own_database(self._servers, "twtc_bench_small", POOL_SIZE) as database:
            await populate(database, self._origin, size)
            async with bench_of(database, self._servers.redis_url, size) as bench:
                sample = await ticks(bench, drains, ROUNDS)
            broken = [violation.invariant for violation in await audit(database)]
            rates = {}
            for peer in peers():
                say(f"{peer.name}: one job per session")
                count = min(self._options.jobs, size)
                rates[peer.name] = await sessions_per_second(database, self._servers, peer, count)
        return sample, "; ".join(broken) or "clean", rates

    async def _burdens(self, drains: int) -> Sample:
        """100,000 sessions: alone, among idle members, with ledger history; in turns."""
        live, idle, history = (self._size(n) for n in (100_000, 200_000, 1_000_000))
        async with AsyncExitStack() as stack:
            benches: dict[str, Bench] = {}
            for name in ("alone", "idle", "history"):
                database = await stack.enter_async_context(
                    own_database(self._servers, f"twtc_bench_{name}", POOL_SIZE)
                )
                await populate(database, self._origin, live, idle if name == "idle" else 0)
                if name == "history":
                    await add_history(database, self._origin, live, history)
                opening = bench_of(database, self._servers.redis_url, live)
                benches[name] = await stack.enter_async_context(opening)
            measured: dict[str, list[float]] = {name: [] for name in benches}
            for number in range(1 + BURDEN_ROUNDS):
                for name, bench in benches.items():
                    await vacuum(bench.database)
                    seconds = (await tick(bench, drains)).whole
                    if number:
                        measured[name].append(seconds)
        samples = {name: Sample(tuple(values)) for name, values in measured.items()}
        titles = {
            "alone": f"{live:,} live sessions",
            "idle": f"… among {idle:,} idle members",
            "history": f"… with {history:,} ledger rows",
        }
        alone = samples["alone"].values
        lines = []
        for name, sample in samples.items():
            ratio = statistics.median(s / a for s, a in zip(sample.values, alone, strict=True))
            lines.append([titles[name], sample.shown(), f"{ratio - 1:+.0%}"])
        show("What must not slow a tick", ["", "tick", ""], lines)
        return samples["alone"]

    async def _long(self, drains: int) -> dict[str, float | None]:
        """What is asked for beyond the rest, by name."""
        arguments = (self._servers, drains, POOL_SIZE, self._scale)
        figures: dict[str, float | None] = {"ten_million_seconds": None}
        if self._options.ten_million:
            figures["ten_million_seconds"] = round((await ten_million(*arguments)).median, 2)
        if self._options.week:
            found = await week(*arguments)
            figures["wal_mib_a_day"] = round(found.wal_bytes_a_day / 2**20, 1)
            figures["vacuum_seconds_a_day"] = round(found.vacuum_seconds_a_day, 2)
            figures["growth_of_week"] = round(found.growth, 3)
        return figures

    async def _large(self, drains: int) -> Large:
        """1,000,000 sessions: raw UPDATE and engine in turns on the same wallets, then a worker."""
        size = self._size(1_000_000)
        say(f"loading {size:,} sessions")
        costs: dict[str, list[Cost]] = {name: [] for name in ("raw", "same", "from", "tick")}
        recording: list[float] = []
        finding: list[float] = []
        async with own_database(self._servers, "twtc_bench_large", POOL_SIZE) as database:
            await populate(database, self._origin, size)
            async with bench_of(database, self._servers.redis_url, size) as bench:
                for number in range(1 + ROUNDS):
                    found = {}
                    found["raw"], _ = await cost_of(bench, partial(raw, bench))
                    for name, statement in (("same", RAW_OF_BUCKET), ("from", RAW_FROM)):
                        of_buckets = partial(raw_of_buckets, bench, statement, drains)
                        found[name], _ = await cost_of(bench, of_buckets)
                    found["tick"], of_tick = await cost_of(bench, partial(tick, bench, drains))
                    if number:
                        recording.append(of_tick.record)
                        for name, cost in found.items():
                            costs[name].append(cost)
                worker = await worker_ticks(bench, self._servers, ROUNDS)
            for find in (pieces_to_credit, pieces_to_settle):
                began = time.perf_counter()
                await find(database, utcnow() - TICK)
                finding.append(time.perf_counter() - began)
        peak = max((one.peak_mib for one in worker if one.peak_mib is not None), default=None)
        of_worker = Sample(tuple(one.seconds for one in worker))
        ratios = {name: _ratio(costs[name], costs["tick"]) for name in ("raw", "same", "from")}
        lines = [
            ["raw UPDATE of the wallets, one statement", *_shown(costs["raw"])],
            [f"… a statement a bucket, {drains} connections", *_shown(costs["same"])],
            [f"UPDATE … FROM the same sessions, {drains} connections", *_shown(costs["from"])],
            [f"tick, {drains} drains at once", *_shown(costs["tick"])],
            ["… of it recording the intents", Sample(tuple(recording)).shown(), ""],
            ["tick of a worker process, bells included", of_worker.shown(), ""],
            ["peak memory of that process", "unknown" if peak is None else f"{peak:.0f} MiB", ""],
            ["finding the pieces to credit", f"{finding[0] * 1000:.1f} ms", ""],
            ["finding the pieces to settle", f"{finding[1] * 1000:.1f} ms", ""],
        ]
        titles = ["", "seconds", "of processors"]
        show(f"{size:,} live sessions: {ratios['raw']:.2f} x the raw UPDATE", titles, lines)
        return Large(
            Sample(tuple(cost.seconds for cost in costs["tick"])),
            ratios["raw"],
            ratios["same"],
            ratios["from"],
            statistics.median(
                t.cpu_seconds / r.cpu_seconds
                for t, r in zip(costs["tick"], costs["raw"], strict=True)
            ),
            of_worker.median,
            peak,
        )

    def _show_growth(self, seconds_of: Mapping[int, Sample], slope: float) -> None:
        lines = [
            [f"{size:,}", sample.shown(), f"{size / sample.median:,.0f}"]
            for size, sample in seconds_of.items()
        ]
        show(f"Growth: slope {slope:.2f}", ["live sessions", "tick", "sessions/s"], lines)


def _ratio(raws: Sequence[Cost], whole: Sequence[Cost]) -> float:
    return statistics.median(r.seconds / w.seconds for r, w in zip(raws, whole, strict=True))


def _shown(costs: Sequence[Cost]) -> tuple[str, str]:
    seconds = Sample(tuple(cost.seconds for cost in costs))
    return seconds.shown(), f"{statistics.median(cost.cpu_seconds for cost in costs):.2f} s"


def _slope(seconds_of: Mapping[int, float]) -> float:
    """Of the line through the points, both axes logarithmic."""
    return statistics.linear_regression(
        [math.log(size) for size in seconds_of], [math.log(s) for s in seconds_of.values()]
    ).slope
