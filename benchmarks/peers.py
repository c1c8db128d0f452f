"""Five job queues with one message per job, and their real worker processes.

Celery, RQ and plain Dramatiq keep their messages in Redis, Procrastinate and PgQueuer in the jobs'
own database.

Everything is arranged in the peers' favour: their queue is filled before the clock starts, and it
starts when their workers already run.
"""

import asyncio
import importlib.util
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

from msgspec import Struct
from redis import Redis

from benchmarks.peer_work import JOB_VARIABLE, QUEUE, Arguments, work_blocking
from benchmarks.processes import busy_seconds, running
from benchmarks.support import say
from ops.local.servers import Servers

PEER_SECONDS_MAX = 90
# The clock starts after this share of the jobs, when every worker is surely at work.
RUN_IN = 0.1

Jobs = Sequence[Arguments]


class Peer(Struct, frozen=True):
    """A job queue: how it is filled, by the addresses of Redis and database, and its workers."""

    name: str
    module: str
    enqueue: Callable[[str, str, Jobs], None]
    commands: tuple[tuple[str, ...], ...]


def peers() -> list[Peer]:
    """The peers that are installed, with twice as many workers as cores."""
    workers = 2 * (os.cpu_count() or 1)
    python = (sys.executable, "-m")
    rq = (sys.executable, "-c", "from rq.cli import main; main()", "worker", QUEUE)
    celery = (*python, "celery", "-A", "benchmarks.peer_celery", "worker", "-l", "ERROR")
    dramatiq = (*python, "dramatiq", "benchmarks.peer_dramatiq", "--queues", QUEUE)
    procrastinate = (
        *(*python, "procrastinate", "--app", "benchmarks.peer_procrastinate.app"),
        *("worker", "--queues", QUEUE, "--concurrency", "8"),
    )
    pgqueuer = (*python, "benchmarks.peer_pgqueuer")
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
        Peer(
            "Procrastinate", "procrastinate", _to_procrastinate, (procrastinate,) * (workers // 2)
        ),
        Peer("PgQueuer", "pgqueuer", _to_pgqueuer, (pgqueuer,) * (workers // 2)),
    ]
    found = [peer for peer in every if importlib.util.find_spec(peer.module)]
    for peer in every:
        if peer not in found:
            say(f"{peer.name} is not installed: uv sync --group bench")
    return found


async def jobs_per_second(
    peer: Peer,
    servers: Servers,
    database_url: str,
    job: str,
    jobs: Jobs,
    count_done: Callable[[], Awaitable[int]],
) -> tuple[float, float]:
    """How many jobs a second the peer does, and processor seconds of the machine for each.

    `job` is "module:function" (`peer_work`).
    """
    await asyncio.to_thread(peer.enqueue, servers.redis_url, database_url, jobs)
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": servers.redis_url,
        JOB_VARIABLE: job,
    }
    async with AsyncExitStack() as stack:
        processes = [
            await stack.enter_async_context(running(command, environment))
            for command in peer.commands
        ]
        first = last = await _wait(count_done, processes, int(RUN_IN * len(jobs)))
        busy = busy_seconds()
        while last[1] < len(jobs):
            last = await _wait(count_done, processes, len(jobs))
        used = busy_seconds() - busy
    done = last[1] - first[1]
    return done / (last[0] - first[0]), used / done


async def _wait(
    count_done: Callable[[], Awaitable[int]],
    processes: Sequence[asyncio.subprocess.Process],
    goal: int,
) -> tuple[float, int]:
    deadline = time.perf_counter() + PEER_SECONDS_MAX
    while time.perf_counter() < deadline:
        done = await count_done()
        if done >= goal:
            return time.perf_counter(), done
        if any(process.returncode is not None for process in processes):
            raise RuntimeError("a worker of the peer ended early")
        await asyncio.sleep(0.05)
    raise RuntimeError(f"not done in {PEER_SECONDS_MAX} s")


def _to_celery(redis_url: str, _: str, jobs: Jobs) -> None:
    os.environ["REDIS_URL"] = redis_url
    from benchmarks.peer_celery import app

    with app.connection_for_write() as connection:
        for arguments in jobs:
            app.send_task("work", arguments, connection=connection)


def _to_rq(redis_url: str, _: str, jobs: Jobs) -> None:
    from rq import Queue

    queue = Queue(QUEUE, connection=Redis.from_url(redis_url))
    queue.enqueue_many(
        [Queue.prepare_data(work_blocking, arguments, result_ttl=0) for arguments in jobs]
    )


def _to_dramatiq(redis_url: str, _: str, jobs: Jobs) -> None:
    os.environ["REDIS_URL"] = redis_url
    from benchmarks.peer_dramatiq import broker, work

    for arguments in jobs:
        broker.enqueue(work.message(*arguments))


def _to_procrastinate(_: str, database_url: str, jobs: Jobs) -> None:
    os.environ["DATABASE_URL"] = database_url
    from benchmarks.peer_procrastinate import enqueue

    enqueue(database_url, list(jobs))


def _to_pgqueuer(_: str, database_url: str, jobs: Jobs) -> None:
    from benchmarks.peer_pgqueuer import enqueue

    asyncio.run(enqueue(database_url, list(jobs)))
