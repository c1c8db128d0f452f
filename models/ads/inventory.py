"""What ad networks grant us a minute: taken before ads are served, the rest given back.

Not in the transaction that serves: its row would make all pieces wait for each other. A batch that
fails in between has used up a little of the minute, and nothing else.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from engine.ads.state import AdUnit, Purpose
from engine.core.timeline import boundary_at_or_before
from models.base.db import Database, connected, rows, run, sql

OPEN_MINUTE = sql("""
    INSERT INTO ad_requests (ad_id, minute, granted) VALUES (:ad_id, :minute, 0)
    ON CONFLICT (ad_id, minute) DO NOTHING
""")

TAKE = sql("""
    UPDATE ad_requests r SET granted = LEAST(r.granted + :wanted, GREATEST(r.granted, :limit))
    FROM (SELECT granted FROM ad_requests
          WHERE ad_id = :ad_id AND minute = :minute FOR UPDATE) before
    WHERE r.ad_id = :ad_id AND r.minute = :minute
    RETURNING r.granted - before.granted AS granted
""")

GIVE_BACK = sql("""
    UPDATE ad_requests SET granted = granted - :unused WHERE ad_id = :ad_id AND minute = :minute
""")

PRUNE_MINUTES = sql("DELETE FROM ad_requests WHERE minute < :before")


async def take_requests(
    database: Database, units: Sequence[AdUnit], wanted: Mapping[Purpose, int], now: datetime
) -> dict[int, int]:
    """Take what each purpose wants of its capped units for this minute. Return what was granted."""
    granted = {}
    for unit in units:
        if unit.requests_per_minute is None or not wanted.get(unit.purpose):
            continue
        params = {
            "ad_id": unit.id,
            "minute": boundary_at_or_before(now, 60),
            "wanted": wanted[unit.purpose],
            "limit": unit.requests_per_minute,
        }
        async with connected(database) as connection:
            await run(connection, OPEN_MINUTE, params)
            granted[unit.id] = (await rows(connection, TAKE, params))[0].granted
    return granted


async def give_back(database: Database, unused: Mapping[int, int], now: datetime) -> None:
    """Return requests that served nobody."""
    for ad_id, count in unused.items():
        if count:
            params = {"ad_id": ad_id, "minute": boundary_at_or_before(now, 60), "unused": count}
            async with connected(database) as connection:
                await run(connection, GIVE_BACK, params)


async def prune_requests(database: Database, now: datetime) -> int:
    """Forget the minutes of the day before. Return how many."""
    async with connected(database) as connection:
        return await run(connection, PRUNE_MINUTES, {"before": now - timedelta(days=1)})
