"""`./run simulate`: many seeds, on two processes with a database each; and what they came to."""

import asyncio
import logging
import signal
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from multiprocessing import Queue, get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from queue import Empty
from urllib.parse import urlsplit, urlunsplit

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from engine.core.timeline import PRODUCTION
from models.base.db import Database, connected, open_database, run, sql
from models.base.partitions import prepare_partitions
from models.schema.migrate import migrate
from models.schema.seed import seed as seed_settings
from ops.local.servers import local_servers
from runtime.environment import Config, postgresql_url
from runtime.pii import Keyring
from trials.simulation.arena import BEGIN, open_arena
from trials.simulation.faults import total
from trials.simulation.life import Result, run_seed

PROCESSES = 2  # a database server and two of these keep two cores busy
FAILURES_SHOWN = 5
TRACE_SHOWN = 60
PROBLEMS_SHOWN = 10
SECRET = b"the simulation's own secret, of no use anywhere else"


def simulate(seeds: int, first: int = 1) -> int:
    """Run seeds `first` to `first + seeds - 1`. Return 0 if all are right, else 1."""
    console = Console()
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="twtc-simulate-", ignore_cleanup_errors=True) as folder,
        local_servers(Path(folder), durable=False, report=console.print) as servers,
    ):
        numbers = list(range(first, first + seeds))
        count = min(PROCESSES, seeds)
        configs = [_config(servers.database_url, servers.redis_url, n) for n in range(count)]
        asyncio.run(_make_databases(servers.database_url, configs))
        results = []
        for result in _results(configs, numbers, console):
            results.append(result)
            if result.problems and sum(bool(r.problems) for r in results) <= FAILURES_SHOWN:
                print_failure(console, result)
    failures = sum(bool(result.problems) for result in results)
    print_report(console, results, time.monotonic() - began)
    print(msgspec.json.encode({"seeds": len(results), "failures": failures}).decode())
    return 1 if failures else 0


def _config(database_url: str, redis_url: str, number: int) -> Config:
    """The settings of one process: a database and a part of Redis of its own."""
    return Config(
        database_url=_with_path(postgresql_url(database_url), f"simulation_{number}"),
        redis_url=_with_path(redis_url, str(number)),
        broker_url=redis_url,
        secret=SECRET,
        house_secrets=(SECRET,),
        partner_url="http://partner.test",
        keyring=Keyring((SECRET,), SECRET),
        has_limits=False,  # everybody asks from one address
    )


def _with_path(url: str, path: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))


async def _make_databases(server_url: str, configs: Sequence[Config]) -> None:
    """Migrate and seed one, and copy it for the others."""
    server = open_database(postgresql_url(server_url), pool_size=1, application_name="simulate")
    names = [urlsplit(config.database_url).path.removeprefix("/") for config in configs]
    await _run(server, f"CREATE DATABASE {names[0]}")
    await migrate(configs[0].database_url)
    database = open_database(configs[0].database_url, pool_size=1, application_name="simulate")
    await seed_settings(database, PRODUCTION, BEGIN)
    await prepare_partitions(database, BEGIN.date())
    await database.dispose()
    for name in names[1:]:
        await _run(server, f"CREATE DATABASE {name} TEMPLATE {names[0]}")
    await server.dispose()


async def _run(server: Database, statement: str) -> None:
    async with connected(server) as connection:
        await run(connection, sql(statement))


def _results(
    configs: Sequence[Config], numbers: Sequence[int], console: Console
) -> Iterator[Result]:
    """Results as they come. Raise RuntimeError if a process dies."""
    context = get_context("spawn")
    queue: Queue[Result] = context.Queue()
    parts = [numbers[place :: len(configs)] for place in range(len(configs))]
    processes = [
        context.Process(target=_work, args=(config, part, queue), daemon=True)
        for config, part in zip(configs, parts, strict=True)
    ]
    for process in processes:
        process.start()
    columns = (TextColumn("seeds"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=console) as progress:
            bar = progress.add_task("seeds", total=len(numbers))
            for _ in numbers:
                yield _next(queue, processes)
                progress.advance(bar)
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _next(queue: "Queue[Result]", processes: Sequence[BaseProcess]) -> Result:
    while True:
        try:
            return queue.get(timeout=1)
        except Empty:
            if any(process.exitcode for process in processes):
                raise RuntimeError("a process of the simulation has died") from None


def _work(config: Config, numbers: Sequence[int], queue: "Queue[Result]") -> None:
    logging.disable(logging.CRITICAL)  # of the faults; the verdict says what is wrong
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    asyncio.run(run_seeds(config, numbers, queue.put))


async def run_seeds(config: Config, numbers: Sequence[int], tell: Callable[[Result], None]) -> None:
    """Run seeds one after the other, on a scratch database of their own."""
    left = deque(numbers)
    while left:
        async with open_arena(config) as arena:
            while left:
                result = await run_seed(arena, left.popleft())
                tell(result)
                if result.is_broken:
                    break  # its connections may be in the middle of something


def print_failure(console: Console, result: Result) -> None:
    """A failing seed: what is wrong, what happened last, and how to see it again."""
    console.print(f"\n[red bold]seed {result.number} fails[/red bold]")
    for problem in result.problems[:PROBLEMS_SHOWN]:
        console.print(f"  {problem}", markup=False, soft_wrap=True)
    more = len(result.problems) - PROBLEMS_SHOWN
    if more > 0:
        console.print(f"  and {more} more")
    console.print("  the last that happened:")
    for line in result.trace[-TRACE_SHOWN:]:
        console.print(f"    {line}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"  again: [bold]./run simulate --seed {result.number}[/bold]")


def print_report(console: Console, results: Sequence[Result], seconds: float) -> None:
    """What happened in all seeds together."""
    faults = total(result.faults for result in results)
    print_counts(console, "fault", faults)
    print_counts(console, "came to", total(result.outcomes for result in results))
    print_counts(console, "happened", total(result.acts for result in results))
    failing = [result.number for result in results if result.problems]
    console.print(
        f"{len(results):,} seeds in {seconds:.0f} s, {sum(faults.values()):,} faults, "
        f"digest {_digest(results)}"
    )
    if failing:
        console.print(f"[red]failing: {' '.join(map(str, failing[:50]))}[/red]")
    else:
        console.print("[green]all books right, and equal to the model[/green]")


def print_counts(console: Console, title: str, counts: Counter[str]) -> None:
    """How often each happened."""
    table = Table(title, "times")
    for name, times in sorted(counts.items()):
        table.add_row(name, f"{times:,}")
    console.print(table)


def _digest(results: Sequence[Result]) -> str:
    """Of all seeds: equal for equal runs."""
    lives = sorted(f"{result.number}:{result.digest}" for result in results)
    return sha256("\n".join(lives).encode()).hexdigest()[:16]
