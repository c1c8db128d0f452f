"""Daily tasks for the rules, and what doing them all is remembered by."""

from collections.abc import Collection
from datetime import date
from operator import itemgetter

from msgspec.structs import asdict

from engine.ads.state import Views
from engine.core.timeline import utc_day
from engine.tasks.actions import ReviewTask, StartTask, TaskAction
from engine.tasks.state import Achievement, Tasks, TaskState
from models.ads.keep import load_named, named_views
from models.base import arrays
from models.base.db import rows, sql
from models.intents.batch import Batch, Keep
from models.tasks.read import TASK_COLUMNS, task_of
from models.tasks.tables import achievements, daily_tasks

LOAD_TASKS = sql(f"""
    SELECT {TASK_COLUMNS} FROM daily_tasks
    WHERE bucket = :bucket AND day >= :first_day AND user_id = ANY(CAST(:users AS bigint[]))
""")

_TASK_TYPES = arrays.types_of(daily_tasks, TaskState.__struct_fields__)
_ACHIEVEMENT_TYPES = arrays.types_of(achievements, Achievement.__struct_fields__)

STORE_TASKS = arrays.insert(
    "daily_tasks",
    _TASK_TYPES,
    updated=[
        "subject",
        "status",
        "attempt",
        "expires_at",
        "view_id",
        "proof",
        "submitted_at",
        "claimed_at",
        "failed_at",
        "failure",
        "reviewer",
    ],
    key=("day", "user_id", "number"),
)
STORE_ACHIEVEMENTS = arrays.insert("achievements", _ACHIEVEMENT_TYPES)


def task_days(batch: Batch) -> set[date]:
    """The days whose tasks a batch bears on: by its task intents, and by ads shown for tasks."""
    days = {utc_day(i.recorded_at) for i in batch.intents if isinstance(i.action, TaskAction)}
    days |= {i.action.day for i in batch.intents if isinstance(i.action, ReviewTask)}
    named = named_views(batch)
    views = [view for member in batch.people.values() for view in member.of(Views).values()]
    return days | {v.task_day for v in views if v.id in named and v.task_day is not None}


async def load_tasks(batch: Batch) -> None:
    """Load the members' touched tasks, and the ads under way for them that a start may give up."""
    days = task_days(batch)
    if not days:
        return
    params = {"bucket": batch.bucket, "users": batch.users, "first_day": min(days)}
    for row in await rows(batch.connection, LOAD_TASKS, params):
        batch.people[row.user_id].put(task_of(row))
    if any(isinstance(intent.action, StartTask) for intent in batch.intents):
        under_way = [
            state.view_id
            for member in batch.people.values()
            for state in member.of(Tasks).values()
            if state.view_id is not None and state.expires_at is not None
        ]
        await load_named(batch, under_way)


async def store_tasks(batch: Batch, tasks: list[TaskState]) -> Collection[int]:
    """Write what the rules changed. The snapshot does not show tasks."""
    touched = sorted(map(asdict, tasks), key=itemgetter("day", "user_id", "number"))
    await arrays.store(batch.connection, STORE_TASKS, batch.bucket, touched, _TASK_TYPES)
    return ()


async def store_achievements(batch: Batch, achievements: list[Achievement]) -> Collection[int]:
    """Write what members have achieved."""
    earned = sorted(map(asdict, achievements), key=itemgetter("user_id", "day"))
    await arrays.store(
        batch.connection, STORE_ACHIEVEMENTS, batch.bucket, earned, _ACHIEVEMENT_TYPES
    )
    return ()


KEEPS = (Keep(TaskState, store_tasks, load_tasks), Keep(Achievement, store_achievements))
