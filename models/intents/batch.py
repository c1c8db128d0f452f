"""A batch of intents, and what a domain keeps of the members whose intents they are."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from engine.core.action import AnyIntent
from engine.core.member import Member
from models.base.db import Connection


class Batch(Struct):
    """Intents of members of one bucket, whose rows are locked, in one transaction."""

    connection: Connection
    bucket: int
    intents: Sequence[AnyIntent]
    people: dict[int, Member]
    now: datetime

    @property
    def users(self) -> list[int]:
        """The ids of the members, in order."""
        return sorted(self.people)


Load = Callable[[Batch], Awaitable[None]]
Store = Callable[[Batch, list[Any]], Awaitable[Collection[int]]]


class Keep(Struct, frozen=True):
    """How one kind of entity comes out of the database and goes back.

    `load` puts into the batch's members what its intents bear on. `store` writes the last versions
    of what rules changed, and returns whose snapshot has changed by that.
    """

    entity: type[Any]
    store: Store
    load: Load | None = None
