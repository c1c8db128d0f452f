"""What there is to watch and to do, as a process holds it: the library, and the days' catalogues.

A day is opened by the clock process at midnight, or by whoever needs it first.
"""

import asyncio
import logging
import time
from collections.abc import Collection
from datetime import date, datetime, timedelta

import msgspec

from engine.content import Library
from engine.daily import KEPT_DAYS, TASKS_PER_DAY, Category, DayCatalogue, TaskType
from engine.timeline import utc_day
from models.content import TASK_MIX as DEFAULT_MIX
from models.content import load_library
from models.db import Connection, Database, connected, rows, run, sql
from models.encoding import encode
from models.intents import CLOCK_SKEW_MAX

log = logging.getLogger(__name__)

LIBRARY_SECONDS_MAX = 30

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

_KEPT = timedelta(days=KEPT_DAYS)
_catalogues = msgspec.json.Decoder(DayCatalogue)


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
            async with self._loading:
                if time.monotonic() >= self._library_until:
                    async with connected(self._database) as connection:
                        self._library = await load_library(connection)
                    self._library_until = time.monotonic() + LIBRARY_SECONDS_MAX
        return self._library

    async def days(self, wanted: Collection[date], now: datetime) -> dict[date, DayCatalogue]:
        """The catalogues of days up to today, each opened if it was not. Long past ones are left
        out: they are closed."""
        today = utc_day(now)
        kept = {d for d in wanted if today - _KEPT <= d <= utc_day(now + CLOCK_SKEW_MAX)}
        if not kept <= self._days.keys():
            async with self._loading:
                await self._load(kept - self._days.keys(), today, now)
        return {day: self._days[day] for day in kept}

    async def _load(self, missing: Collection[date], today: date, now: datetime) -> None:
        async with connected(self._database) as connection:
            for day in missing:
                await open_day(connection, day, now)
            found = await rows(connection, DAYS, {"days": sorted(missing)})
        loaded = {row.day: _catalogues.decode(row.catalogue) for row in found}
        self._days = loaded | {d: c for d, c in self._days.items() if d >= today - _KEPT}


async def open_day(connection: Connection, day: date, now: datetime) -> bool:
    """Freeze the catalogue of a UTC day: one row, whatever the number of users.

    Return False if the day was open already.
    """
    if await rows(connection, DAYS, {"days": [day]}):
        return False
    params = {"day": day, "catalogue": encode(await _current(connection)), "now": now}
    return bool(await run(connection, OPEN_DAY, params))


async def _current(connection: Connection) -> DayCatalogue:
    """What would be offered if the day were opened now."""
    return DayCatalogue(
        mix=await _mix(connection),
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


async def _mix(connection: Connection) -> dict[Category, int]:
    """The setting task_mix. One that cannot be must not keep everybody from working."""
    stored = await rows(connection, TASK_MIX)
    try:
        mix = msgspec.json.decode(stored[0].value, type=dict[Category, int])
    except (msgspec.DecodeError, IndexError):
        mix = {}
    if sum(mix.values()) != TASKS_PER_DAY or min(mix.values()) < 0:
        log.critical("the setting task_mix does not name %d tasks: %s", TASKS_PER_DAY, mix)
        mix = {Category(name): count for name, count in DEFAULT_MIX.items()}
    return {category: mix.get(category, 0) for category in Category}
