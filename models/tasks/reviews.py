"""The moderators' queue: social tasks that await a verdict."""

from collections.abc import Sequence
from datetime import date, datetime
from hashlib import sha256

from engine.core.action import kind_of
from engine.tasks.actions import ReviewTask
from models.admin.roles import NotAllowedError
from models.base.db import Database, Row, connected, rows, sql, transaction
from models.base.encoding import encode
from models.base.trail import OPERATOR, Actor, Entry, log_action
from models.intents.record import Recorded, Wish, insert, record

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
    actor: Actor = OPERATOR,
    reason: str = "",
) -> Recorded:
    """Record a verdict on what was handed in then, and note it in the trail.

    A second one finds nothing to judge.

    Raise NothingToActOnError if there is no such user, NotAllowedError if it is the reviewer.
    """
    if reviewer == str(user_id):
        raise NotAllowedError("Nobody judges what they handed in themselves. Ask a colleague.")
    action = ReviewTask(day, number, submitted_at, is_approved, reviewer)
    wish = Wish(
        user_id=user_id,
        action=action,
        origin=f"moderator:{reviewer}",
        key=f"{user_id}:{day.isoformat()}:{number}:{now.isoformat()}",
        body_hash=sha256(encode(action).encode()).digest(),
        recorded_at=now,
    )
    facts = {"day": day, "number": number, "is_approved": is_approved, "reviewer": reviewer}
    review = Entry(kind_of(ReviewTask), "user", str(user_id), after=facts, reason=reason)
    async with transaction(database) as connection:
        recorded = await insert(connection, wish)
        if recorded is not None:
            await log_action(connection, actor, review, now)
            return recorded
    return await record(database, wish)  # the same one, in the same microsecond
