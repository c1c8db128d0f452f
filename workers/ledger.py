"""What workers do with the ledger: adjustments, and rows that a release before wrote."""

from engine.core.action import Action
from engine.core.decision import Note
from engine.core.outcome import Applied, Outcome, Reason, Rejected, Result
from engine.ledger.actions import Adjusted, ApplyAdjustment, FoldLedger, LedgerFolded
from models.admin.adjustments import apply_adjustment
from models.inbox.notes import store_notes
from models.ledger.fold import fold_all
from workers.chores import Chore, Work
from workers.ticks import Sweep, Tick


async def _adjust(group: int, action: ApplyAdjustment, sweep: Sweep) -> Outcome:
    """Coins, ledger and message of an approved adjustment, in the batch's transaction."""
    done = await apply_adjustment(sweep.connection, sweep.bucket, action.adjustment_id, sweep.now)
    if done is None:
        return Rejected(Reason.ADJUSTMENT_REFUSED, "It was applied already.")
    if done.status != "APPLIED":
        return Rejected(Reason.ADJUSTMENT_REFUSED, done.failure)
    facts = {"amount_micro": done.amount_micro, "direction": done.direction}
    note = Note(done.user_id, "wallet.adjusted", facts, sweep.now)
    await store_notes(sweep.connection, sweep.bucket, [note])
    sweep.changed.add(done.user_id)
    return Applied(Adjusted(action.adjustment_id, done.amount_micro, done.direction))


async def _fold_ledger(action: FoldLedger, work: Work) -> Result:
    return LedgerFolded(await fold_all(work.database))


TICKS: dict[type[Action], Tick] = {
    ApplyAdjustment: _adjust,
}
CHORES: dict[type[Action], Chore] = {
    FoldLedger: _fold_ledger,
}
