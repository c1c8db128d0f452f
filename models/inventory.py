"""What ad networks grant us a minute: taken before ads are served, the rest given back.

Not in the transaction that serves: its row would make all pieces wait for each other. A batch that
fails in between has used up a little of the minute, and nothing else.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from engine.ads import AdUnit
from engine.timeline import boundary_at_or_before
from models.db import Database, connected, rows, run, sql, transaction

OPEN_MINUTE = sql("""
    INSERT INTO ad_requests (ad_id, minute, granted) VALUES (:ad_id, :minute, 0)
    ON CONFLICT (ad_id, minute) DO NOTHING
""")

# Locked first: within one statement the old value could not be read beside the new one.
LOCK_MINUTE = sql("""
    SELECT granted FROM ad_requests WHERE ad_id = :ad_id AND minute = :minute FOR UPDATE
""")

TAKE = sql("""
    UPDATE ad_requests SET granted = granted + :taken WHERE ad_id = :ad_id AND minute = :minute
""")

GIVE_BACK = sql("""
    UPDATE ad_requests SET granted = granted - :unused WHERE ad_id = :ad_id AND minute = :minute
""")

PRUNE_MINUTES = sql("DELETE FROM ad_requests WHERE minute < :before")


async def take_requests(
    database: Database, units: Sequence[AdUnit], wanted: int, now: datetime
) -> dict[int, int]:
    """Take up to `wanted` requests of each capped unit for this minute. Return what was granted."""
    granted = {}
    for unit in units:
        if unit.requests_per_minute is None:
            continue
        params = {"ad_id": unit.id, "minute": boundary_at_or_before(now, 60)}
        async with connected(database) as connection:
            await run(connection, OPEN_MINUTE, params)
        async with transaction(database) as connection:
            room = (
                unit.requests_per_minute - (await rows(connection, LOCK_MINUTE, params))[0].granted
            )
            granted[unit.id] = min(wanted, max(0, room))
            await run(connection, TAKE, params | {"taken": granted[unit.id]})
    return granted


async def give_back(database: Database, unused: Mapping[int, int], now: datetime) -> None:
    """Return requests that served nobody."""
    for ad_id, count in unused.items():
        if count:
            params = {"ad_id": ad_id, "minute": boundary_at_or_before(now, 60), "unused": count}
            async with connected(database) as connection:
                await run(connection, GIVE_BACK, params)


async def prune_requests(database: Database, before: datetime) -> int:
    """Forget the minutes before an instant. Return how many."""
    async with connected(database) as connection:
        return await run(connection, PRUNE_MINUTES, {"before": before})
