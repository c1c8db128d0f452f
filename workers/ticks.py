"""What is done for a piece with set statements, each kind in its turn (`TICKS`)."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from msgspec import Struct

from engine.action import Action
from engine.intents import ApplyAdjustment, CreditMining, RemindWindow, SettleMining
from engine.outcome import Applied, Outcome
from engine.piece import Piece
from engine.timeline import Timetable, tick_group
from models import credit, settlement
from models.db import Connection
from models.reminders import remind
from workers.adjust import adjust


class Sweep(Struct):
    """The piece that is held, how far its sessions have been paid, and whom to show anew.

    `singly`, after the whole failed: what cannot be done is left out.
    """

    connection: Connection
    piece: Piece
    table: Timetable
    through: datetime
    now: datetime
    singly: bool
    changed: set[int] = set()


async def _credit(action: CreditMining, sweep: Sweep) -> Outcome:
    """Pay the whole bucket, or what an older clock recorded: the piece alone."""
    connection, now, boundary = sweep.connection, sweep.now, action.boundary
    bucket, group = sweep.piece.bucket, sweep.piece.group_number
    if group == tick_group(bucket):
        wallets = await credit.credit(connection, bucket, boundary, now)
    else:
        through = sweep.through
        wallets = await credit.credit_groups(connection, bucket, [group], through, boundary, now)
    sweep.through = max(sweep.through, boundary)
    return Applied({"wallets": wallets})


async def _settle(action: SettleMining, sweep: Sweep) -> Outcome:
    settled = await settlement.settle(
        sweep.connection,
        sweep.piece,
        sweep.through,
        action.boundary,
        sweep.now,
        singly=sweep.singly,
    )
    sweep.changed.update(settled.paid, settled.expired)
    return Applied(
        {
            "settled": len(settled.paid),
            "expired": len(settled.expired),
            "sessions": settled.sessions,
            "paid_micro": settled.paid_micro,
        }
    )


async def _remind(action: RemindWindow, sweep: Sweep) -> Outcome:
    told = await remind(sweep.connection, sweep.piece, sweep.table, action.boundary)
    return Applied({"told": told})


async def _adjust(action: ApplyAdjustment, sweep: Sweep) -> Outcome:
    connection, bucket = sweep.connection, sweep.piece.bucket
    outcome, users = await adjust(connection, bucket, action.adjustment_id, sweep.now)
    sweep.changed |= users
    return outcome


# Each is given actions of its own kind.
TICKS: dict[type[Action], Callable[[Any, Sweep], Awaitable[Outcome]]] = {
    CreditMining: _credit,
    SettleMining: _settle,
    RemindWindow: _remind,
    ApplyAdjustment: _adjust,
}
