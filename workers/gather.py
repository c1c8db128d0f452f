"""Gathering what a batch's rules need, and no more: a few set queries, whatever its size."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from msgspec.structs import replace

from engine.action import AnyIntent
from engine.ads import Purpose
from engine.content import Library
from engine.daily import DayCatalogue
from engine.decision import House, Member
from engine.intents import (
    BoostAction,
    FailView,
    ReviewTask,
    StartBoost,
    StartMining,
    StartTask,
    StartView,
    TaskAction,
    ViewAction,
)
from engine.timeline import utc_day
from models import earnings, members
from models.db import Connection
from models.inventory import take_requests
from models.settings import load_ads
from workers.workshop import Workshop

APPLIED_SOON = timedelta(minutes=45)
# An ad is begun within its proof time, and lasts ten minutes at most.
WATCHED_WITHIN = timedelta(hours=1)


async def gather_members(
    connection: Connection, bucket: int, wishes: Sequence[AnyIntent]
) -> dict[int, Member]:
    """Lock the users of a batch, and load of them what its intents bear on."""
    people = await members.load_members(
        connection,
        bucket,
        {intent.user_id for intent in wishes if intent.user_id is not None},
        [i.action.view_id for i in wishes if isinstance(i.action, ViewAction)],
        since=min(intent.recorded_at for intent in wishes),
    )
    boosting = [i for i in wishes if isinstance(i.action, (BoostAction, StartView))]
    if boosting:
        # An answer after midnight belongs to the day before, with the boosts paid then.
        first_day = min(utc_day(intent.recorded_at) for intent in boosting) - timedelta(days=1)
        begun = {i.action.video_id for i in boosting if isinstance(i.action, StartBoost)}
        await earnings.load_boosts(connection, bucket, people, first_day, begun)
    days = task_days(wishes, people)
    if days:
        await earnings.load_tasks(connection, bucket, people, min(days))
        if any(isinstance(i.action, StartTask) for i in wishes):
            await _load_open_views(connection, bucket, people)
    await _load_watched(connection, bucket, wishes, people)
    return people


async def _load_watched(
    connection: Connection, bucket: int, wishes: Sequence[AnyIntent], people: Mapping[int, Member]
) -> None:
    """The ads that may be watched at the same time as what is begun, or was proved unbegun."""
    watching = [i for i in wishes if i.action.is_watch]
    users = people.keys() & {intent.user_id for intent in watching}
    if users:
        since = min(intent.recorded_at for intent in watching) - WATCHED_WITHIN
        await members.load_recent_views(connection, bucket, people, users, since)


async def _load_open_views(
    connection: Connection, bucket: int, people: Mapping[int, Member]
) -> None:
    """The ads under way of tasks, which a new start may give up."""
    open_ids = [
        state.view_id
        for member in people.values()
        for state in member.tasks.values()
        if state.view_id is not None and state.expires_at is not None
    ]
    await members.load_views(connection, bucket, people, [], open_ids)


def task_days(wishes: Sequence[AnyIntent], people: Mapping[int, Member]) -> set[date]:
    """The days whose tasks a batch bears on: by its task intents, and by ads shown for tasks."""
    days = {utc_day(i.recorded_at) for i in wishes if isinstance(i.action, TaskAction)}
    days |= {i.action.day for i in wishes if isinstance(i.action, ReviewTask)}
    named = {i.action.view_id for i in wishes if isinstance(i.action, ViewAction)}
    views = [view for member in people.values() for view in member.views.values()]
    return days | {v.task_day for v in views if v.id in named and v.task_day is not None}


async def furnish(
    shop: Workshop,
    connection: Connection,
    wishes: Sequence[AnyIntent],
    people: Mapping[int, Member],
    credited_through: Mapping[int, datetime],
    now: datetime,
) -> tuple[House, dict[int, int]]:
    """What holds for everybody in the batch, and how many requests capped ad units have left."""
    wanted = _wanted_ads(wishes, people)
    days = task_days(wishes, people)
    catalogues: dict[date, DayCatalogue] = {}
    if days:
        # What was acknowledged before midnight is applied after it; partitions go later still.
        fresh = (i.recorded_at for i in wishes if i.recorded_at > now - APPLIED_SOON)
        catalogues = await shop.catalogue.days(days, now, min([now, *fresh]))
    library = Library({}, {})
    if any(intent.action.needs_library for intent in wishes):
        library = await shop.catalogue.library()
    house = House(
        table=shop.installation.table,
        credited_through=credited_through,
        ads=await load_ads(connection) if wanted else (),
        library=library,
        lot=str(shop.installation.id),
        days=catalogues,
        versions=await shop.configurations.versions(connection),
    )
    room = await take_requests(shop.database, house.ads, wanted, now)
    return with_room(house, room), room


def _wanted_ads(wishes: Sequence[AnyIntent], people: Mapping[int, Member]) -> Counter[Purpose]:
    """How many ads the batch may serve, at most, for each purpose."""
    wanted: Counter[Purpose] = Counter()
    views = {view.id: view for member in people.values() for view in member.views.values()}
    for intent in wishes:
        match intent.action:
            case StartMining():
                wanted[Purpose.MINING] += 1
            case StartTask():
                wanted[Purpose.TASK] += 1
            case FailView(view_id) if view_id in views:
                wanted[views[view_id].purpose] += 1
    return wanted


def with_room(house: House, room: Mapping[int, int]) -> House:
    """The house whose full ad units are those without a request left."""
    return replace(house, full_ads=frozenset(ad_id for ad_id, left in room.items() if left <= 0))
