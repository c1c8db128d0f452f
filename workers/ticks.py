"""What is done with set statements for a piece or a bucket, each kind in its turn (`TICKS`)."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from msgspec import Struct

from engine.core.action import Action
from engine.core.outcome import Applied, Outcome
from engine.core.piece import Piece
from engine.core.timeline import Timetable, tick_group
from engine.ledger.actions import ApplyAdjustment
from engine.mining.actions import (
    CreditMining,
    MiningCredited,
    MiningSettled,
    RemindWindow,
    SettleMining,
    WindowReminded,
)
from models.base.db import Connection
from models.mining import credit, settlement
from models.mining.reminders import remind
from workers.adjust import adjust


class Sweep(Struct):
    """The bucket that is held, how far its groups have been paid, and whom to show anew.

    `singly`, after the whole failed: what cannot be done is left out.
    """

    connection: Connection
    bucket: int
    table: Timetable
    through: dict[int, datetime]
    now: datetime
    singly: bool
    changed: set[int] = set()


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


async def _adjust(group: int, action: ApplyAdjustment, sweep: Sweep) -> Outcome:
    connection, bucket = sweep.connection, sweep.bucket
    outcome, users = await adjust(connection, bucket, action.adjustment_id, sweep.now)
    sweep.changed |= users
    return outcome


# Each is given a group and an action of its own kind.
TICKS: dict[type[Action], Callable[[int, Any, Sweep], Awaitable[Outcome]]] = {
    CreditMining: _credit,
    SettleMining: _settle,
    RemindWindow: _remind,
    ApplyAdjustment: _adjust,
}
