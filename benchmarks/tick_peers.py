"""One job per session on Celery, RQ and plain Dramatiq, with real worker processes.

Everything is arranged in the peers' favour: their queue is filled before the clock starts, it
starts when their workers already run, and their table is small enough to stay in memory.
"""

import asyncio
import importlib.util
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID

from msgspec import Struct
from redis import Redis

from benchmarks.support import say
from benchmarks.tick_peer_work import AMOUNT_MICRO, QUEUE, credit_blocking
from benchmarks.tick_population import vacuum
from models.db import Database, connected, rows, run, sql
from ops.servers import Servers

PEER_SECONDS_MAX = 90
# The clock starts after this share of the jobs, when every worker is surely at work.
RUN_IN = 0.1

ADD_COLUMN = sql("""
    ALTER TABLE mining_sessions
    ADD COLUMN IF NOT EXISTS credited_micro bigint NOT NULL DEFAULT 0
""")
FORGET = sql("UPDATE mining_sessions SET credited_micro = 0 WHERE credited_micro <> 0")
SESSIONS = sql("SELECT bucket, id FROM mining_sessions ORDER BY user_id LIMIT :count")
DONE = sql("SELECT count(*) AS done FROM mining_sessions WHERE credited_micro <> 0")
SUMS = sql("""
    SELECT (SELECT CAST(sum(credited_micro) AS bigint) FROM mining_sessions) AS sessions,
           (SELECT CAST(sum(balance) AS bigint) FROM wallets) AS wallets
""")

Jobs = Sequence[tuple[int, UUID]]


class Peer(Struct, frozen=True):
    """A job queue: how it is filled, and its worker commands."""

    name: str
    module: str
    enqueue: Callable[[str, Jobs], None]
    commands: tuple[tuple[str, ...], ...]


def peers() -> list[Peer]:
    """The peers that are installed, with twice as many workers as cores."""
    workers = 2 * (os.cpu_count() or 1)
    python = (sys.executable, "-m")
    rq = (sys.executable, "-c", "from rq.cli import main; main()", "worker", QUEUE)
    celery = (*python, "celery", "-A", "benchmarks.tick_peer_celery", "worker", "-l", "ERROR")
    dramatiq = (*python, "dramatiq", "benchmarks.tick_peer_dramatiq", "--queues", QUEUE)
    every = [
        Peer("Celery", "celery", _to_celery, ((*celery, "--concurrency", str(workers)),)),
        # Without a fork per job, which would be several times slower.
        Peer("RQ", "rq", _to_rq, ((*rq, "--quiet", "-w", "rq.SimpleWorker"),) * workers),
        Peer(
            "Dramatiq",
            "dramatiq",
            _to_dramatiq,
            ((*dramatiq, "--processes", str(workers // 2), "--threads", "8"),),
        ),
    ]
    found = [peer for peer in every if importlib.util.find_spec(peer.module)]
    for peer in every:
        if peer not in found:
            say(f"{peer.name} is not installed: uv sync --group bench")
    return found


async def jobs_per_second(database: Database, servers: Servers, peer: Peer, count: int) -> float:
    """How many sessions a second the peer pays. Check that it paid each of them once."""
    async with connected(database) as connection:
        await run(connection, ADD_COLUMN)
        await run(connection, FORGET)
        chosen = await rows(connection, SESSIONS, {"count": count})
        before = (await rows(connection, SUMS))[0]
    await vacuum(database)
    jobs = [(row.bucket, row.id) for row in chosen]
    await asyncio.to_thread(peer.enqueue, servers.redis_url, jobs)
    async with _workers(peer, database.url, servers.redis_url) as processes:
        first = last = await _wait(database, processes, int(RUN_IN * count))
        while last[1] < count:
            last = await _wait(database, processes, count)
    async with connected(database) as connection:
        after = (await rows(connection, SUMS))[0]
    owed = len(jobs) * AMOUNT_MICRO
    if after.sessions != owed or after.wallets - before.wallets != owed:
        raise RuntimeError(f"{peer.name} did not do its work: {after} after {before}")
    return (last[1] - first[1]) / (last[0] - first[0])


async def _wait(
    database: Database, processes: Sequence[asyncio.subprocess.Process], goal: int
) -> tuple[float, int]:
    deadline = time.perf_counter() + PEER_SECONDS_MAX
    while time.perf_counter() < deadline:
        async with connected(database) as connection:
            done = (await rows(connection, DONE))[0].done
        if done >= goal:
            return time.perf_counter(), done
        if any(process.returncode is not None for process in processes):
            raise RuntimeError("a worker ended early")
        await asyncio.sleep(0.05)
    raise RuntimeError(f"not done in {PEER_SECONDS_MAX} s")


@asynccontextmanager
async def _workers(
    peer: Peer, database_url: str, redis_url: str
) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    environment = os.environ | {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
    async with AsyncExitStack() as stack:
        processes = []
        for command in peer.commands:
            process = await asyncio.create_subprocess_exec(
                *command,
                env=environment,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            stack.push_async_callback(_stop, process)
            processes.append(process)
        yield processes


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    await process.wait()


def _to_celery(redis_url: str, jobs: Jobs) -> None:
    os.environ["REDIS_URL"] = redis_url
    from benchmarks.tick_peer_celery import app

    with app.connection_for_write() as connection:
        for bucket, session_id in jobs:
            app.send_task("credit_session", (bucket, str(session_id)), connection=connection)


def _to_rq(redis_url: str, jobs: Jobs) -> None:
    from rq import Queue

    queue = Queue(QUEUE, connection=Redis.from_url(redis_url))
    queue.enqueue_many(
        [
            Queue.prepare_data(credit_blocking, (bucket, str(session_id)), result_ttl=0)
            for bucket, session_id in jobs
        ]
    )


def _to_dramatiq(redis_url: str, jobs: Jobs) -> None:
    os.environ["REDIS_URL"] = redis_url
    from benchmarks.tick_peer_dramatiq import broker, credit_session

    for bucket, session_id in jobs:
        broker.enqueue(credit_session.message(bucket, str(session_id)))
