"""A mining session and its surroundings, as the rules see them (blueprint, "Entities")."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from engine.ads import AdUnit, AdView
from engine.intents import Outcome, Reason
from engine.timeline import Timetable

# A proof has its instant before it is committed: it may wait so long for its transaction.
COMMIT_GRACE = timedelta(seconds=10)


class SessionStatus(StrEnum):
    """PENDING awaits its ad; ACTIVE has its hours, which may lie ahead; then one of two ends."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class Session(Struct, frozen=True):
    """One mining session. PENDING: `expires_at` is set; from ACTIVE on: start, end are."""

    id: UUID
    user_id: int
    group_number: int
    status: SessionStatus
    reward_micro: int
    requested_at: datetime
    window_opens_at: datetime
    expires_at: datetime | None = None
    view_id: UUID | None = None
    started_at: datetime | None = None
    ends_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str | None = None

    @property
    def lapses_at(self) -> datetime | None:
        """From when on no proof that came before `expires_at` can still be on its way."""
        return None if self.expires_at is None else self.expires_at + COMMIT_GRACE


class Member(Struct):
    """A user as the rules see one: what bears on intents recorded from now on."""

    user_id: int
    is_active: bool
    sessions: dict[UUID, Session]
    views: dict[UUID, AdView]


class House(Struct, frozen=True):
    """What holds for everybody in one piece while a batch is decided."""

    table: Timetable
    ads: tuple[AdUnit, ...]
    reward_micro: int
    credited_through: datetime


class LogEntry(Struct, frozen=True):
    """A line for the activity log, or with a severity for the fraud log."""

    user_id: int
    event: str
    resource_type: str
    resource_id: UUID
    details: dict[str, Any]
    severity: str | None = None


class Decision(Struct, frozen=True):
    """An outcome and its effects."""

    outcome: Outcome
    sessions: tuple[Session, ...] = ()
    views: tuple[AdView, ...] = ()
    credit_micro: int = 0  # what ticks before the session was stored would have paid
    logs: tuple[LogEntry, ...] = ()


def latest_end(sessions: dict[UUID, Session]) -> datetime | None:
    """When the member's last known session ends."""
    return max((s.ends_at for s in sessions.values() if s.ends_at is not None), default=None)


def failed(session: Session, at: datetime, reason: Reason) -> Session:
    """The session, given up."""
    return replace(
        session, status=SessionStatus.FAILED, expires_at=None, failed_at=at, failure=reason.value
    )


def session_result(session: Session) -> dict[str, Any]:
    """What the client is told of a session it acted on."""
    return {
        "session_id": session.id,
        "status": session.status,
        "started_at": session.started_at,
        "ends_at": session.ends_at,
        "expires_at": session.expires_at,
    }
