"""What workers do against fraud: where addresses are, the nightly scores, the lists."""

from engine.core.action import Action
from engine.core.conditions import Conditions
from engine.core.outcome import Result
from engine.fraud.actions import (
    AccountsScored,
    ListsRefreshed,
    ModelTrained,
    RefreshLists,
    ScoreAccounts,
    TrainModel,
)
from engine.fraud.checks import Addresses, Surroundings
from models.intents.batch import Batch
from workers.chores import Chore, Work
from workers.offers import Offer
from workers.reputation import refresh_lists
from workers.scoring.nightly import score_day, train_model
from workers.workshop import Workshop


async def tell_addresses(shop: Workshop, batch: Batch, conditions: Conditions) -> None:
    """Where the intents' addresses are, and which list they stand on."""
    await shop.reputation.read_anew(batch.connection)
    known = Addresses()
    for ip in {intent.evidence.ip for intent in batch.intents}:
        if ip:
            known[ip] = Surroundings(shop.places.find(ip), shop.reputation.find(ip))
    conditions.offers[Addresses] = known


async def _score_accounts(action: ScoreAccounts, work: Work) -> Result:
    table = work.shop.installation.table
    return AccountsScored(await score_day(work.database, table, action.day, work.now))


async def _train_model(action: TrainModel, work: Work) -> Result:
    return ModelTrained(await train_model(work.database, action.day, work.now))


async def _refresh_lists(action: RefreshLists, work: Work) -> Result:
    return ListsRefreshed(await refresh_lists(work.database, work.shop.ip_lists, work.now))


OFFERS: tuple[Offer, ...] = (tell_addresses,)
CHORES: dict[type[Action], Chore] = {
    RefreshLists: _refresh_lists,
    ScoreAccounts: _score_accounts,
    TrainModel: _train_model,
}
