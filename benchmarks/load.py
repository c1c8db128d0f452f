"""`./run bench load`: the day of a million users as an open loop, up to saturation and beyond it.

One web process, one worker process, the clock, PostgreSQL and Valkey share this machine with the
generator. The rate rises until it is no longer answered in time: that is saturation. Then half and
four fifths of it, where the blueprint's targets should hold, and one and a half times and twice as
much, where whoever cannot be served is to be told so at once (503, Retry-After), while as many as
before are served. Afterwards the intents must drain, none be lost, and the books be right.
"""

import argparse
import asyncio
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from multiprocessing import get_context

from msgspec import Struct

from benchmarks.load_mix import members_served
from benchmarks.load_open import Shot, fire
from benchmarks.load_people import UNDONE, Deck, release, settle_in
from benchmarks.load_tables import (
    Phase,
    joined,
    misses,
    ms,
    show_beyond,
    show_latencies,
    typical_ms,
)
from benchmarks.plots import Bars
from benchmarks.processes import engine_workers, running, served, web_environment
from benchmarks.support import finish, own_database, own_servers, say
from models.base.db import Database, connected, rows, sql
from models.operations.invariants import audit
from ops.local.servers import Servers

WARM_PER_SECOND = 200
RAMP_FROM, RAMP_STEP, RAMP_SECONDS = 200, 1.25, 4
RAMP_STEPS_MAX = 16
# Each rate that should be bearable, so many times in turn: a neighbour of this machine may be busy.
TURNS = 3
SERVED_SHARE_MIN = 0.95
DRAIN_SECONDS_MAX = 180
_GENERATOR = ProcessPoolExecutor(1, mp_context=get_context("spawn"))

DONE = sql("SELECT count(*) AS n FROM intents WHERE status IN ('APPLIED', 'REJECTED') "
           "AND id = ANY(CAST(:ids AS uuid[]))")  # fmt: skip


class Options(argparse.Namespace):
    """What the command line says."""

    seconds: int
    seed: int


class Trial(Struct, frozen=True):
    """What a run came to."""

    saturation: float
    half: list[Phase]  # turns at 50 %
    most: list[Phase]  # turns at 80 %
    beyond: list[Phase]
    after: Phase
    drain_seconds: float
    acknowledged: int
    lost: int
    broken_invariants: int
    repeats: int


def main(args: list[str]) -> int:
    """Run the benchmark. Return the exit status: 1 if something was lost."""
    parser = argparse.ArgumentParser(prog="run bench load", description=__doc__)
    parser.add_argument("--seconds", type=int, default=12, help="at one rate")
    parser.add_argument("--seed", type=int, default=1, help="of arrivals and of the mix")
    options = parser.parse_args(args, namespace=Options())
    with own_servers() as servers:
        trial = asyncio.run(_try(servers, options))
    _report(trial)
    return 1 if trial.lost or trial.broken_invariants else 0


async def _try(servers: Servers, options: Options) -> Trial:
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(
            own_database(servers, "twtc_bench_load", pool_size=10)
        )
        environment = web_environment(database, servers)
        await release(database)
        say("members settle in")
        async with engine_workers(database, servers), _clock(environment):
            cohorts = await settle_in(
                database, environment, lambda: _drained(database, DRAIN_SECONDS_MAX)
            )
            port = await stack.enter_async_context(
                served("api.app:create_from_environment", environment)
            )
            deck = Deck(cohorts, environment, options.seed)
            gun = Gun(port, deck, options.seed)
            for _ in range(2):  # from PostgreSQL, then from the copy in Redis, which is then held
                await gun.fire("warm", WARM_PER_SECOND, deck.polls())
            saturation = await _saturate(gun)
            await _drained(database, DRAIN_SECONDS_MAX)
            turns = [
                await gun.phase(f"{share:.0%}", share * saturation, options.seconds)
                for share in (0.5, 0.8) * TURNS
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
    return Trial(
        saturation=saturation,
        half=turns[0::2],
        most=turns[1::2],
        beyond=beyond,
        after=after,
        drain_seconds=drain,
        acknowledged=len(ids),
        lost=len(ids) - done.n,
        broken_invariants=len(broken),
        repeats=deck.repeats,
    )


def _report(trial: Trial) -> None:
    show_latencies([trial.half, trial.most, [trial.after]])
    rates = [joined(trial.half), joined(trial.most), *trial.beyond]
    show_beyond(trial.saturation, [*rates, trial.after])
    busy = max(phase.volley.busy for phase in trial.beyond)
    say(
        f"backlog drained {trial.drain_seconds:.1f} s after the last; "
        f"generator busy for {busy:.0%} of a core at most; "
        f"{trial.repeats:,} requests repeated what their member had done before"
    )
    finish(
        {
            "saturation_per_second": round(trial.saturation),
            "members": round(members_served(trial.saturation)),
            "p99_ms_at_50": round(typical_ms(trial.half, None, 99), 1),
            "p99_ms_at_80": round(typical_ms(trial.most, None, 99), 1),
            "targets_missed_at_50": misses(trial.half),
            "targets_missed": misses(trial.most),
            "goodput_at_150": round(trial.beyond[0].goodput / trial.saturation, 2),
            "goodput_at_200": round(trial.beyond[1].goodput / trial.saturation, 2),
            "drain_seconds": round(trial.drain_seconds, 1),
            "acknowledged": trial.acknowledged,
            "lost": trial.lost,
            "broken_invariants": trial.broken_invariants,
        },
        "load",
        Bars(
            f"Served in time; saturation is {trial.saturation:,.0f} requests/s",
            "requests a second",
            {f"asked for {phase.name}": (phase.goodput, 0.0) for phase in rates},
        ),
    )


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
            f"p99 {ms(volley.hits, 99):,.0f} ms")  # fmt: skip
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
