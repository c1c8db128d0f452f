"""The moderators' queue: social tasks that await a verdict."""

from collections.abc import Sequence
from datetime import date, datetime
from hashlib import sha256

from engine.intents import ReviewTask
from models.db import Database, Row, connected, rows, sql
from models.encoding import encode
from models.intents import Recorded, Wish, record

REVIEWS_MAX = 100

# A report over all buckets: each answers from its partial index.
AWAITING = sql("""
    SELECT d.user_id, d.day, d.number, d.proof, d.submitted_at, t.name
    FROM daily_tasks d JOIN task_types t ON t.id = d.task_type_id
    WHERE d.status = 'REVIEW' ORDER BY d.submitted_at, d.user_id, d.number LIMIT :limit
""")


async def awaiting_review(database: Database) -> Sequence[Row]:
    """The tasks that have waited longest."""
    async with connected(database) as connection:
        return await rows(connection, AWAITING, {"limit": REVIEWS_MAX})


async def record_review(
    database: Database,
    user_id: int,
    day: date,
    number: int,
    submitted_at: datetime,
    *,
    is_approved: bool,
    reviewer: str,
    now: datetime,
) -> Recorded:
    """Record a verdict on what was handed in then. A second one finds nothing to judge.

    Raise NothingToActOnError if there is no such user.
    """
    action = ReviewTask(day, number, submitted_at, is_approved, reviewer)
    wish = Wish(
        user_id=user_id,
        action=action,
        origin=f"moderator:{reviewer}",
        key=f"{user_id}:{day.isoformat()}:{number}:{now.isoformat()}",
        body_hash=sha256(encode(action).encode()).digest(),
        recorded_at=now,
        evidence={},
    )
    return await record(database, wish)
