"""Watching an ad and proving it (blueprint, "Mining cycle"; decision 0005).

The gate is the server's own clock, from `started` to `completed`; the network's signed callback is
the proof of view where the unit asks for one.
"""

from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from engine.accrual import accrued
from engine.ads import TRIES_MAX, AdUnit, AdView, Proof, ViewStatus, choose_ad, encode_nonce
from engine.intents import Applied, ConfirmView, FailView, Intent, Reason, Rejected
from engine.session import (
    Decision,
    House,
    LogEntry,
    Member,
    Session,
    SessionStatus,
    failed,
    latest_end,
    session_result,
)
from engine.timeline import current_window, next_opening


def start_view(
    session: Session, view: AdView, intent: Intent, member: Member, house: House
) -> Decision:
    """The ad plays: the server's clock runs from here. A repeat does not restart it."""
    if view.status is not ViewStatus.SERVED:
        return Decision(Applied({"ad": ad_result(view)}))
    view = replace(view, status=ViewStatus.STARTED, started_at=intent.recorded_at)
    return Decision(
        Applied({"ad": ad_result(view)}), views=(view,), logs=(log_view(view, "AD_START"),)
    )


def complete_view(
    session: Session, view: AdView, intent: Intent, member: Member, house: House
) -> Decision:
    """The client says the ad was watched. Too short by our clock: the session fails, logged."""
    at = intent.recorded_at
    if view.started_at is None:
        return Decision(
            Rejected(Reason.AD_NOT_STARTED, "Report the ad as started when it begins to play.")
        )
    if view.status is ViewStatus.COMPLETED:
        return Decision(Applied(session_result(session)))
    if view.proof is not Proof.NETWORK_SIGNED and _too_short(view, at):
        return _fail_short(session, view, at, house, intent.group_number)
    view = replace(view, completed_at=at, status=ViewStatus.COMPLETED)
    if view.proof is Proof.CLIENT_TIMED or view.confirmed_at is not None:
        return _activate(session, view, at, member, house)
    # Bounded also for ads reported as watched and then as failed: start_limit relies on it.
    proof_time = timedelta(seconds=house.table.timing.proof_seconds)
    expires_at = min(at + proof_time, session.requested_at + 2 * proof_time)
    session = replace(session, expires_at=expires_at)
    return Decision(
        Applied(session_result(session)),
        sessions=(session,),
        views=(view,),
        logs=(log_view(view, "AD_COMPLETE"),),
    )


def confirm_view(
    session: Session, view: AdView, intent: Intent, member: Member, house: House
) -> Decision:
    """The network's signed callback. It may come before or after the client's own report."""
    action, at = intent.action, intent.recorded_at
    assert isinstance(action, ConfirmView)
    if view.proof is Proof.CLIENT_TIMED or (view.network, view.unit) != (
        action.network,
        action.ad_unit or view.unit,
    ):
        return Decision(
            Rejected(Reason.AD_MISMATCH, "The callback is for another ad than the one served.")
        )
    if view.confirmed_at is not None:
        return Decision(Rejected(Reason.VIEW_CLOSED, "This view has been confirmed already."))
    if view.proof is Proof.NETWORK_SIGNED and _too_short(view, at):
        return _fail_short(session, view, at, house, intent.group_number)
    view = replace(view, confirmed_at=at, event_id=action.event_id)
    if view.proof is Proof.NETWORK_SIGNED or view.completed_at is not None:
        return _activate(session, view, at, member, house)
    return Decision(
        Applied(session_result(session)), views=(view,), logs=(log_view(view, "AD_CONFIRM"),)
    )


def fail_view(
    session: Session, view: AdView, intent: Intent, member: Member, house: House
) -> Decision:
    """The ad could not be shown: serve another, up to three, then AD_UNAVAILABLE."""
    action, at = intent.action, intent.recorded_at
    assert isinstance(action, FailView)
    dropped = replace(view, status=ViewStatus.FAILED, failed_at=at, failure=action.cause)
    tried = {v.ad_id for v in member.views.values() if v.session_id == session.id}
    unit = None
    if view.try_number < TRIES_MAX:
        # With fewer units than tries, a unit that failed may load the second time.
        unit = choose_ad(house.ads, session.id, tried) or choose_ad(house.ads, intent.id, ())
    if unit is None:
        session = failed(session, at, Reason.AD_UNAVAILABLE)
        opens_at = next_opening(house.table, session.group_number, at)
        window = current_window(house.table, session.group_number, at)
        return Decision(
            Rejected(
                Reason.AD_UNAVAILABLE,
                f"{TRIES_MAX} ads could not be shown. The session was given up.",
                at if window else opens_at,
            ),
            sessions=(session,),
            views=(dropped,),
            logs=(log_view(dropped, "AD_FAIL"),),
        )
    view = serve(unit, session, intent, try_number=view.try_number + 1)
    session = replace(session, view_id=view.id)
    return Decision(
        Applied(session_result(session) | {"ad": ad_result(view)}),
        sessions=(session,),
        views=(dropped, view),
        logs=(log_view(dropped, "AD_FAIL"),),
    )


def _activate(
    session: Session, view: AdView, at: datetime, member: Member, house: House
) -> Decision:
    """Verified: the session runs from max(verified, end of the previous one) (decision 0004)."""
    started_at = max(at, latest_end(member.sessions) or at)
    ends_at = started_at + timedelta(seconds=house.table.timing.cycle_seconds)
    view = replace(view, status=ViewStatus.VERIFIED, verified_at=at)
    session = replace(
        session,
        status=SessionStatus.ACTIVE,
        expires_at=None,
        started_at=started_at,
        ends_at=ends_at,
    )
    return Decision(
        Applied(session_result(session)),
        sessions=(session,),
        views=(view,),
        credit_micro=accrued(session.reward_micro, started_at, ends_at, house.credited_through),
        logs=(log_view(view, "AD_VIEW"),),
    )


def _too_short(view: AdView, at: datetime) -> bool:
    since = view.started_at or view.served_at
    return at - since < timedelta(seconds=view.min_seconds)


def _fail_short(session: Session, view: AdView, at: datetime, house: House, group: int) -> Decision:
    watched = (at - (view.started_at or view.served_at)).total_seconds()
    window = current_window(house.table, group, at)
    view = replace(view, status=ViewStatus.FAILED, failed_at=at, failure=Reason.AD_TOO_SHORT.value)
    return Decision(
        Rejected(
            Reason.AD_TOO_SHORT,
            f"The ad was watched for {watched:.3f} s of {view.min_seconds} s.",
            at if window else next_opening(house.table, group, at),
        ),
        sessions=(failed(session, at, Reason.AD_TOO_SHORT),),
        views=(view,),
        logs=(log_view(view, "INCOMPLETE_VIEW", severity="LOW", watched_seconds=watched),),
    )


def expire(session: Session, view: AdView, at: datetime) -> Decision:
    """The proof came too late; settlement would have failed the session all the same."""
    late = Rejected(Reason.AD_EXPIRED, "The ad was not proved in time. Start again.")
    if session.lapses_at is not None and at < session.lapses_at:
        return Decision(late)
    sessions, views = lapse(session, view)
    return Decision(
        late,
        sessions=sessions,
        views=views,
        logs=(log_view(views[0], "AD_EXPIRE"),),
    )


def lapse(session: Session, view: AdView) -> tuple[tuple[Session, ...], tuple[AdView, ...]]:
    """Give up a PENDING session and its view at the instant at which it expired."""
    at = session.expires_at
    assert at is not None
    late = replace(view, status=ViewStatus.FAILED, failed_at=at, failure=Reason.AD_EXPIRED.value)
    return (failed(session, at, Reason.AD_EXPIRED),), (late,)


def serve(unit: AdUnit, session: Session, intent: Intent, try_number: int) -> AdView:
    """A new view of a unit. Its id is the intent's: one intent serves at most one ad."""
    return AdView(
        id=intent.id,
        user_id=session.user_id,
        session_id=session.id,
        ad_id=unit.id,
        network=unit.network,
        unit=unit.unit,
        min_seconds=unit.min_seconds,
        proof=unit.proof,
        try_number=try_number,
        status=ViewStatus.SERVED,
        served_at=intent.recorded_at,
    )


def ad_result(view: AdView) -> dict[str, Any]:
    """What the client needs in order to show an ad and report on it."""
    return {
        "view_id": view.id,
        "network": view.network,
        "unit": view.unit,
        "nonce": encode_nonce(view.id, view.user_id),
        "min_seconds": view.min_seconds,
        "proof": view.proof,
        "try_number": view.try_number,
        "started_at": view.started_at,
    }


def log_view(view: AdView, event: str, severity: str | None = None, **details: Any) -> LogEntry:
    """A log entry about a view."""
    facts = {"network": view.network, "unit": view.unit, "try_number": view.try_number}
    return LogEntry(view.user_id, event, "ad_view", view.id, facts | details, severity)
