"""Real worker processes, and how large they became."""

import asyncio
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from models.base.db import Database
from ops.local.servers import Servers
from ops.local.up import QUEUE_PREFETCH

WORKER_THREADS = 8
BOOT_SECONDS_MAX = 120


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
    database: Database,
    servers: Servers,
    processes: int = 1,
    more: Mapping[str, str] | None = None,
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The engine's own worker command, as the Procfile has it; `more` lies over its environment."""
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
    async with running(command, environment | dict(more or {})) as process:
        yield process


def web_environment(database: Database, servers: Servers) -> dict[str, str]:
    """The environment of a web process, with secrets of its own and without limits."""
    return os.environ | {
        "DATABASE_URL": database.url,
        "REDIS_URL": servers.redis_url,
        "BROKER_URL": servers.redis_url,
        "TWTC_SECRET": secrets.token_urlsafe(48),
        "TWTC_HOUSE_SECRET": secrets.token_urlsafe(48),
        "TWTC_PII_KEYS": secrets.token_urlsafe(48),
        "TWTC_INDEX_KEY": secrets.token_urlsafe(48),
        "TWTC_OUTBOX_DIR": tempfile.gettempdir(),
        "TWTC_LIMITS": "off",
    }


@asynccontextmanager
async def served(target: str, environment: dict[str, str]) -> AsyncIterator[int]:
    """An application, served as the product is, with one worker process. Yield its port."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.serve", target, str(port)),
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


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def peak_mib(parent: int) -> float | None:
    """Peak memory of the largest child of a process, in MiB; None where /proc is missing."""
    peaks = [
        int(line.split()[1]) / 1024
        for child in _descendants(parent)
        for line in Path(f"/proc/{child}/status").read_text().splitlines()
        if line.startswith("VmHWM:")
    ]
    return max(peaks, default=None)


def cpu_seconds(parent: int) -> float:
    """Processor time that the live children of a process have used; 0 where /proc is missing."""
    ticks = 0
    for child in _descendants(parent):
        fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def busy_seconds() -> float:
    """Processor time of everything on the machine since it started; 0 where /proc is missing."""
    path = Path("/proc/stat")
    if not path.exists():
        return 0.0
    user, nice, system, _, _, *more = map(int, path.read_text().split("\n")[0].split()[1:])
    return (user + nice + system + sum(more[:2])) / os.sysconf("SC_CLK_TCK")


def _descendants(parent: int) -> Iterator[int]:
    path = Path(f"/proc/{parent}/task/{parent}/children")
    for child in path.read_text().split() if path.exists() else ():
        yield int(child)
        yield from _descendants(int(child))
