"""`./run bench abuse`: what strangers can do to members with a tenth of one core.

One web process, as it is by default. Two hundred members ask politely, in turns beside connections
on which nothing is sent and beside attackers: bodies that never come, or a byte a second, addresses
and headers that are longer than anything, JSON that goes deep, sign-ins of nobody, more silent
connections than a server may have by default, large answers that nobody takes. The attackers are a
process of their own, whose processor time is measured and held below a tenth of a core.
"""

import argparse
import asyncio
import random
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, suppress
from multiprocessing import get_context
from typing import TypeVar

from msgspec import Struct

from api.web_base.tokens import issue_access_token
from benchmarks.abuse_attackers import Report, attack, idle
from benchmarks.load_open import Hit, Shot, fire
from benchmarks.load_people import COUNT_MEMBERS, USERS, WALLETS, release
from benchmarks.plots import Bars
from benchmarks.processes import served, web_environment
from benchmarks.support import finish, own_database, own_servers, say, show
from engine.core.timeline import user_id_of
from models.base.db import Database, connected, run
from ops.local.servers import Servers
from runtime.clock import utcnow

MEMBERS = 200
# Each asks every other second: most often the poll, sometimes what a page is opened with.
PER_SECOND = 100
ASKED = {"/v1/mining/status": 8, "/v1/tasks/today": 1, "/v1/notifications/unread": 1}
TURNS = 2
WARM_SECONDS = 2
HEALTH_PAUSE_SECONDS = 0.05
T = TypeVar("T")
_POOL = ProcessPoolExecutor(2, mp_context=get_context("spawn"))


class Options(argparse.Namespace):
    """What the command line says."""

    seconds: float
    seed: int


class Round(Struct, frozen=True):
    """What members were answered, beside what, and how long the process took to say it lives."""

    hits: list[Hit]
    beside: Report
    health: list[float]


def main(args: list[str]) -> int:
    """Run the benchmark. Return the exit status."""
    parser = argparse.ArgumentParser(prog="run bench abuse", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="of the attacks altogether")
    parser.add_argument("--seed", type=int, default=1, help="of the members' arrivals")
    options = parser.parse_args(args, namespace=Options())
    with own_servers() as servers:
        quiet, abused = asyncio.run(_measure(servers, options))
    _report(quiet, abused)
    return 0


async def _measure(servers: Servers, options: Options) -> tuple[list[Round], list[Round]]:
    async with own_database(servers, "twtc_bench_abuse", pool_size=4) as database:
        await release(database)
        await _enrol(database)
        environment = web_environment(database, servers)
        del environment["TWTC_LIMITS"]  # strangers meet them too
        secret = environment["TWTC_SECRET"].encode()
        seconds, rounds = options.seconds / TURNS, list[Round]()
        async with served("api.app:create_from_environment", environment) as port:
            shots = _shots(secret, WARM_SECONDS, options.seed)
            await _elsewhere(fire, port, shots, PER_SECOND, options.seed)
            for number, beside in enumerate((idle, attack) * TURNS):
                seed = options.seed + number // 2  # the same members beside both
                rounds.append(await _round(port, secret, seconds, seed, beside))
                name = beside.__name__
                say(f"beside {name}: p95 {_p95(rounds[-1].hits) * 1000:,.1f} ms")
    return rounds[0::2], rounds[1::2]


async def _enrol(database: Database) -> None:
    span = {"first": 1, "last": MEMBERS, "now": utcnow()}
    async with connected(database) as connection:
        await run(connection, USERS, span)
        await run(connection, WALLETS, span)
        await run(connection, COUNT_MEMBERS)


def _shots(secret: bytes, seconds: float, seed: int) -> list[Shot]:
    """What the members ask, each in turn."""
    chance = random.Random(seed)
    now = utcnow()
    tokens = [issue_access_token(secret, user_id_of(n + 1), now) for n in range(MEMBERS)]
    number = max(MEMBERS, round(PER_SECOND * seconds))
    paths = chance.choices(list(ASKED), list(ASKED.values()), k=number)
    return [(path, _get(path, tokens[n % MEMBERS])) for n, path in enumerate(paths)]


def _get(path: str, token: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    )


async def _round(
    port: int, secret: bytes, seconds: float, seed: int, beside: Callable[[int, float], Report]
) -> Round:
    shots = _shots(secret, seconds, seed)
    async with _health(port) as health:
        volley, report = await asyncio.gather(
            _elsewhere(fire, port, shots, PER_SECOND, seed), _elsewhere(beside, port, seconds)
        )
    return Round(volley.hits, report, health)


async def _elsewhere(work: Callable[..., T], *args: object) -> T:
    return await asyncio.get_running_loop().run_in_executor(_POOL, work, *args)


@asynccontextmanager
async def _health(port: int) -> AsyncIterator[list[float]]:
    """Seconds that each answer to `/healthz` took, asked all the time, meanwhile."""
    taken: list[float] = []

    async def ask() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while True:
                began = time.perf_counter()
                writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                await reader.readuntil(b"}")
                taken.append(time.perf_counter() - began)
                await asyncio.sleep(HEALTH_PAUSE_SECONDS)
        finally:
            writer.close()

    asking = asyncio.create_task(ask())
    try:
        yield taken
    finally:
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking


def _report(quiet: Sequence[Round], abused: Sequence[Round]) -> None:
    lines = [_line("idle connections", quiet), _line("attackers", abused)]
    columns = ["beside", "requests", "p50", "p95", "p99", "5xx", "other refusals", "health, worst"]
    show(f"{MEMBERS} members, {PER_SECOND} requests a second, one web process", columns, lines)
    done = sum((Counter(turn.beside.done) for turn in abused), Counter[str]())
    show("What the attackers did", ["attack", "times"], [[k, f"{v:,}"] for k, v in done.items()])
    share = max(turn.beside.share for turn in abused)
    say(f"the attackers used {share:.1%} of one core")
    ratio = statistics.median(
        _p95(both.hits) / _p95(alone.hits) for alone, both in zip(quiet, abused, strict=True)
    )
    figures = {
        "p95_ratio": round(ratio, 2),
        "errors_5xx": sum(_is_broken(hit) for turn in abused for hit in turn.hits),
        "health_ms_max": round(1000 * max(max(turn.health) for turn in abused), 1),
        "attackers_share": round(share, 3),
    }
    bars = {
        "beside idle connections": (1000 * _p95(_all(quiet)), 0.0),
        "beside attackers": (1000 * _p95(_all(abused)), 0.0),
    }
    finish(figures, "abuse", Bars("Members' p95", "ms", bars))


def _line(name: str, rounds: Sequence[Round]) -> list[str]:
    hits = _all(rounds)
    times = [f"{1000 * _percentile(hits, percent):,.1f} ms" for percent in (50, 95, 99)]
    refused = sum(400 <= hit.status < 500 for hit in hits)
    health = max(max(turn.health) for turn in rounds)
    broken = sum(map(_is_broken, hits))
    return [name, f"{len(hits):,}", *times, str(broken), str(refused), f"{1000 * health:,.0f} ms"]


def _all(rounds: Sequence[Round]) -> list[Hit]:
    return [hit for turn in rounds for hit in turn.hits]


def _is_broken(hit: Hit) -> bool:
    return hit.status >= 500 or hit.status == 0


def _p95(hits: Sequence[Hit]) -> float:
    return _percentile(hits, 95)


def _percentile(hits: Sequence[Hit], percent: int) -> float:
    seconds = [hit.seconds for hit in hits]
    return statistics.quantiles(seconds, n=100, method="inclusive")[percent - 1]
