from uuid import UUID

from engine.core.action import Action
from engine.core.outcome import Result


class LedgerFolded(Result, frozen=True):
    """How many rows of the ledger were brought in."""

    folded: int


class FoldLedger(Action, frozen=True, tag="ledger.fold"):
    """Bring into the holdings what a worker of the release before wrote into the ledger."""

    results = (LedgerFolded,)


class Adjusted(Result, frozen=True):
    """What was moved: `direction` is CREDIT or DEBIT."""

    adjustment_id: UUID
    amount_micro: int
    direction: str


class ApplyAdjustment(Action, frozen=True, tag="adjustment.apply"):
    """Move the coins of an approved adjustment."""

    results = (Adjusted,)

    adjustment_id: UUID
