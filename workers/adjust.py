"""Applying an approved adjustment: coins, ledger and message, in the batch's transaction."""

from datetime import datetime
from uuid import UUID

from engine.core.decision import Note
from engine.core.outcome import Applied, Outcome, Reason, Rejected
from engine.ledger.actions import Adjusted
from models.admin.adjustments import apply_adjustment
from models.base.db import Connection
from models.inbox.notes import store_notes


async def adjust(
    connection: Connection, bucket: int, adjustment_id: UUID, now: datetime
) -> tuple[Outcome, set[int]]:
    """The outcome, and whose snapshot has changed."""
    done = await apply_adjustment(connection, bucket, adjustment_id, now)
    if done is None:
        return Rejected(Reason.ADJUSTMENT_REFUSED, "It was applied already."), set()
    if done.status != "APPLIED":
        return Rejected(Reason.ADJUSTMENT_REFUSED, done.failure), set()
    moved = Adjusted(adjustment_id, done.amount_micro, done.direction)
    facts = {"amount_micro": done.amount_micro, "direction": done.direction}
    await store_notes(connection, bucket, [Note(done.user_id, "wallet.adjusted", facts, now)])
    return Applied(moved), {done.user_id}
