"""What each domain has to offer to a batch, and takes back after its commit (decision 0053)."""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta

from engine.ads.actions import FailView
from engine.ads.state import AdOffer, Purpose, Views
from engine.content.library import Library
from engine.core.conditions import Conditions
from engine.fraud.checks import Addresses, Surroundings
from engine.mining.actions import StartMining
from engine.tasks.actions import StartTask
from engine.tasks.state import Days
from models.ads.inventory import give_back, take_requests
from models.installation.settings import load_ads
from models.intents.batch import Batch
from models.tasks.keep import task_days
from workers.workshop import Workshop

APPLIED_SOON = timedelta(minutes=45)

Offer = Callable[[Workshop, Batch, Conditions], Awaitable[None]]


async def offer_ads(shop: Workshop, batch: Batch, conditions: Conditions) -> None:
    """The units in rotation, and requests of those that have a limit for all that may be served."""
    wanted = _wanted_ads(batch)
    if wanted:
        units = tuple(await load_ads(batch.connection))
        room = await take_requests(shop.database, units, wanted, batch.now)
        conditions.offers[AdOffer] = AdOffer(units, room)


def _wanted_ads(batch: Batch) -> Counter[Purpose]:
    """How many ads the batch may serve, at most, for each purpose."""
    wanted: Counter[Purpose] = Counter()
    shown = {id_: v for member in batch.people.values() for id_, v in member.of(Views).items()}
    for intent in batch.intents:
        match intent.action:
            case StartMining():
                wanted[Purpose.MINING] += 1
            case StartTask():
                wanted[Purpose.TASK] += 1
            case FailView(view_id) if view_id in shown:
                wanted[shown[view_id].purpose] += 1
    return wanted


async def take_ads_back(shop: Workshop, batch: Batch, conditions: Conditions) -> None:
    """Requests that served nobody are somebody else's."""
    await give_back(shop.database, conditions.of(AdOffer).room, batch.now)


async def offer_days(shop: Workshop, batch: Batch, conditions: Conditions) -> None:
    """What the days have whose tasks are worked on."""
    days = task_days(batch)
    if days:
        # What was acknowledged before midnight is applied after it; partitions go later still.
        soon = batch.now - APPLIED_SOON
        fresh = (i.recorded_at for i in batch.intents if i.recorded_at > soon)
        found = await shop.catalogue.days(days, batch.now, min([batch.now, *fresh]))
        conditions.offers[Days] = Days(found)


async def offer_library(shop: Workshop, batch: Batch, conditions: Conditions) -> None:
    """Questions, articles and videos, where a rule asks for one."""
    if any(intent.action.needs_library for intent in batch.intents):
        conditions.offers[Library] = await shop.catalogue.library()


async def tell_addresses(shop: Workshop, batch: Batch, conditions: Conditions) -> None:
    """Where the intents' addresses are, and which list they stand on."""
    await shop.reputation.read_anew(batch.connection)
    known = Addresses()
    for ip in {intent.evidence.ip for intent in batch.intents}:
        if ip:
            known[ip] = Surroundings(shop.places.find(ip), shop.reputation.find(ip))
    conditions.offers[Addresses] = known


OFFERS: tuple[Offer, ...] = (offer_ads, offer_days, offer_library, tell_addresses)
AFTERWARDS: tuple[Offer, ...] = (take_ads_back,)
