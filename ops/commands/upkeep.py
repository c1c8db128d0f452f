"""`twtc upkeep NAME [--at BOUNDARY]`: record a timetable entry by hand or from cron.

It records the same intent as the clock process does, so doing both is harmless.
"""

import asyncio
import os
import sys
from datetime import UTC, datetime

from models.base.db import DATABASE_ERRORS, open_database
from models.installation.settings import NotReleasedError, load_installation
from ops.running import with_addresses
from runtime.broker.bells import Bells, open_broker
from runtime.clock import utcnow
from runtime.environment import Config, ConfigError, load_config
from schedules.due import record_boundary
from schedules.timetable import Entry, entries


class BoundaryError(ValueError):
    """The entry or its boundary does not exist; the message says what does."""


def upkeep(name: str, at: str | None = None) -> int:
    """Record one entry for its latest boundary, or for the one given. Return the exit status."""
    try:
        print(asyncio.run(_upkeep(load_config(with_addresses(os.environ)), name, at)))
    except (ConfigError, BoundaryError, NotReleasedError, *DATABASE_ERRORS) as error:
        print(f"upkeep: {error}", file=sys.stderr)
        return 2
    return 0


async def _upkeep(config: Config, name: str, at: str | None) -> str:
    database = open_database(config.database_url, pool_size=2, application_name="twtc-upkeep")
    bells = Bells(open_broker(config.broker_url, []), config.redis_url)
    try:
        table = entries((await load_installation(database)).table)
        entry = find_entry(table, name)
        now = utcnow()
        boundary = read_boundary(entry, at, now)
        pieces = await record_boundary(database, entry, boundary, now)
        await bells.ring(*pieces)
    finally:
        await bells.close()
        await database.dispose()
    recorded = f"recorded for {len(pieces)} pieces" if pieces else "nothing left to record"
    return f"{entry.name} {boundary:%Y-%m-%dT%H:%M:%SZ}: {recorded}"


def find_entry(table: tuple[Entry, ...], name: str) -> Entry:
    """The entry of that name. Raise BoundaryError, listing the names, if there is none."""
    found = next((entry for entry in table if entry.name == name), None)
    if found is None:
        names = ", ".join(entry.name for entry in table)
        raise BoundaryError(f"there is no entry {name!r}; there are: {names}")
    return found


def read_boundary(entry: Entry, at: str | None, now: datetime) -> datetime:
    """The boundary named by an RFC 3339 instant, or the latest. Raise BoundaryError otherwise."""
    latest = entry.boundary(now)
    if at is None:
        return latest
    try:
        boundary = datetime.fromisoformat(at)
        boundary = boundary.replace(tzinfo=boundary.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BoundaryError(f"{at!r} is not an instant like 2026-03-01T00:10:00Z") from None
    if boundary > now:
        raise BoundaryError(f"{at} lies ahead; the latest boundary is {latest.isoformat()}")
    if entry.boundary(boundary) != boundary:
        raise BoundaryError(
            f"{at} is no boundary of {entry.name}; the one before it is "
            f"{entry.boundary(boundary).isoformat()}"
        )
    return boundary
