"""`./run bench dashboard`: what the queue dashboard costs a worker.

The engine's own worker command drains backlogs of intents, with the projection on and off in
turns (on, off, off, on, …), everything else equal: machine, servers, prefetch, kind of intent. The
dashboard's own process runs beside both. Then the same with people who each wait for their outcome,
where almost every intent has a message of its own. The figure is the larger of the two losses, from
the medians of the rates.
"""

import argparse
import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager

from msgspec import Struct

from benchmarks.intents_engine import HalfLoad, drained_per_second
from benchmarks.intents_kind import Sender, prepare
from benchmarks.plots import Bars
from benchmarks.processes import cpu_seconds, engine_workers, free_port, running
from benchmarks.support import Sample, console, finish, own_database, own_servers, say, show
from models.base.db import Database
from models.operations.invariants import audit
from ops.local.servers import Servers
from ops.local.up import next_database
from runtime.broker.bells import Bells, open_broker

POOL_SIZE = 16
WARM_UP = 1_000
LAST_BELLS_SECONDS = 2
TURNS = (True, False, False, True)


class Options(argparse.Namespace):
    """What the command line says."""

    rounds: int
    backlog: int
    waiting: int


class Rates(Struct):
    """Intents a second of each round, and the worker's processor time for one, in microseconds."""

    backlog: list[float] = []
    backlog_cpu: list[float] = []
    waiting: list[float] = []
    waiting_cpu: list[float] = []


def main(args: list[str]) -> int:
    """Run the benchmark. Return the exit status."""
    parser = argparse.ArgumentParser(prog="run bench dashboard", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="each of on, off, off, on")
    parser.add_argument("--backlog", type=int, default=10_000, help="intents drained in a turn")
    parser.add_argument("--waiting", type=int, default=3_000, help="intents waited for in a turn")
    options = parser.parse_args(args, namespace=Options())
    with own_servers() as servers:
        return asyncio.run(run(servers, options))


async def run(servers: Servers, options: Options) -> int:
    """All turns, the table, and the line of JSON."""
    turns = TURNS * options.rounds
    each = WARM_UP + options.backlog + options.waiting
    say(f"making {each * len(turns):,} people")
    rates = {True: Rates(), False: Rates()}
    async with own_database(servers, "twtc_bench_dashboard", POOL_SIZE) as database:
        senders = iter(await prepare(database, each * len(turns)))
        async with _dashboard(database, servers):
            for number, is_on in enumerate(turns, 1):
                say(f"turn {number} of {len(turns)}: the projection is {'on' if is_on else 'off'}")
                await _turn(servers, database, senders, options, rates[is_on], is_on=is_on)
        broken = "; ".join(violation.invariant for violation in await audit(database))
    overhead = _show(rates)
    console.print(f"audit: {broken or 'clean'}")
    finish(
        {"overhead": round(overhead, 4)},
        "dashboard",
        Bars(
            "With the queue dashboard's projection, and without",
            "intents a second",
            {
                f"{name}, {'on' if is_on else 'off'}": Sample(tuple(getattr(of, name))).bar
                for name in ("backlog", "waiting")
                for is_on, of in rates.items()
            },
        ),
    )
    return 1 if broken else 0


async def _turn(
    servers: Servers,
    database: Database,
    senders: Iterator[Sender],
    options: Options,
    rates: Rates,
    *,
    is_on: bool,
) -> None:
    bells = Bells(open_broker(servers.redis_url, []), servers.redis_url)

    def next_ones(count: int) -> list[Sender]:
        return [next(senders) for _ in range(count)]

    more = {
        "TWTC_DASHBOARD": "on" if is_on else "off",
        "DASHBOARD_URL": next_database(servers.redis_url),
    }
    try:
        async with engine_workers(database, servers, more=more) as worker:
            await drained_per_second(database, bells, worker, next_ones(WARM_UP), servers.redis_url)
            used = [cpu_seconds(worker.pid)]
            chosen = next_ones(options.backlog)
            rate, _ = await drained_per_second(database, bells, worker, chosen, servers.redis_url)
            rates.backlog.append(rate)
            used.append(cpu_seconds(worker.pid))
            load = HalfLoad(database, bells)
            rates.waiting.append(await load.sustained_per_second(next_ones(options.waiting)))
            used.append(cpu_seconds(worker.pid))
            await load.close()
            # A worker that is stopped with bells in hand would keep them from the next one.
            await asyncio.sleep(LAST_BELLS_SECONDS)
        rates.backlog_cpu.append((used[1] - used[0]) / options.backlog * 1e6)
        rates.waiting_cpu.append((used[2] - used[1]) / options.waiting * 1e6)
    finally:
        await bells.close()


@asynccontextmanager
async def _dashboard(database: Database, servers: Servers) -> AsyncIterator[None]:
    """The process that serves rq-dashboard and keeps the projection true."""
    command = (sys.executable, "-m", "workers.dashboard", "--port", str(free_port()))
    environment = {
        "DATABASE_URL": database.url,
        "REDIS_URL": servers.redis_url,
        "BROKER_URL": servers.redis_url,
        "DASHBOARD_URL": next_database(servers.redis_url),
        "TWTC_DASHBOARD_PASSWORD": secrets.token_urlsafe(12),
    }
    async with running(command, environment):
        yield


def _show(rates: Mapping[bool, Rates]) -> float:
    lines: list[Sequence[str]] = []
    losses = []
    for name, pick in (("a backlog", "backlog"), ("people who wait", "waiting")):
        off, on = (Sample(tuple(getattr(rates[is_on], pick))) for is_on in (False, True))
        losses.append(1 - on.median / off.median)
        lines.append(
            [f"{name}, intents/s", off.shown(0, ""), on.shown(0, ""), f"{-losses[-1]:+.1%}"]
        )
        off, on = (Sample(tuple(getattr(rates[is_on], f"{pick}_cpu"))) for is_on in (False, True))
        more = f"{on.median / off.median - 1:+.1%}"
        lines.append(["… worker's µs for one", off.shown(0, ""), on.shown(0, ""), more])
    show("Recorded to applied", ["", "off", "on", "difference"], lines)
    return max(losses)
