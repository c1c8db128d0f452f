"""What workers know of ads: what is in rotation, and how much of it may be served."""

from collections import Counter

from engine.ads.actions import FailView
from engine.ads.state import AdOffer, Purpose, Views
from engine.core.conditions import Conditions
from engine.mining.actions import StartMining
from engine.tasks.actions import StartTask
from models.ads.inventory import give_back, take_requests
from models.installation.settings import load_ads
from models.intents.batch import Batch
from workers.offers import Offer
from workers.workshop import Workshop


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


OFFERS: tuple[Offer, ...] = (offer_ads,)
AFTERWARDS: tuple[Offer, ...] = (take_ads_back,)
