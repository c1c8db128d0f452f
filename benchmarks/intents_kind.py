"""The intent that is measured, and the people who send it: right answers to a quiz task.

Each pays: a ledger row, the wallet, the task, a notification and a line in the activity log.
Another kind is another `Sender`, and what has to be there before.
"""

from datetime import date, datetime

from msgspec import Struct

from benchmarks.tick_population import origin_now, populate, vacuum
from engine.content.library import OPTION_COUNT, Question, is_right
from engine.core.evidence import Evidence
from engine.core.timeline import utc_day
from engine.tasks.actions import AnswerTask
from engine.tasks.state import Category
from models.base.db import Database, connected, rows, run, sql
from models.content.catalogue import Catalogue
from models.intents.record import Wish
from runtime.clock import utcnow

NUMBER = 1
PEOPLE = sql("""
    SELECT id FROM users u
    WHERE NOT EXISTS (SELECT FROM mining_sessions s WHERE s.bucket = u.bucket AND s.user_id = u.id)
    ORDER BY md5(CAST(id AS text)) LIMIT :count
""")
# Everybody has begun a quiz task of the day.
TASKS = sql("""
    INSERT INTO daily_tasks (bucket, user_id, day, number, task_type_id, category, subject,
                             reward_micro, status, attempt, started_at)
    SELECT u.bucket, u.id, :day, :number, :type, 'QUIZ', :subject, :reward, 'PENDING', 1,
           CAST(:now AS timestamptz)
    FROM users u
""")
EFFECTS = sql("SELECT count(*) AS effects FROM transactions WHERE type = 'TASK'")


class Sender(Struct, frozen=True):
    """A person, and which of the options presented to them is right."""

    user_id: int
    option: int


async def prepare(database: Database, people: int) -> list[Sender]:
    """Make the people, in all groups and buckets, in a random order."""
    await populate(database, origin_now(), live=1, idle=people)
    now = utcnow()
    day = utc_day(now)
    catalogue = Catalogue(database)
    offered = (await catalogue.days([day], now))[day]
    question = (await catalogue.library()).questions[offered.questions[0]]
    quiz = next(kind for kind in offered.types if kind.category is Category.QUIZ)
    async with connected(database) as connection:
        params = {
            "day": day,
            "number": NUMBER,
            "type": quiz.id,
            "subject": question.key,
            "reward": quiz.reward_micro,
            "now": now,
        }
        await run(connection, TASKS, params)
        found = await rows(connection, PEOPLE, {"count": people})
    await vacuum(database)
    return [Sender(row.id, _right_option(row.id, day, question)) for row in found]


def wish_of(sender: Sender, now: datetime) -> Wish:
    """What a person asks for."""
    return Wish(
        user_id=sender.user_id,
        action=AnswerTask(number=NUMBER, option=sender.option),
        origin=f"user:{sender.user_id}",
        key="bench",
        body_hash=b"",
        recorded_at=now,
        evidence=Evidence(ip="192.0.2.1", user_agent="bench"),
    )


async def count_effects(database: Database) -> int:
    """How many intents have paid."""
    async with connected(database) as connection:
        return int((await rows(connection, EFFECTS))[0].effects)


def _right_option(user_id: int, day: date, question: Question) -> int:
    seed = f"{user_id}:{day.isoformat()}:{NUMBER}:1"
    return next(o for o in range(OPTION_COUNT) if is_right(question, seed, o))
