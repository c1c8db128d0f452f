"""Starting a mining session (blueprint, "Mining cycle"; decisions 0003 and 0004).

Each rule takes the member's state, the intent and the conditions rules, and returns a Decision: the
outcome, and new versions of whatever it changed. Ids come from the intent, so a repeat is the same.
"""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec.structs import replace

from engine.ads.proving import proof_time
from engine.ads.rules import first_view, lapsed, log_view
from engine.ads.state import AdView, Purpose, Views
from engine.core.action import Intent
from engine.core.conditions import Conditions
from engine.core.decision import Decision
from engine.core.member import Entity, Member
from engine.core.outcome import Applied, Reason, Rejected
from engine.core.timeline import Timetable, Window, current_window, next_opening
from engine.mining.accrual import accrued
from engine.mining.actions import StartMining
from engine.mining.state import (
    Accrual,
    Session,
    SessionResult,
    Sessions,
    SessionStatus,
    failed,
    latest_end,
    session_result,
)


def start_limit(table: Timetable, window: Window) -> datetime:
    """How late a previous session may end for this window to accept a start.

    A proof may come up to two proof times after the window closed, so such an end is still
    this group's own rhythm. Later ends are another group's (the member was moved).
    """
    return window.closes_at + 2 * proof_time(table)


def refuse_start(
    sessions: dict[UUID, Session], is_active: bool, group: int, table: Timetable, at: datetime
) -> Rejected | Window:
    """Why a start at `at` is refused, or the open window that accepts it."""
    if not is_active:
        return Rejected(Reason.ACCOUNT_DISABLED, "This account is disabled. Write to support.")
    opens_at = next_opening(table, group, at)
    for session in sessions.values():
        if session.lapses_at is not None and at < session.lapses_at:
            return Rejected(
                Reason.AD_IN_PROGRESS,
                "The ad of a session is still being watched or verified.",
                session.lapses_at,
            )
    window = current_window(table, group, at)
    if window is None:
        return Rejected(Reason.WINDOW_CLOSED, "Your group's window is closed.", opens_at)
    ends_at = latest_end(sessions)
    taken = any(s.window_opens_at == window.opens_at for s in sessions.values() if s.started_at)
    if taken or (ends_at is not None and ends_at > start_limit(table, window)):
        return Rejected(
            Reason.ALREADY_MINING, "You have a session for this window already.", opens_at
        )
    return window


def start_mining(member: Member, intent: Intent[StartMining], conditions: Conditions) -> Decision:
    """Open a PENDING session and serve its first ad, if the window is open (decision 0004)."""
    at = intent.recorded_at
    window = refuse_start(
        member.of(Sessions), member.is_active, intent.group_number, conditions.table, at
    )
    if isinstance(window, Rejected):
        return Decision(window)
    given_up = _lapse_pending(member, at)
    paid_for = f"mining:{window.opens_at.isoformat()}"
    view = first_view(Purpose.MINING, paid_for, intent, conditions, session_id=intent.id)
    if view is None:
        retry_at = at + timedelta(seconds=conditions.table.timing.ad_seconds)
        none = Rejected(Reason.AD_UNAVAILABLE, "No ad can be shown now.", retry_at)
        return Decision(none, given_up)
    session = Session(
        id=intent.id,
        user_id=member.user_id,
        group_number=intent.group_number,
        status=SessionStatus.PENDING,
        reward_micro=conditions.configuration(at).reward_micro,
        requested_at=at,
        window_opens_at=window.opens_at,
        expires_at=at + proof_time(conditions.table),
        view_id=view.id,
    )
    return Decision(
        Applied(session_result(session, view)),
        (*given_up, session, view),
        logs=(log_view(view, "MINING_START"),),
    )


def _lapse_pending(member: Member, at: datetime) -> tuple[Entity, ...]:
    """Give up PENDING sessions past their time, which settlement has not swept yet."""
    for session in member.of(Sessions).values():
        if session.expires_at is not None and session.expires_at <= at:
            assert session.view_id is not None
            view = lapsed(member.of(Views)[session.view_id], session.expires_at)
            return failed(session, session.expires_at, Reason.AD_EXPIRED), view
    return ()


class SessionPayee:
    """A session, as what its ad pays for (engine.ads.rules.Payee)."""

    purpose = Purpose.MINING

    def __init__(self, session: Session, group_number: int) -> None:
        self._session = session
        self._group_number = group_number
        self.expires_at = session.expires_at
        self.lapses_at = session.lapses_at

    def result(self) -> SessionResult:
        """The session as it stands."""
        return session_result(self._session)

    def shows(self, view: AdView) -> Decision:
        """The session awaits another ad."""
        session = replace(self._session, view_id=view.id)
        return Decision(Applied(session_result(session, view)), (session,))

    def waits(self, at: datetime, conditions: Conditions) -> Decision:
        """The callback has one proof time to come.

        Bounded also for ads reported as watched and then as failed: start_limit relies on it.
        """
        each = proof_time(conditions.table)
        expires_at = min(at + each, self._session.requested_at + 2 * each)
        session = replace(self._session, expires_at=expires_at)
        return Decision(Applied(session_result(session)), (session,))

    def earns(self, view: AdView, at: datetime, member: Member, conditions: Conditions) -> Decision:
        """The session runs from max(verified, end of the previous one) (decision 0004)."""
        started_at = max(at, latest_end(member.of(Sessions)) or at)
        ends_at = started_at + timedelta(seconds=conditions.table.timing.cycle_seconds)
        session = replace(
            self._session,
            status=SessionStatus.ACTIVE,
            expires_at=None,
            started_at=started_at,
            ends_at=ends_at,
        )
        through = conditions.credited_through[session.group_number]
        credited = accrued(session.reward_micro, started_at, ends_at, through)
        accrual = Accrual(session.id, session.user_id, credited)
        return Decision(
            Applied(session_result(session)), (session, accrual) if credited else (session,)
        )

    def loses(self, at: datetime, refusal: Rejected, conditions: Conditions) -> Decision:
        """The session is given up; the user may start again while the window is open."""
        window = current_window(conditions.table, self._group_number, at)
        retry_at = at if window else next_opening(conditions.table, self._group_number, at)
        return Decision(
            replace(refusal, retry_at=retry_at),
            (failed(self._session, at, refusal.reason),),
        )


RULES = {
    StartMining: start_mining,
}
