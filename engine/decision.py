"""What a rule is given, and what it returns: an outcome with its effects."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from engine.ads import AdUnit, AdView
from engine.boost import Boost
from engine.configuration import Configuration, Version, in_force
from engine.content import Library
from engine.daily import DayCatalogue, TaskState
from engine.outcome import Outcome
from engine.session import Session
from engine.timeline import Timetable


class Member(Struct):
    """A user as the rules see one: what bears on intents recorded from now on."""

    user_id: int
    is_active: bool
    sessions: dict[UUID, Session]
    views: dict[UUID, AdView]
    boosts: dict[UUID, Boost]
    tasks: dict[tuple[date, int], TaskState]


class House(Struct, frozen=True):
    """What holds for everybody in one bucket while a batch is decided."""

    table: Timetable
    credited_through: Mapping[int, datetime]  # by group: how far its sessions have been paid
    ads: tuple[AdUnit, ...] = ()
    full_ads: Collection[int] = ()
    library: Library = Library({}, {})
    lot: str = ""  # the installation's own, told to nobody: what is drawn cannot be foreseen
    days: dict[date, DayCatalogue] = {}
    versions: tuple[Version, ...] = ()

    def settings(self, at: datetime) -> Configuration:
        """What held when an intent was recorded."""
        return in_force(self.versions, at)


class LogEntry(Struct, frozen=True):
    """A line for the activity log, or with a severity for the fraud log."""

    user_id: int
    event: str
    resource_type: str
    resource_id: UUID
    details: dict[str, Any]
    severity: str | None = None


class Payment(Struct, frozen=True):
    """One transfer to a user's wallet. The reference is unique: it makes the payment single.

    `funding` says whose money it is: an ad network's name, `content` or `promotion`.
    """

    user_id: int
    type: str
    from_account: str
    amount_micro: int
    reference: str
    funding: str
    description: str
    metadata: dict[str, Any]
    paid_at: datetime


class Note(Struct, frozen=True):
    """A message for a user's inbox, and for their phone."""

    user_id: int
    kind: str
    params: dict[str, Any]
    created_at: datetime


class Achievement(Struct, frozen=True):
    """Something to be proud of, once a day."""

    user_id: int
    kind: str
    day: date
    earned_at: datetime


class Decision(Struct, frozen=True):
    """An outcome and its effects: new versions of what changed, and what is added."""

    outcome: Outcome
    sessions: tuple[Session, ...] = ()
    views: tuple[AdView, ...] = ()
    boosts: tuple[Boost, ...] = ()
    tasks: tuple[TaskState, ...] = ()
    credit_micro: int = 0  # what ticks before the session was stored would have paid
    payments: tuple[Payment, ...] = ()
    notes: tuple[Note, ...] = ()
    achievements: tuple[Achievement, ...] = ()
    logs: tuple[LogEntry, ...] = ()
