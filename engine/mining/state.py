"""A mining session, as the rules see it (blueprint, "Entities")."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import UNSET, Struct
from msgspec.structs import replace

from engine.ads.proving import lapses_at
from engine.ads.state import AdView, ShowsAd, show_ad
from engine.core.member import Part
from engine.core.outcome import Instant, Reason


class SessionStatus(StrEnum):
    """PENDING awaits its ad; ACTIVE has its hours, which may lie ahead; then one of two ends."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class Sessions(Part[UUID, "Session"]):
    """A member's sessions that may still matter."""


class Session(Struct, frozen=True):
    """One mining session. PENDING: `expires_at` is set; from ACTIVE on: start, end are."""

    part = Sessions

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
    def key(self) -> UUID:
        """By which it is one of its member's sessions."""
        return self.id

    @property
    def lapses_at(self) -> datetime | None:
        """From when on nothing can prove it any more (engine.ads.proving)."""
        return lapses_at(self.expires_at)


class Accruals(Part[UUID, "Accrual"]):
    """What a batch has credited; nobody asks for it again."""


class Accrual(Struct, frozen=True):
    """What ticks before a session was stored would have paid for it."""

    part = Accruals
    session_id: UUID
    user_id: int
    amount_micro: int

    @property
    def key(self) -> UUID:
        """The session's: it is credited once."""
        return self.session_id


class SessionResult(ShowsAd, frozen=True):
    """A session; with an `ad` while one is to be watched for it."""

    session_id: UUID
    status: str
    started_at: Instant | None
    ends_at: Instant | None
    expires_at: Instant | None


def latest_end(sessions: dict[UUID, Session]) -> datetime | None:
    """When the member's last known session ends."""
    return max((s.ends_at for s in sessions.values() if s.ends_at is not None), default=None)


def running_at(sessions: dict[UUID, Session], at: datetime) -> Session | None:
    """The session whose hours `at` lies in. Also one that has been settled since."""
    return next(
        (
            s
            for s in sessions.values()
            if s.started_at and s.ends_at and s.started_at <= at < s.ends_at
        ),
        None,
    )


def failed(session: Session, at: datetime, reason: Reason) -> Session:
    """The session, given up."""
    return replace(
        session, status=SessionStatus.FAILED, expires_at=None, failed_at=at, failure=reason.value
    )


def session_result(session: Session, ad: AdView | None = None) -> SessionResult:
    """What the client is told of a session it acted on, and which ad is to be watched for it."""
    return SessionResult(
        session_id=session.id,
        status=session.status,
        started_at=session.started_at,
        ends_at=session.ends_at,
        expires_at=session.expires_at,
        ad=UNSET if ad is None else show_ad(ad),
    )
