"""Upkeep: what a domain does for all of its members or none, in its `CHORES`, by kind."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from msgspec import Struct

from engine.core.decision import FollowUp
from engine.core.outcome import Result
from models.base.db import Connection, Database
from workers.workshop import Workshop


class Work(Struct, frozen=True):
    """What a chore is done with. `connection` holds the intent's row until the chore is done.

    `follow_ups` are stored when it is completed, and delivered then (decision 0055).
    """

    shop: Workshop
    connection: Connection
    recorded_at: datetime
    now: datetime
    follow_ups: list[FollowUp] = []

    @property
    def database(self) -> Database:
        """For transactions of its own, one a bucket."""
        return self.shop.database


# Given an action of its own kind.
Chore = Callable[[Any, Work], Awaitable[Result]]
