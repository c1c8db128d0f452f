"""What there is to watch and to do, as a process holds it: the library, and the days' catalogues.

A day is opened by the clock process at midnight, or by whoever needs it first.
"""

import asyncio
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from time import monotonic

import msgspec

from engine.content.library import Library
from engine.core.timeline import utc_day
from engine.core.versions import in_force
from engine.tasks.state import KEPT_DAYS, Category, DayCatalogue, TaskType
from models.base.db import Connection, Database, connected, rows, run, sql
from models.base.encoding import encode
from models.content.library import load_library
from models.installation.configuration import load_versions
from models.intents.record import CLOCK_SKEW_MAX

LIBRARY_SECONDS_MAX = 30

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
_ONE_DAY = timedelta(days=1)  # others may still read what is past for some
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
        if monotonic() >= self._library_until:
            async with self._loading:
                if monotonic() >= self._library_until:
                    async with connected(self._database) as connection:
                        self._library = await load_library(connection)
                    self._library_until = monotonic() + LIBRARY_SECONDS_MAX
        return self._library

    async def days(
        self, wanted: Collection[date], now: datetime, since: datetime | None = None
    ) -> dict[date, DayCatalogue]:
        """The catalogues of days up to today, each opened if it was not. Long past ones are left
        out: they are closed, `since` tells when it was asked that is answered now."""
        oldest = utc_day(since or now) - _KEPT
        kept = {d for d in wanted if oldest <= d <= utc_day(now + CLOCK_SKEW_MAX)}
        if not kept <= self._days.keys():
            async with self._loading:
                await self._load(kept - self._days.keys(), oldest, now)
        return {day: self._days[day] for day in kept}

    async def _load(self, missing: Collection[date], oldest: date, now: datetime) -> None:
        async with connected(self._database) as connection:
            for day in missing:
                await open_day(connection, day, now)
            found = await rows(connection, DAYS, {"days": sorted(missing)})
        loaded = {row.day: _catalogues.decode(row.catalogue) for row in found}
        self._days = loaded | {d: c for d, c in self._days.items() if d >= oldest - _ONE_DAY}


async def open_day(connection: Connection, day: date, now: datetime) -> bool:
    """Freeze the catalogue of a UTC day: one row, whatever the number of users.

    Return False if the day was open already.
    """
    if await rows(connection, DAYS, {"days": [day]}):
        return False
    params = {"day": day, "catalogue": encode(await _current(connection, day)), "now": now}
    return bool(await run(connection, OPEN_DAY, params))


async def _current(connection: Connection, day: date) -> DayCatalogue:
    """What would be offered if the day were opened now: the mix and the bonus of its midnight."""
    midnight = datetime.combine(day, time(), tzinfo=UTC)
    settings = in_force(await load_versions(connection), midnight)
    return DayCatalogue(
        mix={category: settings.task_mix.get(category, 0) for category in Category},
        bonus_micro=settings.bonus_micro,
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
