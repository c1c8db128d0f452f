"""`./run bench login`: how long a sign-in takes, and what sign-ins cost those who poll.

One granian worker process. Members sign in at a steady rate, and others poll, whether earlier
requests were answered or not: as often as 600,000 members do who mine at once, and at half of the
rate that the process can answer. Rounds with and without sign-ins alternate.
"""

import argparse
import asyncio
import statistics
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

import httpx
from msgspec import Struct

from api.identity.passwords import hash_password
from api.web_base.tokens import issue_access_token
from benchmarks.plots import Bars
from benchmarks.poll_load import get, load, paced
from benchmarks.processes import served, web_environment
from benchmarks.support import finish, own_database, own_servers, say, show
from engine.core.timeline import PRODUCTION, timetable
from models.accounts.register import Newcomer, register
from models.base.db import Database
from models.base.partitions import prepare_partitions
from models.schema.migrate import migrate
from models.schema.seed import seed
from ops.local.servers import Servers
from runtime.clock import utcnow
from runtime.environment import load_config

ROUNDS = 5
CONNECTIONS = 32
_GENERATOR = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
PASSWORD = "correct horse battery staple"
POLL = "/v1/mining/status"


T = TypeVar("T")


class Options(argparse.Namespace):
    """What the command line says."""

    users: int
    rate: int
    polls: int
    seconds: int


class Round(Struct, frozen=True):
    """Seconds of each poll and of each sign-in."""

    polls: list[float]
    logins: list[float]


class Series(Struct, frozen=True):
    """Rounds without and with sign-ins, by turns, at one rate of polls."""

    per_second: float
    rounds: list[tuple[Round, Round]]

    @property
    def slower(self) -> float:
        """How much longer the median poll takes beside sign-ins."""
        ratios = [_p50(both.polls) / _p50(alone.polls) for alone, both in self.rounds]
        return statistics.median(ratios) - 1


def main(args: list[str]) -> int:
    """Run the benchmark. Return the exit status."""
    parser = argparse.ArgumentParser(prog="run bench login", description=__doc__)
    parser.add_argument("--users", type=int, default=1_000, help="who poll and sign in")
    parser.add_argument("--rate", type=int, default=20, help="sign-ins a second")
    parser.add_argument("--polls", type=int, default=1_000, help="polls a second")
    parser.add_argument("--seconds", type=int, default=6, help="of a round")
    options = parser.parse_args(args, namespace=Options())
    with own_servers() as servers:
        return asyncio.run(_all(servers, options))


async def _all(servers: Servers, options: Options) -> int:
    async with own_database(servers, "twtc_bench_login", pool_size=8) as database:
        say(f"registering {options.users:,} members")
        await migrate(database.url)
        await seed(database, PRODUCTION, utcnow())
        await prepare_partitions(database, utcnow().date())
        environment = web_environment(database, servers)
        ids = await _register(database, environment, options.users)
        secret = environment["TWTC_SECRET"].encode()
        polls = [get(POLL, issue_access_token(secret, user_id, utcnow())) for user_id in ids]
        async with served("api.app:create_from_environment", environment) as port:
            await _logins(port, options, options.rate, 1)  # warm
            full = await _elsewhere(load, port, polls, CONNECTIONS, options.seconds, 2 * len(polls))
            usual = await _series(port, polls, options, options.polls)
            busy = await _series(port, polls, options, full.per_second / 2)
            quiet = await _logins(port, options, options.rate, options.seconds)
    _report(usual, busy, quiet, options)
    return 0


async def _register(database: Database, environment: dict[str, str], users: int) -> list[int]:
    """New members with the same password. Return their ids."""
    keyring, hashed = load_config(environment, signs=True).keyring, await hash_password(PASSWORD)
    table, found = timetable(PRODUCTION), list[int]()
    for number in range(users):
        newcomer = Newcomer("email", _email(number), hashed, verified_at=utcnow())
        found.append((await register(database, keyring, table, newcomer, utcnow())).id)
    return found


def _email(number: int) -> str:
    return f"member{number}@bench.example"


async def _series(port: int, polls: Sequence[bytes], options: Options, per_second: float) -> Series:
    rounds: list[tuple[Round, Round]] = []
    for _ in range(ROUNDS):
        alone = await _round(port, polls, options, per_second, 0)
        rounds.append((alone, await _round(port, polls, options, per_second, options.rate)))
    return Series(per_second, rounds)


async def _round(
    port: int, polls: Sequence[bytes], options: Options, per_second: float, rate: int
) -> Round:
    """Polls at a steady rate, while others sign in."""
    polled, signed_in = await asyncio.gather(
        _elsewhere(paced, port, polls, CONNECTIONS, options.seconds, per_second),
        _logins(port, options, rate, options.seconds),
    )
    return Round(polled, signed_in)


async def _elsewhere(ask: Callable[..., T], *args: Any) -> T:
    """In a process of its own: who signs in must not hold up the clock of who polls."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_GENERATOR, ask, *args)


async def _logins(port: int, options: Options, rate: int, seconds: int) -> list[float]:
    """Sign in at the rate, open loop: who is slow is waited for by nobody. Return seconds each."""
    loop = asyncio.get_running_loop()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:

        async def one(number: int, due: float) -> float:
            await asyncio.sleep(due - loop.time())
            body = {"email": _email(number % options.users), "password": PASSWORD}
            answer = await http.post("/v1/auth/login", json=body)
            if answer.status_code != 200:
                raise RuntimeError(f"unexpected answer: {answer.text}")
            return loop.time() - due

        began = loop.time() + 0.05
        return list(
            await asyncio.gather(*(one(n, began + n / rate) for n in range(rate * seconds)))
        )


def _report(usual: Series, busy: Series, quiet: list[float], options: Options) -> None:
    lines: list[list[str]] = []
    bars: dict[str, tuple[float, float]] = {}
    for series in (usual, busy):
        name = f"{series.per_second:,.0f} polls a second"
        alone, beside = (
            [seconds for pair in series.rounds for seconds in pair[which].polls] for which in (0, 1)
        )
        logins = [seconds for _, both in series.rounds for seconds in both.logins]
        lines.append([f"{name}, alone", *_both(alone), *_both([])])
        lines.append([f"{name}, beside sign-ins", *_both(beside), *_both(logins)])
        bars[f"{name}: p50 alone"] = (_p50(alone) * 1000, 0.0)
        bars[f"{name}: p50 beside sign-ins"] = (_p50(beside) * 1000, 0.0)
    lines.append(["sign-ins alone", *_both([]), *_both(quiet)])
    title = f"{options.rate} sign-ins a second beside polls, one web process"
    show(title, ["", "poll p50", "p95", "sign-in p50", "p95"], lines)
    logins = [seconds for _, both in usual.rounds for seconds in both.logins]
    figures = {
        "p95_ms": round(_percentile(logins, 95) * 1000, 1),
        "poll_slowdown": round(usual.slower, 3),
        "polls_per_second": round(usual.per_second),
        "poll_slowdown_half_load": round(busy.slower, 3),
        "half_load_per_second": round(busy.per_second),
    }
    finish(figures, "login", Bars(title, "ms", bars))


def _both(values: Sequence[float]) -> tuple[str, str]:
    return (_ms(values, 50), _ms(values, 95)) if values else ("", "")


def _p50(values: Sequence[float]) -> float:
    return _percentile(values, 50)


def _ms(values: Sequence[float], percent: int) -> str:
    return f"{_percentile(values, percent) * 1000:.2f} ms"


def _percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
