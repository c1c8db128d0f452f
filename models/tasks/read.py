"""Daily tasks as they are shown."""

from datetime import date

from engine.core.timeline import bucket_of
from engine.tasks.state import Category, TaskState, TaskStatus
from models.base.db import Database, Row, connected, rows, sql

TASK_COLUMNS = ", ".join(TaskState.__struct_fields__)

TASKS_OF_DAY = sql(f"""
    SELECT {TASK_COLUMNS} FROM daily_tasks
    WHERE bucket = :bucket AND day = :day AND user_id = :user_id
""")


async def read_day(database: Database, user_id: int, day: date) -> dict[int, TaskState]:
    """A user's touched tasks of a day, by number."""
    params = {"bucket": bucket_of(user_id), "user_id": user_id, "day": day}
    async with connected(database) as connection:
        found = await rows(connection, TASKS_OF_DAY, params)
    return {row.number: task_of(row) for row in found}


def task_of(row: Row) -> TaskState:
    """A row of daily_tasks as the rules see it."""
    known = {"status": TaskStatus(row.status), "category": Category(row.category)}
    return TaskState(**{**row, **known})
