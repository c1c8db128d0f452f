"""What one message of a peer does: the job named by BENCH_JOB, on the engine's own connections."""

import asyncio
import importlib
import os
from collections.abc import Awaitable, Callable
from functools import cache

from models.base.db import Database, open_database

QUEUE = "twtc-bench"
JOB_VARIABLE = "BENCH_JOB"

# What a message carries: numbers and texts, which name a row.
Arguments = tuple[int | str, ...]
Job = Callable[..., Awaitable[None]]


@cache
def job() -> Job:
    """The benchmark's job: a coroutine function of a database and a message's arguments."""
    module, _, name = os.environ[JOB_VARIABLE].partition(":")
    found: Job = getattr(importlib.import_module(module), name)
    return found


@cache
def database(jobs_at_once: int) -> Database:
    """This process's database, with as many connections as the engine's workers have."""
    url = os.environ["DATABASE_URL"]
    return open_database(url, pool_size=jobs_at_once + 2, application_name="twtc-bench-peer")


def work_blocking(*arguments: int | str) -> None:
    """Do one job in a process that does one at a time."""
    _loop().run_until_complete(job()(database(1), *arguments))


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()
