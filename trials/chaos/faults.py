"""What is done to the system, by name. Each ends what it began, also when it is interrupted."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial

from msgspec import Struct
from redis.asyncio import Redis

from models.base.db import connected, rows, sql
from trials.chaos.proxy import Mode
from trials.chaos.site import PROGRAMS, ChaosError, Site

SECONDS = (0.3, 2.5)
SERVERS = ("PostgreSQL", "Valkey")

END_SESSIONS = sql("""
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = current_user
""")


class Fault(Struct, frozen=True):
    """`strike` does it, for some seconds or at once."""

    name: str
    strike: Callable[[Site, float], Awaitable[None]]


async def _kill(name: str, site: Site, seconds: float) -> None:
    with site.held_down(name):
        await asyncio.sleep(seconds)


async def _stop(name: str, site: Site, seconds: float) -> None:
    with site.stopped(name):
        await asyncio.sleep(2 * seconds)


async def _spoil(name: str, mode: Mode, site: Site, seconds: float) -> None:
    with _spoiled(site, name, mode):
        await asyncio.sleep(seconds)


@contextmanager
def _spoiled(site: Site, name: str, mode: Mode) -> Iterator[None]:
    site.proxies[name].mode = mode
    try:
        yield
    finally:
        site.proxies[name].mode = Mode.PASS


async def _flush(site: Site, seconds: float) -> None:
    async with Redis.from_url(site.redis_url) as redis:
        # Of a server that is not ours only what is ours is emptied.
        await (redis.flushall() if "Valkey" in site.daemons else redis.flushdb())


async def _end_clients(site: Site, seconds: float) -> None:
    async with Redis.from_url(site.redis_url) as redis:
        for kind in ("normal", "pubsub"):
            await redis.client_kill_filter(_type=kind, skipme=True)


async def _end_sessions(site: Site, seconds: float) -> None:
    async with connected(site.database) as connection:
        await rows(connection, END_SESSIONS)


async def _fill_disk(site: Site, seconds: float) -> None:
    assert site.disk is not None
    site.disk.fill()
    try:
        await asyncio.sleep(seconds)
    finally:
        site.disk.free()


async def _replace(name: str, site: Site, seconds: float) -> None:
    status = await site.replace(name)
    if status != 0:
        raise ChaosError(f"{name} ended with status {status} instead of gracefully")


ROLLING = {name: f"{name}: rolling restart" for name in PROGRAMS}


def faults(site: Site) -> list[Fault]:
    """All kinds there are at a site: what is somebody else's is cut off, but not killed."""
    processes = (*PROGRAMS, *(name for name in SERVERS if name in site.daemons), *site.nodes)
    found = [Fault(f"{name}: SIGKILL", partial(_kill, name)) for name in processes]
    found += [Fault(f"{name}: SIGSTOP, SIGCONT", partial(_stop, name)) for name in processes]
    found += [
        Fault(f"{name}: {word}", partial(_spoil, name, mode))
        for name in site.proxies
        for word, mode in (
            ("connections refused", Mode.REFUSE),
            ("network silent", Mode.STALL),
            ("replies lost", Mode.LOSE),
        )
    ]
    found += [
        Fault("Valkey: FLUSHALL", _flush),
        Fault("Valkey: CLIENT KILL", _end_clients),
        Fault("PostgreSQL: sessions terminated", _end_sessions),
    ]
    found += [Fault(title, partial(_replace, name)) for name, title in ROLLING.items()]
    if site.disk is not None:
        found.append(Fault("disk full", _fill_disk))
    return found


def plan(kinds: list[Fault], count: int, seed: int) -> list[tuple[Fault, float]]:
    """So many faults, every kind about as often as the others, and how long each lasts."""
    chance = random.Random(seed)  # noqa: S311
    chosen: list[Fault] = []
    while len(chosen) < count:
        chosen += chance.sample(kinds, len(kinds))
    return [(fault, chance.uniform(*SECONDS)) for fault in chosen[:count]]
