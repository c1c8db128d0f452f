"""`./run bench intents`: from recorded to applied, beside one message per intent on five queues.

The engine's own worker command drains a backlog of intents from all groups and buckets; other job
queues do the same work with one message and one transaction for each. The best of them and the
engine then take turns; the ratio is the median of the turns, in seconds and in processor seconds.
Then people ask who each wait for their outcome: recording, ringing and applying share the machine,
and the rate is what it sustains without a backlog. At half of that rate, with intents that come
evenly, a reader of its own watches how long each takes.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable, Mapping

from msgspec import Struct

from benchmarks.intents_engine import (
    PEOPLE_AT_ONCE,
    HalfLoad,
    Latency,
    drained_per_second,
    record_backlog,
)
from benchmarks.intents_kind import Sender, count_effects, prepare
from benchmarks.peers import Peer, jobs_per_second, peers
from benchmarks.plots import Bars
from benchmarks.processes import engine_workers
from benchmarks.support import Sample, console, finish, own_database, own_servers, say, show
from benchmarks.tick_population import vacuum
from models.operations.invariants import audit
from ops.local.servers import Servers
from runtime.broker.bells import Bells, open_broker

ROUNDS = 5
POOL_SIZE = 16
WARM_UP = 1_000
JOB = "benchmarks.intents_job:apply_one"


class Options(argparse.Namespace):
    """What the command line says."""

    backlog: int
    jobs: int
    seconds: int
    processes: int
    sustained: int


def main(args: list[str]) -> int:
    """Run the benchmark. Return the exit status."""
    parser = argparse.ArgumentParser(prog="run bench intents", description=__doc__)
    parser.add_argument("--backlog", type=int, default=20_000, help="intents the engine drains")
    parser.add_argument("--jobs", type=int, default=5_000, help="intents for each peer")
    parser.add_argument("--seconds", type=int, default=20, help="of half load")
    parser.add_argument("--processes", type=int, default=1, help="worker processes of the engine")
    parser.add_argument("--sustained", type=int, default=3_000, help="intents of those who wait")
    options = parser.parse_args(args, namespace=Options())
    with own_servers() as servers:
        return asyncio.run(run(servers, options))


class Turn(Struct, frozen=True):
    """Intents a second, and processor seconds of the machine for each."""

    rate: float
    cpu_seconds: float


class Turns(Struct, frozen=True):
    """The engine's, and those of the best peer between them, if there is one."""

    ours: list[Turn]
    theirs: list[Turn]

    def median(self, ratio: Callable[[Turn, Turn], float]) -> float | None:
        """The middle one of a ratio of ours to theirs, turn by turn."""
        ratios = [ratio(*pair) for pair in zip(self.ours, self.theirs, strict=False)]
        return round(statistics.median(ratios), 2) if ratios else None


async def run(servers: Servers, options: Options) -> int:
    """Every part, the tables, and the line of JSON."""
    began = time.perf_counter()
    rates = {peer: (await _peer(servers, peer, options.jobs)).rate for peer in peers()}
    best = max(rates, key=lambda peer: rates[peer], default=None)
    turns, latency, broken = await _engine(servers, options, best)
    engine = Sample(tuple(turn.rate for turn in turns.ours))
    named = {peer.name: rate for peer, rate in rates.items()}
    _show(engine, named, latency)
    _show_turns(turns, best)
    console.print(f"audit after the engine's intents: {broken or 'clean'}")
    console.print(f"whole run: {time.perf_counter() - began:.0f} s")
    finish(
        {
            "vs_best_peer": turns.median(lambda our, their: our.rate / their.rate),
            "cpu_vs_best_peer": turns.median(
                lambda our, their: their.cpu_seconds / our.cpu_seconds
            ),
            "p99_ms_half_load": round(latency.p99, 1),
        },
        "intents",
        Bars(
            "Recorded to applied",
            "intents a second",
            {name: (rate, 0.0) for name, rate in named.items()} | {"TWTC Engine": engine.bar},
        ),
    )
    return 1 if broken else 0


async def _engine(
    servers: Servers, options: Options, best: Peer | None
) -> tuple[Turns, Latency, str]:
    # The rate is known only after the backlog: so many people as could be needed.
    people = ROUNDS * (WARM_UP + options.backlog) + options.sustained + options.seconds * 1_000
    say(f"making {people:,} people")
    async with own_database(servers, "twtc_bench_intents", POOL_SIZE) as database:
        senders = iter(await prepare(database, people))
        bells = Bells(open_broker(servers.redis_url, []), servers.redis_url)

        def next_ones(count: int) -> list[Sender]:
            return [next(senders) for _ in range(count)]

        turns = Turns([], [])
        try:
            for _ in range(ROUNDS):
                async with engine_workers(database, servers, options.processes) as worker:
                    await drained_per_second(
                        database, bells, worker, next_ones(WARM_UP), servers.redis_url
                    )
                    say(f"{options.backlog:,} intents: a worker drains them")
                    chosen = next_ones(options.backlog)
                    turns.ours.append(
                        Turn(
                            *await drained_per_second(
                                database, bells, worker, chosen, servers.redis_url
                            )
                        )
                    )
                if best is not None:
                    turns.theirs.append(await _peer(servers, best, options.jobs))
            async with engine_workers(database, servers, options.processes):
                load = HalfLoad(database, bells)
                say(f"{PEOPLE_AT_ONCE} people, each waits for the outcome of an intent")
                half = await load.sustained_per_second(next_ones(options.sustained)) / 2
                say(f"{half:,.0f} intents a second for {options.seconds} s")
                chosen = next_ones(int(half * options.seconds))
                latency = await load.run(chosen, half)
                await load.close()
        finally:
            await bells.close()
        broken = "; ".join(violation.invariant for violation in await audit(database))
    return turns, latency, broken


async def _peer(servers: Servers, peer: Peer, count: int) -> Turn:
    """A peer's turn. Check that each intent took effect once."""
    say(f"{peer.name}: one message per intent")
    async with own_database(servers, "twtc_bench_peer", POOL_SIZE) as database:
        senders = await prepare(database, count)
        recorded = await record_backlog(database, senders)
        await vacuum(database)
        jobs = [(one.group_number, one.bucket, str(one.id)) for one in recorded]

        async def count_done() -> int:
            return await count_effects(database)

        turn = Turn(*await jobs_per_second(peer, servers, database.url, JOB, jobs, count_done))
        if await count_effects(database) != count:
            raise RuntimeError(f"{peer.name} did not do its work")
    return turn


def _show_turns(turns: Turns, best: Peer | None) -> None:
    lines = []
    for name, own in (("TWTC Engine", turns.ours), (best.name if best else "", turns.theirs)):
        if own:
            rate = Sample(tuple(turn.rate for turn in own)).shown(0, "/s")
            each = Sample(tuple(turn.cpu_seconds * 1000 for turn in own)).shown(2, "ms")
            lines.append([name, rate, each])
    show(f"{ROUNDS} turns", ["", "intents/s", "of processors, each"], lines)


def _show(engine: Sample, rates: Mapping[str, float], latency: Latency) -> None:
    lines = [
        [f"{name}, one message per intent", f"{rate:,.0f}", f"{engine.median / rate:.1f}x"]
        for name, rate in rates.items()
    ]
    lines.append(["TWTC Engine, a backlog", engine.shown(0, "/s"), "1x"])
    show("Recorded to applied", ["on", "intents/s", "the engine is"], lines)
    lines = [
        ["recorded to seen as applied, median", f"{latency.p50:,.0f} ms"],
        ["… 99 of 100 within", f"{latency.p99:,.0f} ms"],
        ["… the longest", f"{latency.longest:,.0f} ms"],
        ["… of it recording and ringing, 99 of 100", f"{latency.record_p99:,.0f} ms"],
        ["the sender was late, 99 of 100", f"{latency.late_p99:,.0f} ms"],
        ["refused for want of a connection", f"{latency.refused:,}"],
    ]
    show(f"{latency.per_second:,.0f} intents a second", ["", ""], lines)
