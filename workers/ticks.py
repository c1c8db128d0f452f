"""What a domain does with set statements for a piece or a bucket, in its `TICKS`, by kind."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from msgspec import Struct

from engine.core.decision import FollowUp
from engine.core.outcome import Outcome
from engine.core.timeline import Timetable
from models.base.db import Connection


class Sweep(Struct):
    """The bucket that is held, how far its groups have been paid, and whom to show anew.

    `singly`, after the whole failed: what cannot be done is left out. `follow_ups` are stored with
    the batch, and delivered after its commit (decision 0055).
    """

    connection: Connection
    bucket: int
    table: Timetable
    through: dict[int, datetime]
    now: datetime
    singly: bool
    changed: set[int] = set()
    follow_ups: list[FollowUp] = []


# Given a group and an action of its own kind.
Tick = Callable[[int, Any, Sweep], Awaitable[Outcome]]
