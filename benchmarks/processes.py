"""Real worker processes, and how large they became."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from models.db import Database
from ops.servers import Servers
from ops.up import QUEUE_PREFETCH

WORKER_THREADS = 8


@asynccontextmanager
async def running(
    command: Sequence[str], environment: Mapping[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A quiet process, ended with the block."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env=os.environ | environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@asynccontextmanager
async def engine_workers(
    database: Database, servers: Servers, processes: int = 1
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The engine's own worker command, as the Procfile has it."""
    command = (
        *(sys.executable, "-m", "dramatiq", "workers.main"),
        *("--processes", str(processes), "--threads", str(WORKER_THREADS)),
    )
    environment = {
        "DATABASE_URL": database.url,
        "REDIS_URL": servers.redis_url,
        "BROKER_URL": servers.redis_url,
        "dramatiq_queue_prefetch": QUEUE_PREFETCH,
    }
    async with running(command, environment) as process:
        yield process


def peak_mib(parent: int) -> float | None:
    """Peak memory of the largest child of a process, in MiB; None where /proc is missing."""
    peaks = [
        int(line.split()[1]) / 1024
        for child in _descendants(parent)
        for line in Path(f"/proc/{child}/status").read_text().splitlines()
        if line.startswith("VmHWM:")
    ]
    return max(peaks, default=None)


def _descendants(parent: int) -> Iterator[int]:
    path = Path(f"/proc/{parent}/task/{parent}/children")
    for child in path.read_text().split() if path.exists() else ():
        yield int(child)
        yield from _descendants(int(child))
