"""What there is to watch and to do, as a process holds it: the library, and the days' catalogues.

A day is opened by the clock process at midnight, or by whoever needs it first.
"""

import asyncio
import time
from collections.abc import Collection
from datetime import date, datetime, timedelta

import msgspec

from engine.content import Library
from engine.daily import KEPT_DAYS, Category, DayCatalogue, TaskType
from engine.timeline import utc_day
from models.content import load_library
from models.db import Connection, Database, connected, rows, run, sql
from models.encoding import encode

LIBRARY_SECONDS_MAX = 30
TASKS_PER_DAY = 20

TASK_MIX = sql("SELECT value FROM settings WHERE name = 'task_mix'")
ACTIVE_TYPES = sql("""
    SELECT id, name, description, category, reward_micro, required_action FROM task_types
    WHERE is_active ORDER BY id
""")
ACTIVE_ARTICLES = sql("SELECT slug FROM articles WHERE is_active ORDER BY slug")
ACTIVE_QUIZZES = sql("""
    SELECT key FROM questions WHERE is_active AND video_id IS NULL ORDER BY key
""")

OPEN_DAY = sql("""
    INSERT INTO days (day, catalogue, opened_at) VALUES (:day, CAST(:catalogue AS jsonb), :now)
    ON CONFLICT (day) DO NOTHING
""")
DAYS = sql("SELECT day, catalogue FROM days WHERE day = ANY(CAST(:days AS date[]))")

_catalogues = msgspec.json.Decoder(DayCatalogue)


class MixError(ValueError):
    """The setting task_mix is not twenty tasks a day."""


class Catalogue:
    """One per process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._days: dict[date, DayCatalogue] = {}
        self._library = Library({}, {})
        self._library_until = 0.0
        self._loading = asyncio.Lock()

    async def library(self) -> Library:
        """Videos and questions, read anew every half minute."""
        if time.monotonic() >= self._library_until:
            async with self._loading, connected(self._database) as connection:
                self._library = await load_library(connection)
                self._library_until = time.monotonic() + LIBRARY_SECONDS_MAX
        return self._library

    async def days(self, wanted: Collection[date], now: datetime) -> dict[date, DayCatalogue]:
        """The catalogues of days, opening today's and later ones; those long gone are left out."""
        today = utc_day(now)
        kept = [day for day in wanted if day >= today - timedelta(days=KEPT_DAYS)]
        missing = [day for day in kept if day not in self._days]
        if missing:
            async with self._loading, connected(self._database) as connection:
                for day in missing:
                    await open_day(connection, day, now)
                self._days = {day: c for day, c in self._days.items() if day in kept}
                for row in await rows(connection, DAYS, {"days": missing}):
                    self._days[row.day] = _catalogues.decode(row.catalogue)
        return {day: self._days[day] for day in kept if day in self._days}


async def open_day(connection: Connection, day: date, now: datetime) -> bool:
    """Freeze the catalogue of a UTC day: one row, whatever the number of users.

    Return False if the day was open already. Raise MixError for a setting that cannot be.
    """
    if await rows(connection, DAYS, {"days": [day]}):
        return False
    params = {"day": day, "catalogue": encode(await _current(connection)), "now": now}
    return bool(await run(connection, OPEN_DAY, params))


async def _current(connection: Connection) -> DayCatalogue:
    """What would be offered if the day were opened now."""
    stored = await rows(connection, TASK_MIX)
    mix = msgspec.json.decode(stored[0].value, type=dict[Category, int])
    if sum(mix.values()) != TASKS_PER_DAY or min(mix.values()) < 0:
        raise MixError(f"the setting task_mix must name {TASKS_PER_DAY} tasks: {mix}")
    return DayCatalogue(
        mix={category: mix.get(category, 0) for category in Category},
        types=tuple(
            TaskType(
                id=row.id,
                name=row.name,
                description=msgspec.json.decode(row.description),
                category=Category(row.category),
                reward_micro=row.reward_micro,
                action=row.required_action,
            )
            for row in await rows(connection, ACTIVE_TYPES)
        ),
        articles=tuple(row.slug for row in await rows(connection, ACTIVE_ARTICLES)),
        questions=tuple(row.key for row in await rows(connection, ACTIVE_QUIZZES)),
    )
