"""`./run bench poll`: what an answer to the poll costs, beside a constant and beside FastAPI.

One granian worker process serves the product and the constant answers, another one the peer; only
one of them is asked at a time. Rounds alternate, so that a busy machine burdens all alike; the
first round does not count: it fills what is to be filled.
"""

import argparse
import asyncio
import os
import secrets
import socket
import statistics
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
from msgspec import Struct

from api.auth import issue_access_token
from benchmarks.poll_load import Load, get, load
from benchmarks.support import Sample, console, finish, own_database, own_servers, say, show
from benchmarks.tick_population import populate
from engine.timeline import PRODUCTION, boundary_at_or_before, user_id_of
from models.clock import utcnow
from ops.servers import Servers

ROUNDS = 7
CONNECTIONS = 32
BOOT_SECONDS_MAX = 30
POLL = "/v1/mining/status"


class Options(argparse.Namespace):
    """What the command line says."""

    users: int
    seconds: float


class Contender(Struct, frozen=True):
    """Something that answers, and how it is asked."""

    name: str
    port: int
    requests: Sequence[bytes]


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
        environment = os.environ | {
            "DATABASE_URL": database.url,
            "REDIS_URL": servers.redis_url,
            "BROKER_URL": servers.redis_url,
            "TWTC_SECRET": secrets.token_urlsafe(48),
            "TWTC_HOUSE_SECRET": secrets.token_urlsafe(48),
        }
        async with (
            _served("benchmarks.poll_app:app", environment) as product,
            _served("benchmarks.poll_peer:app", environment) as peer,
        ):
            secret = environment["TWTC_SECRET"].encode()
            users = [user_id_of(number) for number in range(1, options.users + 1)]
            tokens = [issue_access_token(secret, user_id, utcnow()) for user_id in users]
            await _compare(product, peer, tokens)
            polls = [get(POLL, token) for token in tokens]
            contenders = [
                Contender(
                    "constant answer, without the framework",
                    product,
                    [get("/bench/bare", token) for token in tokens],
                ),
                Contender(
                    "constant answer", product, [get("/bench/constant", token) for token in tokens]
                ),
                Contender("the poll", product, polls),
                Contender("the poll on FastAPI and SQLAlchemy", peer, polls),
            ]
            measured = await asyncio.to_thread(_rounds, contenders, options.seconds)
    _report(contenders, measured)
    return 0


def _rounds(contenders: Sequence[Contender], seconds: float) -> list[list[Load]]:
    """Each contender's rounds, without the first."""
    measured: list[list[Load]] = [[] for _ in contenders]
    for number in range(1 + ROUNDS):
        for contender, loads in zip(contenders, measured, strict=True):
            one = load(contender.port, contender.requests, CONNECTIONS, seconds)
            if number:
                loads.append(one)
    return measured


def _report(contenders: Sequence[Contender], measured: Sequence[Sequence[Load]]) -> None:
    lines = []
    for contender, loads in zip(contenders, measured, strict=True):
        rate = Sample(tuple(one.per_second for one in loads))
        busy = statistics.median(one.busy for one in loads)
        lines.append([contender.name, rate.shown(0, "/s"), f"{busy:.0%}"])
    show(f"{CONNECTIONS} connections, one web process", ["", "answers", "generator busy"], lines)
    _, constant, poll, peer = measured

    def ratio(others: Sequence[Load]) -> float:
        """Of rounds that stood side by side."""
        pairs = zip(poll, others, strict=True)
        return statistics.median(mine.per_second / other.per_second for mine, other in pairs)

    console.print(f"the poll is {ratio(constant):.2f} x constant, {ratio(peer):.1f} x the peer")
    finish(
        {
            "vs_constant": round(ratio(constant), 3),
            "vs_fastapi_sqlalchemy": round(ratio(peer), 2),
        }
    )


async def _compare(product: int, peer: int, tokens: Sequence[str]) -> None:
    """Both must answer the same bytes, or the comparison means nothing."""
    async with httpx.AsyncClient() as http:
        for token in tokens[:: max(1, len(tokens) // 20)]:
            signed = {"Authorization": f"Bearer {token}"}
            ours = await http.get(f"http://127.0.0.1:{product}{POLL}", headers=signed)
            theirs = await http.get(f"http://127.0.0.1:{peer}{POLL}", headers=signed)
            if ours.status_code != 200 or ours.content != theirs.content:
                raise RuntimeError(f"not the same answer: {ours.text} and {theirs.text}")


@asynccontextmanager
async def _served(target: str, environment: dict[str, str]) -> AsyncIterator[int]:
    """An application on granian with one worker process. Yield its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "granian", "--interface", "asgi", "--workers", "1"),
        *("--host", "127.0.0.1", "--port", str(port), "--no-access-log", target),
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        await _wait_until_up(port, process)
        yield port
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _wait_until_up(port: int, process: asyncio.subprocess.Process) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + BOOT_SECONDS_MAX
    async with httpx.AsyncClient() as http:
        while loop.time() < deadline and process.returncode is None:
            try:
                await http.get(f"http://127.0.0.1:{port}/")
                return
            except httpx.TransportError:
                await asyncio.sleep(0.05)
    raise RuntimeError("a web process does not answer")
