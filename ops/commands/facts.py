"""`twtc facts`: the figures of a day."""

import asyncio
import os
import sys
from datetime import date, timedelta

import msgspec
from rich.console import Console
from rich.table import Table

from engine.core.timeline import utc_day
from engine.operations.facts import DayFacts
from models.base.db import DATABASE_ERRORS, open_database
from models.operations.facts import compute_facts, read_facts
from ops.running import with_addresses
from runtime.clock import utcnow
from runtime.environment import ConfigError, load_config


def facts(day: str | None, *, compute: bool) -> int:
    """Print a day's figures, by default yesterday's. Return the exit status."""
    try:
        config = load_config(with_addresses(os.environ))
        wanted = date.fromisoformat(day) if day else utc_day(utcnow()) - timedelta(days=1)
        found = asyncio.run(_read(config.database_url, wanted, compute=compute))
    except (ConfigError, ValueError, *DATABASE_ERRORS) as error:
        print(f"facts: {error}", file=sys.stderr)
        return 2
    if found is None:
        print(f"facts: {wanted} has not been computed; --compute does it now", file=sys.stderr)
        return 1
    _print(found)
    return 0


async def _read(url: str, day: date, *, compute: bool) -> DayFacts | None:
    database = open_database(url, pool_size=1, application_name="twtc-facts")
    try:
        if compute:
            await compute_facts(database, day, utcnow())
        return await read_facts(database, day)
    finally:
        await database.dispose()


def _print(found: DayFacts) -> None:
    table = Table("figure", "of", str(found.day))
    for (name, label), value in sorted(found.values.items()):
        table.add_row(name, label, f"{value:,}")
    for name, ratio in found.ratios().items():
        table.add_row(name, "", "–" if ratio is None else f"{ratio:.4f}")
    Console().print(table)
    print(msgspec.json.encode({"day": found.day} | found.ratios()).decode())
