"""What workers do with content: the library, and videos that are looked after."""

from engine.content.actions import RecheckVideos, SyncVideos
from engine.content.library import Library
from engine.core.action import Action
from engine.core.conditions import Conditions
from engine.core.outcome import Result
from models.intents.batch import Batch
from workers.chores import Chore, Work
from workers.offers import Offer
from workers.videos.sync import recheck_videos, sync_videos
from workers.workshop import Workshop


async def offer_library(shop: Workshop, batch: Batch, conditions: Conditions) -> None:
    """Questions, articles and videos, where a rule asks for one."""
    if any(intent.action.needs_library for intent in batch.intents):
        conditions.offers[Library] = await shop.catalogue.library()


async def _sync_videos(action: SyncVideos, work: Work) -> Result:
    return await sync_videos(work.database, work.shop.providers, work.now)


async def _recheck_videos(action: RecheckVideos, work: Work) -> Result:
    return await recheck_videos(work.database, work.shop.providers, work.now)


OFFERS: tuple[Offer, ...] = (offer_library,)
CHORES: dict[type[Action], Chore] = {
    SyncVideos: _sync_videos,
    RecheckVideos: _recheck_videos,
}
