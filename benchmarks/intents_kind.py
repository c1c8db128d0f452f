"""The intent that is measured, and the people who send it.

Another kind is another function `wish_of`, and what has to be there before.
"""

from datetime import datetime, timedelta

from benchmarks.tick_population import origin_now, populate
from engine.intents import StartMining
from engine.timeline import DAY_SECONDS, PRODUCTION
from models.clock import utcnow
from models.db import Database, connected, rows, run, sql
from models.encoding import encode
from models.intents import Wish

# Everybody's window opens now, so that one minute's intents come from all groups and buckets.
OPEN_ALL = sql("UPDATE user_groups SET mining_schedule = CAST(:schedule AS jsonb)")
PEOPLE = sql("""
    SELECT id FROM users u
    WHERE NOT EXISTS (SELECT FROM mining_sessions s WHERE s.bucket = u.bucket AND s.user_id = u.id)
    ORDER BY md5(CAST(id AS text)) LIMIT :count
""")
EFFECTS = sql("SELECT count(*) AS effects FROM mining_sessions WHERE status = 'PENDING'")


async def prepare(database: Database, people: int) -> list[int]:
    """Make the people, in all groups and buckets. Return their ids in a random order."""
    await populate(database, origin_now(), live=1, idle=people)
    openings = encode(_schedule(utcnow() - timedelta(minutes=1)))
    async with connected(database) as connection:
        await run(connection, OPEN_ALL, {"schedule": openings})
        return [row.id for row in await rows(connection, PEOPLE, {"count": people})]


def wish_of(user_id: int, now: datetime) -> Wish:
    """What a person asks for: a session with its ad and a line in the activity log."""
    return Wish(
        user_id=user_id,
        action=StartMining(),
        origin=f"user:{user_id}",
        key="bench",
        body_hash=b"",
        recorded_at=now,
        evidence={"ip": "192.0.2.1", "user_agent": "bench"},
    )


async def count_effects(database: Database) -> int:
    """How many intents took effect."""
    async with connected(database) as connection:
        return int((await rows(connection, EFFECTS))[0].effects)


def _schedule(opens_at: datetime) -> list[str]:
    first = int(opens_at.timestamp()) % PRODUCTION.cycle_seconds
    starts = range(first, DAY_SECONDS, PRODUCTION.cycle_seconds)
    return [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in starts]
