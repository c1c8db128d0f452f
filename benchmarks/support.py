"""What benchmarks share: servers and databases of their own, medians, tables, the last line."""

import json
import os
import statistics
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from msgspec import Struct
from rich.console import Console
from rich.table import Table

from benchmarks.plots import Bars, Curves, draw, machine
from models.base.db import Database, connected, open_database, run, sql
from ops.local.servers import Servers, local_servers
from runtime.environment import postgresql_url
from trials.databases import drop_database

console = Console(stderr=False, highlight=False)


class Sample(Struct, frozen=True):
    """Repeated measurements of one thing."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)

    @property
    def spread(self) -> float:
        """Half the distance between the extremes, as a share of the median."""
        return (max(self.values) - min(self.values)) / 2 / self.median

    @property
    def bar(self) -> tuple[float, float]:
        """Median and spread for a picture."""
        return self.median, self.spread

    def shown(self, digits: int = 3, unit: str = "s") -> str:
        """Median and spread for people."""
        return f"{self.median:,.{digits}f} {unit} ±{self.spread:.0%}"


@contextmanager
def own_servers() -> Iterator[Servers]:
    """Durable servers in a temporary folder; DATABASE_URL and REDIS_URL replace them."""
    with (
        tempfile.TemporaryDirectory(prefix="twtc-bench-") as folder,
        local_servers(
            Path(folder),
            report=say,
            database_url=os.environ.get("DATABASE_URL"),
            redis_url=os.environ.get("REDIS_URL"),
        ) as servers,
    ):
        yield Servers(postgresql_url(servers.database_url), servers.redis_url)


@asynccontextmanager
async def own_database(servers: Servers, name: str, pool_size: int) -> AsyncIterator[Database]:
    """A new, empty database on the servers, dropped at the end."""
    keeper = open_database(servers.database_url, pool_size=1, application_name="twtc-bench")
    url = servers.database_url.rsplit("/", 1)[0] + f"/{name}"
    try:
        async with connected(keeper) as connection:
            await drop_database(connection, name)
            await run(connection, sql(f"CREATE DATABASE {name}"))
        database = open_database(
            url, pool_size=pool_size, application_name="twtc-bench", statement_timeout_ms=0
        )
        try:
            yield database
        finally:
            await database.dispose()
            async with connected(keeper) as connection:
                await drop_database(connection, name)
    finally:
        await keeper.dispose()


def say(line: str) -> None:
    """Tell how far the benchmark is."""
    console.print(f"[dim]{line}[/dim]")


def show(title: str, columns: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Print a table."""
    table = Table(*columns, title=title, title_justify="left", title_style="bold")
    for line in lines:
        table.add_row(*line)
    console.print(table)


def finish(
    figures: Mapping[str, float | None], subject: str = "", plot: Bars | Curves | None = None
) -> None:
    """Draw the subject's picture, and print the line of JSON that ends a benchmark."""
    if plot is not None and (path := draw(subject, plot)) is not None:
        say(f"{path}: {machine()}")
    print(json.dumps(figures), flush=True)
