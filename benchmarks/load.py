"""`./run bench load`: the day of a million users as an open loop, up to saturation and beyond it.

One web process, one worker process, the clock, PostgreSQL and Valkey share this machine with the
generator. The rate rises until it is no longer answered in time: that is saturation. Then half and
four fifths of it, where the blueprint's targets should hold, and one and a half times and twice as
much, where whoever cannot be served is to be told so at once (503, Retry-After), while as many as
before are served. Afterwards the intents must drain, none be lost, and the books be right.
"""

import argparse
import asyncio
import statistics
import sys
import time
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from multiprocessing import get_context

from msgspec import Struct

from benchmarks.load_mix import KINDS, members_served
from benchmarks.load_open import Hit, Shot, Volley, fire
from benchmarks.load_people import UNDONE, Deck, release, settle_in
from benchmarks.plots import Bars
from benchmarks.processes import engine_workers, running, served, web_environment
from benchmarks.support import finish, own_database, own_servers, say, show
from models.db import Database, connected, rows, sql
from models.invariants import audit
from ops.servers import Servers

EACH = 2_000
WARM_PER_SECOND = 200
RAMP_FROM, RAMP_STEP, RAMP_SECONDS = 200, 1.25, 4
RAMP_STEPS_MAX = 16
# Served: answered without an error within a second, the blueprint's p99.
IN_TIME_SECONDS = 1.0
SERVED_SHARE_MIN = 0.95
DRAIN_SECONDS_MAX = 180
_GENERATOR = ProcessPoolExecutor(1, mp_context=get_context("spawn"))

DONE = sql("SELECT count(*) AS n FROM intents WHERE status IN ('APPLIED', 'REJECTED') "
           "AND id = ANY(CAST(:ids AS uuid[]))")  # fmt: skip


class Options(argparse.Namespace):
    """What the command line says."""

    seconds: int
    seed: int


class Phase(Struct, frozen=True):
    """Some seconds at one rate."""

    name: str
    per_second: float
    volley: Volley

    @property
    def goodput(self) -> float:
        """Requests a second that were served."""
        return sum(_is_served(hit) for hit in self.volley.hits) / self.volley.seconds


def _is_served(hit: Hit) -> bool:
    return 0 < hit.status < 400 and hit.seconds <= IN_TIME_SECONDS


def main(args: list[str]) -> int:
    """Run the benchmark. Return the exit status: 1 if something was lost."""
    parser = argparse.ArgumentParser(prog="run bench load", description=__doc__)
    parser.add_argument("--seconds", type=int, default=12, help="of a measured phase")
    parser.add_argument("--seed", type=int, default=1, help="of arrivals and of the mix")
    options = parser.parse_args(args, namespace=Options())
    with own_servers() as servers:
        return asyncio.run(_all(servers, options))


async def _all(servers: Servers, options: Options) -> int:
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(
            own_database(servers, "twtc_bench_load", pool_size=10)
        )
        environment = web_environment(database, servers)
        await release(database)
        say("members settle in")
        async with engine_workers(database, servers), _clock(environment):
            cohorts = await settle_in(
                database, environment, EACH, lambda: _drained(database, DRAIN_SECONDS_MAX)
            )
            port = await stack.enter_async_context(served("api.app:app", environment))
            deck = Deck(cohorts, environment, options.seed)
            gun = Gun(port, deck, options.seed)
            for _ in range(2):  # from PostgreSQL, then from the copy in Redis, which is then held
                await gun.fire("warm", WARM_PER_SECOND, deck.polls())
            saturation = await _saturate(gun)
            steady = [
                await gun.phase(f"{share:.0%}", share * saturation, options.seconds)
                for share in (0.5, 0.8)
            ]
            beyond = [
                await gun.phase(f"{share:.0%}", share * saturation, options.seconds)
                for share in (1.5, 2.0)
            ]
            began = time.monotonic()
            await _drained(database, DRAIN_SECONDS_MAX)
            drain = time.monotonic() - began
            after = await gun.phase("50% afterwards", saturation / 2, options.seconds)
            await _drained(database, DRAIN_SECONDS_MAX)
        ids = list(gun.intents)
        async with connected(database) as connection:
            [done] = await rows(connection, DONE, {"ids": ids})
        broken = await audit(database)
    _show_latencies([*steady, after])
    _show_beyond(saturation, [*steady, *beyond, after])
    say(f"backlog drained {drain:.1f} s after the last; generator busy for "
        f"{max(phase.volley.busy for phase in beyond):.0%} of a core at most")  # fmt: skip
    finish(
        {
            "saturation_per_second": round(saturation),
            "members": round(members_served(saturation)),
            **{
                f"p99_ms_at_{phase.name.rstrip('%')}": _ms(phase.volley.hits, 99)
                for phase in steady
            },
            "targets_missed": sum(_misses(phase) for phase in steady),
            "goodput_at_150": round(beyond[0].goodput / saturation, 2),
            "goodput_at_200": round(beyond[1].goodput / saturation, 2),
            "drain_seconds": round(drain, 1),
            "acknowledged": len(ids),
            "lost": len(ids) - done.n,
            "broken_invariants": len(broken),
        },
        "load",
        Bars(
            f"Served in time; saturation is {saturation:,.0f} requests/s",
            "requests a second",
            {f"asked for {phase.name}": (phase.goodput, 0.0) for phase in [*steady, *beyond]},
        ),
    )
    return 1 if len(ids) != done.n or broken else 0


def _clock(environment: dict[str, str]) -> AbstractAsyncContextManager[Process]:
    return running((sys.executable, "-m", "schedules"), environment)


class Gun:
    """Fires phases from a process of its own, and keeps what was acknowledged."""

    def __init__(self, port: int, deck: Deck, seed: int) -> None:
        self._port, self._deck, self._seed = port, deck, seed
        self.intents: set[str] = set()

    async def phase(self, name: str, per_second: float, seconds: float) -> Phase:
        """So many seconds of the mix."""
        shots = self._deck.draw(max(1, round(per_second * seconds)))
        return await self.fire(name, per_second, shots)

    async def fire(self, name: str, per_second: float, shots: Sequence[Shot]) -> Phase:
        """One phase."""
        loop = asyncio.get_running_loop()
        self._seed += 1
        volley = await loop.run_in_executor(
            _GENERATOR, fire, self._port, shots, per_second, self._seed
        )
        self.intents |= {hit.intent_id for hit in volley.hits if hit.intent_id}
        phase = Phase(name, per_second, volley)
        say(f"{name:>16}: {per_second:,.0f}/s asked, {phase.goodput:,.0f}/s served in time, "
            f"p99 {_ms(volley.hits, 99):,.0f} ms")  # fmt: skip
        return phase


async def _saturate(gun: Gun) -> float:
    """The most that is served in time, as the rate rises."""
    best, rate, overfull = 0.0, float(RAMP_FROM), 0
    for _ in range(RAMP_STEPS_MAX):
        phase = await gun.phase("rising", rate, RAMP_SECONDS)
        asked = len(phase.volley.hits) / phase.volley.seconds
        best = max(best, phase.goodput)
        overfull = overfull + 1 if phase.goodput < SERVED_SHARE_MIN * asked else 0
        if overfull == 2:  # once may be somebody else's doing on this machine
            break
        rate *= RAMP_STEP
    return best


async def _drained(database: Database, seconds_max: float) -> None:
    """Wait until the workers have applied everything that members asked for."""
    async with asyncio.timeout(seconds_max):
        while True:
            async with connected(database) as connection:
                [found] = await rows(connection, UNDONE)
            if not found.is_left:
                return
            await asyncio.sleep(0.1)


def _show_latencies(phases: Sequence[Phase]) -> None:
    columns = ["p50 / p95 / p99 in ms", "target"]
    lines = []
    for kind in KINDS:
        cells = []
        for phase in phases:
            hits = [hit for hit in phase.volley.hits if hit.kind == kind.name]
            cells.append(" / ".join(f"{_ms(hits, percent):,.0f}" for percent in (50, 95, 99)))
        lines.append([kind.name, f"< {kind.target_ms}" if kind.target_ms else "", *cells])
    everything = [
        " / ".join(f"{_ms(phase.volley.hits, percent):,.0f}" for percent in (50, 95, 99))
        for phase in phases
    ]
    lines.append(["all", "p95 < 200, p99 < 1,000", *everything])
    show("Latency, from when a request was due; starts, tasks: until the outcome",
         [*columns, *(f"at {phase.name}" for phase in phases)], lines)  # fmt: skip


def _show_beyond(saturation: float, phases: Sequence[Phase]) -> None:
    lines = []
    for phase in phases:
        hits = phase.volley.hits
        statuses = Counter(hit.status for hit in hits)
        shed = [hit for hit in hits if hit.status in (429, 503)]
        lines.append(
            [
                phase.name,
                f"{phase.per_second:,.0f}/s",
                f"{phase.goodput:,.0f}/s ({phase.goodput / saturation:.0%})",
                f"{_ms([hit for hit in hits if _is_served(hit)], 99):,.0f} ms",
                f"{len(shed) / len(hits):.0%}, p99 {_ms(shed, 99):,.0f} ms",
                f"{sum(hit.has_retry_after for hit in shed)} of {len(shed)}",
                ", ".join(f"{status or 'none'}: {n:,}" for status, n in sorted(statuses.items())),
            ]
        )
    columns = ["", "asked", "served in time", "their p99", "shed", "Retry-After", "answers"]
    title = (f"Saturation: {saturation:,.0f} requests/s, the mean demand of "
             f"{members_served(saturation):,.0f} members")  # fmt: skip
    show(title, columns, lines)


def _misses(phase: Phase) -> int:
    """How many of the blueprint's targets are missed at p95, or p99 for the last."""
    missed = [_ms(phase.volley.hits, 95) >= 200, _ms(phase.volley.hits, 99) >= 1000]
    for kind in KINDS:
        hits = [hit for hit in phase.volley.hits if hit.kind == kind.name]
        missed.append(kind.target_ms is not None and _ms(hits, 95) >= kind.target_ms)
    return sum(missed)


def _ms(hits: Sequence[Hit], percent: int) -> float:
    """A percentile of the latencies, in ms; 0 without any."""
    seconds = [hit.seconds for hit in hits]
    if len(seconds) < 2:
        return seconds[0] * 1000 if seconds else 0.0
    return statistics.quantiles(seconds, n=100, method="inclusive")[percent - 1] * 1000
