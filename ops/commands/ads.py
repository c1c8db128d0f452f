"""`twtc ads`: the ad units, and changing one of them."""

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from models.ads.units import change_ad_unit, read_ad_units
from models.base.db import DATABASE_ERRORS, Database, open_database
from models.base.trail import OPERATOR
from ops.running import with_addresses
from runtime.clock import utcnow
from runtime.environment import ConfigError, load_config

_SHOWN = ("id", "network", "unit", "purpose", "min_seconds", "proof", "weight", "fallback_rank")


def ads(ad_id: int | None, changes: Mapping[str, Any]) -> int:
    """Change a unit, if one is named; then list all. Return the exit status."""
    if ad_id is None and any(value is not None for value in changes.values()):
        print("ads: name the unit to change by its id", file=sys.stderr)
        return 2
    try:
        config = load_config(with_addresses(os.environ))
        return asyncio.run(_run(config.database_url, ad_id, changes))
    except (ConfigError, *DATABASE_ERRORS) as error:
        print(f"ads: {error}", file=sys.stderr)
        return 2


async def _run(url: str, ad_id: int | None, changes: Mapping[str, Any]) -> int:
    database = open_database(url, pool_size=1, application_name="twtc-ads")
    try:
        if ad_id is not None and not await change_ad_unit(
            database, ad_id, changes, OPERATOR, "twtc ads", utcnow()
        ):
            print(f"ads: there is no ad unit {ad_id}", file=sys.stderr)
            return 2
        await _print(database)
    finally:
        await database.dispose()
    return 0


async def _print(database: Database) -> None:
    # It has to fit into eighty columns, and with a real unit's id into hardly more.
    columns = ("id", "network", "unit", "for", "s", "proof", "weight", "rank", "/min", "USD", "on")
    table = Table(*columns, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.columns[2].no_wrap = True
    for row in await read_ad_units(database):
        table.add_row(
            *(str(row[name]) for name in _SHOWN),
            str(row.requests_per_minute or "–"),
            f"{row.revenue_micro_usd / 1_000_000:.4f}",
            "yes" if row.is_active else "no",
        )
    Console().print(table)
