"""What workers do with mining: credits, settlements, reminders; and the size of groups."""

from engine.core.action import Action
from engine.core.outcome import Applied, Outcome, Result
from engine.core.piece import Piece
from engine.core.timeline import tick_group
from engine.mining.actions import (
    CreditMining,
    GroupsRebalanced,
    MiningCredited,
    MiningSettled,
    RebalanceGroups,
    RemindWindow,
    SettleMining,
    WindowReminded,
)
from models.mining import credit, settlement
from models.mining.groups import rebalance
from models.mining.reminders import remind
from workers.chores import Chore, Work
from workers.ticks import Sweep, Tick


async def _credit(group: int, action: CreditMining, sweep: Sweep) -> Outcome:
    """Pay the whole bucket, or what an older clock recorded: the group alone."""
    bucket, boundary = sweep.bucket, action.boundary
    paid = sweep.through if group == tick_group(bucket) else {group: sweep.through[group]}
    wallets = await credit.credit(sweep.connection, bucket, paid, boundary, sweep.now)
    sweep.through |= {group: max(through, boundary) for group, through in paid.items()}
    return Applied(MiningCredited(wallets))


async def _settle(group: int, action: SettleMining, sweep: Sweep) -> Outcome:
    settled = await settlement.settle(
        sweep.connection,
        Piece(group, sweep.bucket),
        sweep.through[group],
        action.boundary,
        sweep.now,
        singly=sweep.singly,
    )
    sweep.changed.update(settled.paid, settled.expired)
    paid, expired = len(settled.paid), len(settled.expired)
    return Applied(MiningSettled(paid, expired, settled.sessions, settled.paid_micro))


async def _remind(group: int, action: RemindWindow, sweep: Sweep) -> Outcome:
    piece = Piece(group, sweep.bucket)
    told = await remind(sweep.connection, piece, sweep.table, action.boundary)
    return Applied(WindowReminded(told))


async def _rebalance(action: RebalanceGroups, work: Work) -> Result:
    shop, table = work.shop, work.shop.installation.table
    return GroupsRebalanced(await rebalance(shop.database, shop.copies, table, work.now))


TICKS: dict[type[Action], Tick] = {
    CreditMining: _credit,
    SettleMining: _settle,
    RemindWindow: _remind,
}
CHORES: dict[type[Action], Chore] = {
    RebalanceGroups: _rebalance,
}
