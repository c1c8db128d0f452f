"""A worker's tools, and bells delivered until nothing is due."""

from typing import Any

from redis.asyncio import Redis

from engine.core.piece import Piece
from models.base.db import Database, connected, rows, sql
from models.content.catalogue import Catalogue
from models.fraud.reputation import Reputation
from models.installation.configuration import Configurations
from models.installation.settings import Installation, load_installation
from models.mining.snapshots import SnapshotCopies
from runtime.clock import utcnow
from schedules.due import DueWork
from schedules.timetable import entries
from workers.apply import drain
from workers.workshop import Workshop

# Whichever group is rung for, its bucket's others go along: one bell is enough for them all.
DUE_PIECES = sql("""
    SELECT min(group_number) AS group_number, bucket FROM intents
    WHERE status = 'RECORDED' AND due_at <= :now
    GROUP BY bucket, group_number = 0
    ORDER BY 1, 2
""")


def make_workshop(database: Database, installation: Installation, redis: Any) -> Workshop:
    """A worker's tools."""
    return Workshop(
        database,
        installation,
        SnapshotCopies(redis, installation.id),
        Catalogue(database),
        Configurations(database),
        Reputation(),
    )


async def live_until_now(database: Database, redis_url: str) -> None:
    """Do the upkeep that is due on a new installation; it finds nobody yet."""
    redis = Redis.from_url(redis_url)
    shop = make_workshop(database, await load_installation(database), redis)
    await DueWork(database, entries(shop.installation.table)).record(utcnow())
    await drain_all(shop)
    await redis.aclose()


async def drain_all(shop: Workshop, deliveries: int = 1) -> None:
    """Deliver bells until nothing is due."""
    for _ in range(100):
        async with connected(shop.database) as connection:
            found = await rows(connection, DUE_PIECES, {"now": utcnow()})
        if not found:
            return
        for row in found:
            for _delivery in range(deliveries):
                await drain(shop, Piece(row.group_number, row.bucket))
    raise AssertionError("the workers do not come to rest")
