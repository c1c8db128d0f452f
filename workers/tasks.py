"""What workers do with daily tasks: days are opened, and looked up."""

from datetime import timedelta

from engine.core.action import Action
from engine.core.conditions import Conditions
from engine.core.outcome import Result
from engine.tasks.actions import DayOpened, OpenDay
from engine.tasks.state import Days
from models.content.catalogue import open_day
from models.intents.batch import Batch
from models.tasks.keep import task_days
from workers.chores import Chore, Work
from workers.offers import Offer
from workers.workshop import Workshop

APPLIED_SOON = timedelta(minutes=45)


async def offer_days(shop: Workshop, batch: Batch, conditions: Conditions) -> None:
    """What the days have whose tasks are worked on."""
    days = task_days(batch)
    if days:
        # What was acknowledged before midnight is applied after it; partitions go later still.
        soon = batch.now - APPLIED_SOON
        fresh = (i.recorded_at for i in batch.intents if i.recorded_at > soon)
        found = await shop.catalogue.days(days, batch.now, min([batch.now, *fresh]))
        conditions.offers[Days] = Days(found)


async def _open_day(action: OpenDay, work: Work) -> Result:
    return DayOpened(await open_day(work.connection, action.day, work.now))


OFFERS: tuple[Offer, ...] = (offer_days,)
CHORES: dict[type[Action], Chore] = {
    OpenDay: _open_day,
}
