"""Starting a mining session (blueprint, "Mining cycle"; decisions 0003 and 0004).

Each rule takes the member's state, the intent and the house rules, and returns a Decision: the
outcome, and new versions of whatever it changed. Ids come from the intent, so a repeat is the same.
"""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec.structs import replace

from engine.ads import AdView, choose_ad
from engine.intents import Applied, Intent, Reason, Rejected
from engine.session import (
    Decision,
    House,
    Member,
    Session,
    SessionStatus,
    latest_end,
    session_result,
)
from engine.timeline import Timetable, Window, current_window, next_opening
from engine.views import ad_result, lapse, log_view, serve


def start_limit(table: Timetable, window: Window) -> datetime:
    """How late a previous session may end for this window to accept a start.

    A proof may come up to two proof times after the window closed, so such an end is still
    this group's own rhythm. Later ends are another group's (the member was moved).
    """
    return window.closes_at + timedelta(seconds=2 * table.timing.proof_seconds)


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


def start_mining(member: Member, intent: Intent, house: House) -> Decision:
    """Open a PENDING session and serve its first ad, if the window is open (decision 0004)."""
    at = intent.recorded_at
    window = refuse_start(member.sessions, member.is_active, intent.group_number, house.table, at)
    if isinstance(window, Rejected):
        return Decision(window)
    lapsed = _lapse_pending(member, at)
    proof_time = timedelta(seconds=house.table.timing.proof_seconds)
    session = Session(
        id=intent.id,
        user_id=member.user_id,
        group_number=intent.group_number,
        status=SessionStatus.PENDING,
        reward_micro=house.reward_micro,
        requested_at=at,
        window_opens_at=window.opens_at,
        expires_at=at + proof_time,
    )
    unit = choose_ad(house.ads, session.id, ())
    if unit is None:
        return Decision(
            Rejected(
                Reason.AD_UNAVAILABLE,
                "No ad can be shown now.",
                at + timedelta(seconds=house.table.timing.ad_seconds),
            ),
            sessions=lapsed[0],
            views=lapsed[1],
        )
    view = serve(unit, session, intent, try_number=1)
    session = replace(session, view_id=view.id)
    return Decision(
        Applied(session_result(session) | {"ad": ad_result(view)}),
        sessions=(*lapsed[0], session),
        views=(*lapsed[1], view),
        logs=(log_view(view, "MINING_START"),),
    )


def _lapse_pending(member: Member, at: datetime) -> tuple[tuple[Session, ...], tuple[AdView, ...]]:
    """Give up PENDING sessions past their time, which settlement has not swept yet."""
    for session in member.sessions.values():
        if session.expires_at is not None and session.expires_at <= at:
            assert session.view_id is not None
            return lapse(session, member.views[session.view_id])
    return (), ()
