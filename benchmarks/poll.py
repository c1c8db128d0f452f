"""`./run bench poll`: what an answer to the poll costs, beside a constant and beside FastAPI.

One granian worker process serves the product and the constant answers, another one the peer; only
one of them is asked at a time. Rounds alternate, so that a busy machine burdens all alike; the
first round does not count: it fills what is to be filled. Between two ticks a phone's answer stays
the same, after a tick it has to be rendered: that is shown as well.
"""

import argparse
import asyncio
import statistics
from collections.abc import Sequence
from contextlib import AsyncExitStack

import httpx
from msgspec import Struct

from api.web_base.tokens import issue_access_token
from benchmarks.plots import Bars
from benchmarks.poll_load import Load, get, load
from benchmarks.processes import served, web_environment
from benchmarks.support import Sample, console, finish, own_database, own_servers, say, show
from benchmarks.tick_population import populate
from engine.core.timeline import PRODUCTION, boundary_at_or_before, user_id_of
from ops.local.servers import Servers
from runtime.clock import utcnow

ROUNDS = 7
CONNECTIONS = 32
# PostgreSQL leaves a copy in Redis, which the process then holds.
FILLS = 2
BOOT_SECONDS_MAX = 30
POLL = "/v1/mining/status"


class Options(argparse.Namespace):
    """What the command line says."""

    users: int
    seconds: float


class Contender(Struct, frozen=True):
    """Something that answers, and where."""

    name: str
    port: int
    path: str


def main(args: list[str]) -> int:
    """Run the benchmark. Return the exit status."""
    parser = argparse.ArgumentParser(prog="run bench poll", description=__doc__)
    parser.add_argument("--users", type=int, default=5_000, help="who mine and poll")
    parser.add_argument("--seconds", type=float, default=3.0, help="for each in each round")
    options = parser.parse_args(args, namespace=Options())
    with own_servers() as servers:
        return asyncio.run(_all(servers, options))


async def _all(servers: Servers, options: Options) -> int:
    origin = boundary_at_or_before(utcnow(), PRODUCTION.tick_seconds)
    async with own_database(servers, "twtc_bench_poll", pool_size=2) as database:
        say(f"loading {options.users:,} members who mine")
        await populate(database, origin, options.users)
        environment = web_environment(database, servers)
        async with AsyncExitStack() as stack:
            product, anew, peer = [
                await stack.enter_async_context(served(f"benchmarks.{module}:app", environment))
                for module in ("poll_app", "poll_anew", "poll_peer")
            ]
            secret = environment["TWTC_SECRET"].encode()
            users = [user_id_of(number) for number in range(1, options.users + 1)]
            tokens = [issue_access_token(secret, user_id, utcnow()) for user_id in users]
            await _compare((product, anew, peer), tokens)
            contenders = [
                Contender("constant answer, without the framework", product, "/bench/bare"),
                Contender("constant answer", product, "/bench/constant"),
                Contender("the poll", product, POLL),
                Contender("… if every answer has to be rendered", anew, POLL),
                Contender("the poll on FastAPI and SQLAlchemy", peer, POLL),
            ]
            measured = await asyncio.to_thread(_rounds, contenders, tokens, options.seconds)
    _report(contenders, measured)
    return 0


def _rounds(
    contenders: Sequence[Contender], tokens: Sequence[str], seconds: float
) -> list[list[Load]]:
    """Each contender's rounds, without the first, which asks for everybody more than once."""
    measured: list[list[Load]] = [[] for _ in contenders]
    for number in range(1 + ROUNDS):
        for contender, loads in zip(contenders, measured, strict=True):
            requests = [get(contender.path, token) for token in tokens]
            answers_min = 0 if number else FILLS * len(tokens)
            one = load(contender.port, requests, CONNECTIONS, seconds, answers_min)
            if number:
                loads.append(one)
    return measured


def _report(contenders: Sequence[Contender], measured: Sequence[Sequence[Load]]) -> None:
    lines, rates = [], dict[str, tuple[float, float]]()
    for contender, loads in zip(contenders, measured, strict=True):
        rate = Sample(tuple(one.per_second for one in loads))
        rates[contender.name] = rate.bar
        busy = statistics.median(one.busy for one in loads)
        lines.append([contender.name, rate.shown(0, "/s"), f"{busy:.0%}"])
    show(f"{CONNECTIONS} connections, one web process", ["", "answers", "generator busy"], lines)
    _, constant, poll, _, peer = measured

    def ratio(others: Sequence[Load]) -> float:
        """Of rounds that stood side by side."""
        pairs = zip(poll, others, strict=True)
        return statistics.median(mine.per_second / other.per_second for mine, other in pairs)

    console.print(f"the poll is {ratio(constant):.2f} x constant, {ratio(peer):.1f} x the peer")
    finish(
        {
            "vs_constant": round(ratio(constant), 3),
            "vs_fastapi_sqlalchemy": round(ratio(peer), 2),
        },
        "poll",
        Bars("The status poll, one web process", "answers a second", rates),
    )


async def _compare(ports: Sequence[int], tokens: Sequence[str]) -> None:
    """All must answer the same bytes, or the comparison means nothing."""
    async with httpx.AsyncClient() as http:
        for token in tokens[:: max(1, len(tokens) // 20)]:
            signed = {"Authorization": f"Bearer {token}"}
            answers = [
                await http.get(f"http://127.0.0.1:{port}{POLL}", headers=signed) for port in ports
            ]
            if {(one.status_code, one.content) for one in answers} != {(200, answers[0].content)}:
                raise RuntimeError(f"not the same answers: {[one.text for one in answers]}")
