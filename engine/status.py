"""What a phone is shown of its mining: a pure function of a snapshot and the time.

The same snapshot gives the same bytes whether it came from Redis or from PostgreSQL.
"""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from engine.ads.state import Ad, AdView, show_ad
from engine.core.money import format_amount
from engine.core.outcome import Reason, Rejected
from engine.core.timeline import (
    Timetable,
    Timing,
    Window,
    boundary_at_or_before,
    current_window,
    next_opening,
    phase_in_window,
)
from engine.fraud.holds import refuse_held
from engine.fraud.levels import Alert, Hold, held_at
from engine.mining.accrual import accrued
from engine.mining.rules import refuse_start
from engine.mining.state import Session

UNVERIFIED = Rejected(
    Reason.VERIFICATION_REQUIRED, "Send the code from our message, or ask for another one."
)


class Snapshot(Struct, frozen=True):
    """A member's mining as of `version`: what changes only when an intent or settlement does."""

    user_id: int
    version: int
    group_number: int
    is_active: bool
    settled_micro: int
    sessions: tuple[Session, ...]  # PENDING and ACTIVE, not yet settled
    views: tuple[AdView, ...]  # of PENDING sessions
    boosted_micro: dict[UUID, int] = {}  # what boosts of these sessions have been paid
    is_verified: bool = True
    hold: Hold | None = None
    hold_until: datetime | None = None


class SessionStatusView(Struct, frozen=True):
    """A session as shown. PENDING with `started_at`: it is verified and its hours lie ahead."""

    id: UUID
    status: str
    reward: str
    earned: str
    boosted: str  # paid on top of the reward, at once
    started_at: datetime | None
    ends_at: datetime | None
    expires_at: datetime | None


class WindowView(Struct, frozen=True):
    """The group's open window, or its next one. `your_time` is when this user is reminded."""

    is_open: bool
    opens_at: datetime
    closes_at: datetime
    your_time: datetime


class RefusalView(Struct, frozen=True):
    """Why a start would be refused now, and when to come back."""

    reason: Reason
    detail: str
    retry_at: datetime | None


class MiningStatus(Struct, frozen=True):
    """The answer to the poll. Amounts are decimal strings."""

    balance: str
    can_start: bool
    refusal: RefusalView | None
    group_number: int
    window: WindowView
    session: SessionStatusView | None  # the one that earns now
    next_session: SessionStatusView | None  # awaiting its ad, or its hours
    ad: Ad | None
    tick_seconds: int
    next_poll_at: datetime


def render_status(snapshot: Snapshot, table: Timetable, now: datetime) -> MiningStatus:
    """The status at `now`. Unless the member acts, it changes shortly before `next_poll_at`."""
    timing = table.timing
    group = snapshot.group_number
    boundary = boundary_at_or_before(now, timing.tick_seconds)
    sessions = [s for s in snapshot.sessions if s.lapses_at is None or now < s.lapses_at]
    running = next((s for s in sessions if _is_running(s, now)), None)
    ahead = next((s for s in sessions if s.started_at is None or now < s.started_at), None)
    answer = refuse_start({s.id: s for s in sessions}, snapshot.is_active, group, table, now)
    hold = held_at(Alert(hold=snapshot.hold, hold_until=snapshot.hold_until), now)
    if snapshot.is_active and not snapshot.is_verified:
        answer = UNVERIFIED
    elif snapshot.is_active and hold is not None:
        answer = refuse_held(hold, snapshot.hold_until)
    earned = sum(_earned(session, boundary, now) for session in snapshot.sessions)
    changes = [s.started_at for s in sessions] + [s.ends_at for s in sessions]
    changes += [s.lapses_at for s in sessions] + [snapshot.hold_until]
    if running:
        changes.append(boundary + timedelta(seconds=timing.tick_seconds))
    window = _window(table, snapshot, now)
    changes.append(window.closes_at if window.is_open else window.opens_at)
    return MiningStatus(
        balance=format_amount(snapshot.settled_micro + earned),
        can_start=isinstance(answer, Window),
        refusal=RefusalView(answer.reason, answer.detail, answer.retry_at)
        if isinstance(answer, Rejected)
        else None,
        group_number=group,
        window=window,
        session=_show(running, snapshot, boundary, now) if running else None,
        next_session=_show(ahead, snapshot, boundary, now) if ahead else None,
        ad=_open_ad(ahead, snapshot),
        tick_seconds=timing.tick_seconds,
        next_poll_at=min(at for at in changes if at is not None and at > now)
        + poll_delay(timing, snapshot.user_id),
    )


def poll_delay(timing: Timing, user_id: int) -> timedelta:
    """How long after a change this user polls: not all at once, but over a tenth of a tick."""
    return phase_in_window(max(1, timing.tick_seconds // 10), user_id)


def _is_running(session: Session, now: datetime) -> bool:
    return (
        session.started_at is not None
        and session.ends_at is not None
        and session.started_at <= now < session.ends_at
    )


def _earned(session: Session, boundary: datetime, now: datetime) -> int:
    if session.started_at is None or session.ends_at is None:
        return 0
    if session.ends_at <= now:
        return session.reward_micro
    return accrued(session.reward_micro, session.started_at, session.ends_at, boundary)


def _show(
    session: Session, snapshot: Snapshot, boundary: datetime, now: datetime
) -> SessionStatusView:
    lies_ahead = session.started_at is not None and now < session.started_at
    return SessionStatusView(
        id=session.id,
        status="PENDING" if lies_ahead else session.status.value,
        reward=format_amount(session.reward_micro),
        earned=format_amount(_earned(session, boundary, now)),
        boosted=format_amount(snapshot.boosted_micro.get(session.id, 0)),
        started_at=session.started_at,
        ends_at=session.ends_at,
        expires_at=session.expires_at,
    )


def _open_ad(session: Session | None, snapshot: Snapshot) -> Ad | None:
    view = next((v for v in snapshot.views if session and v.id == session.view_id), None)
    return replace(show_ad(view), status=view.status) if view else None


def _window(table: Timetable, snapshot: Snapshot, now: datetime) -> WindowView:
    window = current_window(table, snapshot.group_number, now)
    is_open = window is not None
    if window is None:
        opens_at = next_opening(table, snapshot.group_number, now)
        window = Window(opens_at, opens_at + timedelta(seconds=table.timing.window_seconds))
    phase = phase_in_window(table.timing.window_seconds, snapshot.user_id)
    return WindowView(is_open, window.opens_at, window.closes_at, window.opens_at + phase)
