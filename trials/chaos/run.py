"""`twtc chaos`: faults one after another, or two at once, under live load; then the verdict."""

import asyncio
import os
import random
import re
import signal
import sys
import tempfile
import time
from collections.abc import Coroutine, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from models.base.db import DATABASE_ERRORS, connected, rows
from ops.local.daemon import ServerError
from ops.local.guard import Guard
from ops.local.servers import local_servers
from runtime.environment import ConfigError
from trials.chaos.client import REQUEST_SECONDS_MAX, Client, Tally
from trials.chaos.faults import Fault, faults, plan
from trials.chaos.nodes import Node, NodeError
from trials.chaos.phone import Phone
from trials.chaos.place import scratch_disk
from trials.chaos.report import Recovery, console, report
from trials.chaos.site import ChaosError, Site
from trials.chaos.verdict import UNDONE, Verdict, judge
from trials.given import check_unused, given_servers

PASSWORD = "correct horse battery"  # noqa: S105
# Asked in turn, so that none decides twice within a second.
PROBES = 5
PAIR_SHARE = 0.15
BETWEEN_SECONDS = (0.2, 0.6)
RECOVERY_SECONDS_MAX = 180
QUIET_SECONDS_MAX = 120


def chaos(
    count: int, phones: int, seed: int, data_dir: Path | None, folders: Sequence[Path] = ()
) -> int:
    """Commit so many faults. Return 0 if nothing was lost, doubled or wrong.

    `folders` hold the data of a cluster's nodes on this machine, which are killed as well.
    """
    status = 1
    try:
        status = _chaos(count, phones, seed, data_dir, folders)
    except* (ChaosError, ConfigError, NodeError, ServerError, TimeoutError) as failed:
        print(f"chaos: {failed.exceptions[0]!r}", file=sys.stderr)
    except* (KeyboardInterrupt, asyncio.CancelledError):
        status = 130
    return status


def _chaos(
    count: int, phones: int, seed: int, data_dir: Path | None, folders: Sequence[Path]
) -> int:
    given = given_servers(os.environ)
    with ExitStack() as stack:
        if data_dir is None:
            made = tempfile.TemporaryDirectory(prefix="twtc-chaos-", ignore_cleanup_errors=True)
            data_dir = Path(stack.enter_context(made))
        try:
            (data_dir / "servers").mkdir(mode=0o700, parents=True)
        except FileExistsError:
            raise ChaosError(f"{data_dir} has another run's data: name an empty folder") from None
        is_ours = not (given.database_url and given.redis_url)
        disk = stack.enter_context(scratch_disk(data_dir / "servers")) if is_ours else None
        if disk is None:
            why = "no file system can be mounted here" if is_ours else "the servers are given"
            console.print(f"{why}: the full disk is left out")
        servers = stack.enter_context(
            local_servers(
                data_dir / "servers",
                report=lambda line: console.print(f"  {line}"),
                database_url=given.database_url,
                redis_url=given.redis_url,
            )
        )
        check_unused(given, servers)
        guard = stack.enter_context(Guard())
        nodes = [Node(folder) for folder in folders]
        site = Site(servers, data_dir, disk, guard, seed, given.broker_url, nodes)
        return asyncio.run(_interruptible(_run(site, count, phones, seed)))


async def _interruptible(work: Coroutine[Any, Any, int]) -> int:
    task = asyncio.create_task(work)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task


async def _run(site: Site, count: int, number: int, seed: int) -> int:
    kinds = faults(site)
    console.print(f"{count} faults of {len(kinds)} kinds, under {number} phones, seed {seed}")
    recoveries, tally, verdict = await storm(site, plan(kinds, count, seed), number, seed)
    return report(recoveries, count, tally, site.exits, verdict)


async def storm(
    site: Site, planned: Sequence[tuple[Fault, float]], number: int, seed: int
) -> tuple[list[Recovery], Tally, Verdict]:
    """Let these faults strike under so many phones. Return what came of it."""
    # One connection a request: a reply is lost with its connection, never a later one with it.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    tally, stopping = Tally(), asyncio.Event()
    async with (
        site.running(),
        httpx.AsyncClient(base_url=site.url, limits=limits, timeout=REQUEST_SECONDS_MAX) as http,
        httpx.AsyncClient(limits=limits, timeout=30) as partner,
    ):
        phones = [Phone(Client(http, tally, f"p{n}@chaos.example", PASSWORD), partner, n)
                  for n in range(number + PROBES)]  # fmt: skip
        for phone in phones:
            await _join(site, phone.client)
        probes = [phone.client for phone in phones[number:]]
        async with asyncio.TaskGroup() as group:
            for phone in phones[:number]:
                group.create_task(phone.live(stopping))
            try:
                recoveries = await _strike_all(site, planned, probes, tally, seed)
            finally:
                stopping.set()
        return recoveries, tally, await _settle(site, phones)


async def _join(site: Site, client: Client) -> None:
    ticket, letter = await client.register(), site.outbox / client.email
    async with asyncio.timeout(REQUEST_SECONDS_MAX):
        while not letter.exists():  # it is sent after the answer
            await client.pause()
    [code] = re.findall(r"\b[0-9]{6}\b", letter.read_text())
    await client.verify(ticket, code)


async def _strike_all(
    site: Site,
    planned: Sequence[tuple[Fault, float]],
    probes: Sequence[Client],
    tally: Tally,
    seed: int,
) -> list[Recovery]:
    """One fault after another has been recovered from; sometimes two at once."""
    chance = random.Random(seed)  # noqa: S311
    waiting, recoveries = list(planned), list[Recovery]()
    while waiting:
        now = [waiting.pop(0)]
        if waiting and chance.random() < PAIR_SHARE and _may_coincide(now[0][0], waiting[0][0]):
            now.append(waiting.pop(0))
        failed = tally.failed
        await asyncio.gather(*(fault.strike(site, seconds) for fault, seconds in now))
        name = now[0][0].name if len(now) == 1 else "two at once"
        probe = probes[len(recoveries) % len(probes)]
        try:
            ready, applied = await _recover(site, probe)
        except TimeoutError:
            both = " and ".join(fault.name for fault, _ in now)
            raise ChaosError(f"no recovery in {RECOVERY_SECONDS_MAX} s from {both}") from None
        recoveries.append(Recovery(name, ready, applied, tally.failed - failed))
        done = len(planned) - len(waiting)
        both = " + ".join(fault.name for fault, _ in now)
        console.print(f"[dim]{done:>4}  {both}: applied again after {applied:.1f} s[/dim]")
        await asyncio.sleep(chance.uniform(*BETWEEN_SECONDS))
    return recoveries


def _may_coincide(one: Fault, other: Fault) -> bool:
    """Two things that happen to different parts."""
    targets = {fault.name.partition(":")[0] for fault in (one, other)}
    return len(targets) == 2 and "disk full" not in targets


async def _recover(site: Site, probe: Client) -> tuple[float, float]:
    """Wait until the API is ready, and until a new intent has been applied. Seconds of each."""
    began = time.monotonic()

    async def ready() -> float:
        await site.until_ready()
        return time.monotonic() - began

    async def applied() -> float:
        wish = await probe.send("/v1/mining/sessions")
        if await probe.outcome(wish, RECOVERY_SECONDS_MAX) is None:
            raise TimeoutError
        return time.monotonic() - began

    async with asyncio.timeout(RECOVERY_SECONDS_MAX):
        return await asyncio.gather(ready(), applied())


async def _settle(site: Site, phones: Sequence[Phone]) -> Verdict:
    """Wait until all intents are done, then judge."""
    await site.until_ready()
    deadline = time.monotonic() + QUIET_SECONDS_MAX
    while time.monotonic() < deadline:
        try:
            async with connected(site.database) as connection:
                [found] = await rows(connection, UNDONE)
            if not found.n:
                break
        except DATABASE_ERRORS:
            console.print("PostgreSQL is away")
        await asyncio.sleep(0.2)
    return await judge(site.database, phones)
