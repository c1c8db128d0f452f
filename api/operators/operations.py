"""The page of truth: what the engine has done, what it has not, and who should be doing it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, PathParameter, QueryParameter
from msgspec import Struct
from redis.asyncio import Redis

from api.operators.words import WhyBody
from api.web_base.days import OF_DAY, day_of
from api.web_base.etags import PRIVATE
from api.web_base.permissions import needs
from api.web_base.problems import not_found
from api.web_base.services import Services
from engine.admin.permissions import Permission
from engine.core.timeline import GROUP_COUNT, Timetable, current_window, next_opening, utc_day
from engine.mining.load_curve import planned_shares
from models.base.db import Database
from models.base.trail import Actor
from models.mining.groups import group_sizes
from models.operations.alerts import alerts_since
from models.operations.operations import (
    GroupTicks,
    Queue,
    Worker,
    read_backlog,
    read_dead_letters,
    read_load,
    read_queues,
    read_ticks,
    read_workers,
    revive,
)
from runtime.broker.bells import SOCKET_TIMEOUT_SECONDS
from runtime.clock import utcnow

ERROR_LENGTH_MAX = 2_000
Bucket = Annotated[int, PathParameter(ge=0, le=63)]
Day = Annotated[
    str | None, QueryParameter(name="day", description="A UTC day; today without.", **OF_DAY)
]


class BacklogView(Struct, frozen=True):
    """Intents of one piece that nobody has applied yet; counted up to a thousand a bucket."""

    group_number: int
    bucket: int
    undone: int
    oldest_at: datetime


class GroupView(Struct, frozen=True):
    """A group, and its window that is open now, or opens next."""

    group_number: int
    members: int
    is_open: bool
    opens_at: datetime


class AlertView(Struct, frozen=True):
    """Something that operators are told of while it lasts."""

    key: str
    severity: str
    text: str
    opened_at: datetime


class OperationsView(Struct, frozen=True):
    """What stands in PostgreSQL is the truth; `queues` and `workers` are null without the broker.

    A group with `missed_boundaries` has not been paid for so many ticks; the next one pays them.
    """

    at: datetime
    alerts: list[AlertView]
    groups: list[GroupView]
    ticks: list[GroupTicks]
    backlog: list[BacklogView]
    queues: list[Queue] | None
    workers: list[Worker] | None
    dead_letter_count: int


class DeadLetterView(Struct, frozen=True):
    """An intent that failed too often, or a call to the outside, and how.

    The group of the latter is 12.
    """

    bucket: int
    id: UUID
    group_number: int
    kind: str
    user_id: int | None
    recorded_at: datetime
    attempts: int
    error: str | None


class LoadView(Struct, frozen=True):
    """Ads served in each slot of a day, a slot as long as a window, beside an even share.

    `planned`: as many ads, spread over the groups' windows by their sizes; of the whole day.
    `mean` is that of the slots since the day's first ad; `peak_over_mean` is null before every
    group has had its turn in them.
    """

    day: date
    slot_seconds: int
    served: list[int]
    planned: list[float]
    mean: float
    peak_over_mean: float | None


@asynccontextmanager
async def _broker(services: Services) -> AsyncIterator[Redis | None]:
    """The broker's Redis; RabbitMQ has a dashboard of its own."""
    url = services.config.broker_url
    if not url.startswith("redis"):
        yield None
        return
    seconds = SOCKET_TIMEOUT_SECONDS
    redis = Redis.from_url(url, socket_timeout=seconds, socket_connect_timeout=seconds)
    try:
        yield redis
    finally:
        await redis.aclose()


@get(
    "/operations",
    summary="How the engine stands",
    opt=needs(Permission.QUEUE_READ),
    response_headers=PRIVATE,
)
async def operations(services: NamedDependency[Services]) -> OperationsView:
    """Which group missed which boundary, who waits, and which workers are heard of."""
    now = utcnow()
    database, table = services.database, services.installation.table
    async with _broker(services) as broker:
        queues = await read_queues(broker) if broker else None
        workers = await read_workers(broker, now) if broker else None
    return OperationsView(
        at=now,
        alerts=await _open_alerts(database, now),
        groups=[
            _group(table, number, size, now)
            for number, size in enumerate(await group_sizes(database), start=1)
        ],
        ticks=await read_ticks(database, table, now),
        backlog=[BacklogView(**row) for row in await read_backlog(database, now)],
        queues=queues,
        workers=workers,
        dead_letter_count=len(await read_dead_letters(database)),
    )


async def _open_alerts(database: Database, now: datetime) -> list[AlertView]:
    return [
        AlertView(told.key, told.severity, told.text, told.opened_at)
        for told in await alerts_since(database, now)
        if told.resolved_at is None
    ]


def _group(table: Timetable, number: int, members: int, now: datetime) -> GroupView:
    window = current_window(table, number, now)
    opens_at = window.opens_at if window else next_opening(table, number, now)
    return GroupView(number, members, window is not None, opens_at)


@get(
    "/dead-letters",
    summary="Intents and calls that failed too often",
    opt=needs(Permission.QUEUE_READ),
    response_headers=PRIVATE,
)
async def dead_letters(services: NamedDependency[Services]) -> list[DeadLetterView]:
    """The oldest thousand, each with its last error."""
    found = await read_dead_letters(services.database)
    cut = [{**row, "error": (row.error or "")[:ERROR_LENGTH_MAX] or None} for row in found]
    return [DeadLetterView(**row) for row in cut]


@post(
    "/dead-letters/{bucket:int}/{letter_id:uuid}/requeue",
    status_code=204,
    summary="Another try",
    opt=needs(Permission.QUEUE_REQUEUE),
)
async def requeue(
    bucket: Bucket,
    letter_id: FromPath[UUID],
    data: JSONBody[WhyBody],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> None:
    """It is applied as of when it was recorded. Asked for twice, it is revived once."""
    now = utcnow()
    piece = await revive(services.database, actor, bucket, letter_id, data.reason, now)
    if piece is None:
        raise not_found("dead letter")
    await services.bells.ring(piece)


@get(
    "/load",
    summary="The ads of a day",
    opt=needs(Permission.FACTS_READ),
    response_headers=PRIVATE,
)
async def load(services: NamedDependency[Services], day: Day = None) -> LoadView:
    """The staggered plan is an even line: so many ads in every slot."""
    now = utcnow()
    wanted = day_of(day) if day else utc_day(now)
    since = datetime.combine(wanted, time(), tzinfo=UTC)
    until = max(min(since + timedelta(days=1), now), since + timedelta(seconds=1))
    slot_seconds = _slot_seconds(services)
    served = await read_load(services.reading, since, until, slot_seconds)
    elapsed = (until - since).total_seconds() / slot_seconds
    mean, peak = _evenness(served, int(elapsed))
    table = services.installation.table
    shares = planned_shares(table, await group_sizes(services.database), slot_seconds)
    passed = sum(
        share * min(1, elapsed - place) for place, share in enumerate(shares[: len(served)])
    )
    planned = [share * sum(served) / passed if passed else 0 for share in shares]
    return LoadView(wanted, slot_seconds, served, planned, mean, peak)


def _evenness(served: Sequence[int], whole_slots: int) -> tuple[float, float | None]:
    """The mean of the slots that are over, and how far the fullest exceeds it.

    An installation that began at noon has not been uneven all morning.
    """
    first = next((place for place, count in enumerate(served) if count), 0)
    over = served[first:whole_slots] or served[first:]
    mean = sum(over) / len(over)
    return mean, max(over) / mean if mean and len(over) >= GROUP_COUNT else None


def _slot_seconds(services: Services) -> int:
    """A window, or as many of them as make a day's chart of at most 144 columns."""
    window = services.installation.table.timing.window_seconds
    return window * -(-86_400 // (144 * window))


handlers = [operations, dead_letters, requeue, load]
