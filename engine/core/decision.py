"""What a rule returns: an outcome with its effects."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from engine.core.action import Action
from engine.core.errands import Errand
from engine.core.member import Entity
from engine.core.outcome import Outcome
from engine.core.transfer import Transfer


class LogEntry(Struct, frozen=True):
    """A line for the activity log, or with a severity for the fraud log."""

    user_id: int
    event: str
    resource_type: str
    resource_id: UUID
    details: dict[str, Any]
    severity: str | None = None


class Note(Struct, frozen=True):
    """A message for a user's inbox, and for their phone."""

    user_id: int
    kind: str
    params: dict[str, Any]
    created_at: datetime


class FollowUp(Struct, frozen=True):
    """An action for another member: recorded as an intent of theirs, once under its key.

    It is theirs as of `due_at`, and recorded as soon as that has come.
    """

    user_id: int
    action: Action
    key: str
    due_at: datetime


class Decision(Struct, frozen=True):
    """An outcome and its effects: new versions of what changed, and what is added."""

    outcome: Outcome
    changed: tuple[Entity, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    notes: tuple[Note, ...] = ()
    logs: tuple[LogEntry, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()
    errands: tuple[Errand, ...] = ()  # due at once, and called once this is committed
