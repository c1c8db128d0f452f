"""Watching an ad and proving it (blueprint, "Mining cycle"; decision 0005).

The gate is the server's own clock, from `started` to `completed`; the network's signed callback is
the proof of view where the unit asks for one. What a proved view pays for is its payee's business.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from msgspec.structs import replace

from engine.ads.actions import CompleteView, ConfirmView, FailView, StartView
from engine.ads.state import (
    TRIES_MAX,
    AdOffer,
    AdResult,
    AdUnit,
    AdView,
    Proof,
    Purpose,
    Views,
    ViewStatus,
    choose_ad,
    draw_ad,
    playing,
    show_ad,
)
from engine.core.action import Action, AnyIntent, Intent
from engine.core.conditions import Conditions
from engine.core.decision import Decision, LogEntry
from engine.core.member import Member
from engine.core.outcome import Applied, Reason, Rejected, Result
from engine.ledger.rights import bounded


class Payee(Protocol):
    """What a view pays for: a session (engine.mining.rules) or a task (engine.tasks.ads).

    How long it may stay unproved: engine.ads.proving.
    """

    purpose: Purpose
    expires_at: datetime | None
    lapses_at: datetime | None

    def result(self) -> Result:
        """What the client is told of it."""
        ...

    def shows(self, view: AdView) -> Decision:
        """Another ad is served for it."""
        ...

    def waits(self, at: datetime, conditions: Conditions) -> Decision:
        """The ad was watched; its callback is outstanding."""
        ...

    def earns(self, view: AdView, at: datetime, member: Member, conditions: Conditions) -> Decision:
        """The ad is proved."""
        ...

    def loses(self, at: datetime, refusal: Rejected, conditions: Conditions) -> Decision:
        """There will be no proof of this ad."""
        ...


OnView = Callable[[Payee, AdView, Intent[Any], Member, Conditions], Decision]


def start_view(
    payee: Payee, view: AdView, intent: Intent[StartView], member: Member, conditions: Conditions
) -> Decision:
    """The ad plays: the server's clock runs from here. A repeat does not restart it.

    One ad after the other.
    """
    if view.status is not ViewStatus.SERVED:
        return Decision(Applied(AdResult(ad=show_ad(view))))
    at = intent.recorded_at
    free_at = busy_until(member, at, at + timedelta(seconds=view.min_seconds), but=view.id)
    if free_at is not None:
        return Decision(ad_playing(free_at))
    view = replace(view, status=ViewStatus.STARTED, started_at=at)
    return Decision(
        Applied(AdResult(ad=show_ad(view))),
        (view,),
        logs=(log_view(view, "AD_START"),),
    )


def busy_until(
    member: Member, since: datetime, until: datetime, *, but: UUID | None = None
) -> datetime | None:
    """When the last ad is over that is watched, or was, at any time between; None if none is."""
    others = (view for view in member.of(Views).values() if view.id != but)
    watched = filter(None, map(playing, others))
    return max((end for start, end in watched if start < until and since < end), default=None)


def ad_playing(free_at: datetime) -> Rejected:
    """Nothing else is watched meanwhile."""
    return Rejected(Reason.AD_IN_PROGRESS, "Another ad is being watched. One at a time.", free_at)


def complete_view(
    payee: Payee, view: AdView, intent: Intent[CompleteView], member: Member, conditions: Conditions
) -> Decision:
    """The client says the ad was watched. Too short by our clock: nothing is earned, logged."""
    at = intent.recorded_at
    if view.started_at is None:
        return Decision(
            Rejected(Reason.AD_NOT_STARTED, "Report the ad as started when it begins to play.")
        )
    if view.status is ViewStatus.COMPLETED:
        return Decision(Applied(payee.result()))
    if view.proof is not Proof.NETWORK_SIGNED and _too_short(view, at, member):
        return _fail_short(payee, view, at, conditions)
    view = replace(view, completed_at=at, status=ViewStatus.COMPLETED)
    if view.proof is Proof.CLIENT_TIMED or view.confirmed_at is not None:
        return _verify(payee, view, at, member, conditions)
    return _with_view(payee.waits(at, conditions), view, "AD_COMPLETE")


def confirm_view(
    payee: Payee, view: AdView, intent: Intent[ConfirmView], member: Member, conditions: Conditions
) -> Decision:
    """The network's signed callback. It may come before or after the client's own report."""
    action, at = intent.action, intent.recorded_at
    if view.proof is Proof.CLIENT_TIMED or (view.network, view.unit) != (
        action.network,
        action.ad_unit or view.unit,
    ):
        return Decision(
            Rejected(Reason.AD_MISMATCH, "The callback is for another ad than the one served.")
        )
    if view.confirmed_at is not None:
        return Decision(Rejected(Reason.VIEW_CLOSED, "This view has been confirmed already."))
    if action.seconds is not None and action.seconds < view.min_seconds:
        detail = f"The network showed {action.seconds} s of the {view.min_seconds} s asked for."
        entry = log_view(view, "INCOMPLETE_VIEW", severity="LOW", watched_seconds=action.seconds)
        return Decision(Rejected(Reason.AD_TOO_SHORT, detail), logs=(entry,))
    if view.proof is Proof.NETWORK_SIGNED and _too_short(view, at, member):
        return _fail_short(payee, view, at, conditions)
    view = replace(view, confirmed_at=at, event_id=action.event_id)
    if view.proof is Proof.NETWORK_SIGNED or view.completed_at is not None:
        return _verify(payee, view, at, member, conditions)
    return _with_view(Decision(Applied(payee.result())), view, "AD_CONFIRM")


def fail_view(
    payee: Payee, view: AdView, intent: Intent[FailView], member: Member, conditions: Conditions
) -> Decision:
    """The ad could not be shown: serve the next of the chain, up to three, then AD_UNAVAILABLE."""
    action, at = intent.action, intent.recorded_at
    dropped = replace(view, status=ViewStatus.FAILED, failed_at=at, failure=action.cause)
    unit = None
    if view.try_number < TRIES_MAX:
        offer = conditions.of(AdOffer)
        unit = choose_ad(offer.units, payee.purpose, after=view.ad_id, full=offer.full)
    if unit is None:
        detail = f"{TRIES_MAX} ads could not be shown. Try again."
        lost = payee.loses(at, Rejected(Reason.AD_UNAVAILABLE, detail), conditions)
        return _with_view(lost, dropped, "AD_FAIL")
    served = serve(unit, view, intent, try_number=view.try_number + 1)
    shown = payee.shows(served)
    return replace(
        shown, changed=(*shown.changed, dropped, served), logs=(log_view(dropped, "AD_FAIL"),)
    )


def _verify(
    payee: Payee, view: AdView, at: datetime, member: Member, conditions: Conditions
) -> Decision:
    view = replace(view, status=ViewStatus.VERIFIED, verified_at=at)
    return _with_view(payee.earns(view, at, member, conditions), view, "AD_VIEW")


def _too_short(view: AdView, at: datetime, member: Member) -> bool:
    since = view.started_at or busy_until(member, view.served_at, at) or view.served_at
    return at - since < timedelta(seconds=view.min_seconds)


def _fail_short(payee: Payee, view: AdView, at: datetime, conditions: Conditions) -> Decision:
    watched = (at - (view.started_at or view.served_at)).total_seconds()
    view = replace(view, status=ViewStatus.FAILED, failed_at=at, failure=Reason.AD_TOO_SHORT.value)
    detail = f"The ad was watched for {watched:.3f} s of {view.min_seconds} s."
    lost = payee.loses(at, Rejected(Reason.AD_TOO_SHORT, detail), conditions)
    entry = log_view(view, "INCOMPLETE_VIEW", severity="LOW", watched_seconds=watched)
    return replace(lost, changed=(*lost.changed, view), logs=(*lost.logs, entry))


def expire(payee: Payee, view: AdView, at: datetime, conditions: Conditions) -> Decision:
    """The proof came too late."""
    late = Rejected(Reason.AD_EXPIRED, "The ad was not proved in time. Start again.")
    if payee.lapses_at is not None and at < payee.lapses_at:
        return Decision(late)
    assert payee.expires_at is not None
    lost = payee.loses(payee.expires_at, late, conditions)
    return replace(_with_view(lost, lapsed(view, payee.expires_at), "AD_EXPIRE"), outcome=late)


def lapsed(view: AdView, at: datetime) -> AdView:
    """The view, given up at the instant at which its time was over."""
    return replace(view, status=ViewStatus.FAILED, failed_at=at, failure=Reason.AD_EXPIRED.value)


def _with_view(decision: Decision, view: AdView, event: str) -> Decision:
    return replace(
        decision, changed=(*decision.changed, view), logs=(*decision.logs, log_view(view, event))
    )


def first_view(
    purpose: Purpose, paid_for: str, intent: AnyIntent, conditions: Conditions, **pays_for: Any
) -> AdView | None:
    """The first ad served for a session (session_id) or a task (task_day, task_number), if any can.

    What it is paid for draws it: who gives up and begins again draws the same. If what was drawn
    has no request left, the reward of what is shown instead has no more rights.
    """
    assert intent.user_id is not None
    offer = conditions.of(AdOffer)
    seed = f"{conditions.lot}:{intent.user_id}:{paid_for}"
    drawn = draw_ad(offer.units, purpose, seed)
    unit = choose_ad(offer.units, purpose, seed, full=offer.full)
    if drawn is None or unit is None:
        return None
    return AdView(
        id=intent.id,
        user_id=intent.user_id,
        purpose=unit.purpose,
        **({"session_id": None, "task_day": None, "task_number": None} | pays_for),
        **_of_unit(unit),
        try_number=1,
        status=ViewStatus.SERVED,
        served_at=intent.recorded_at,
        funding=_other_funding(unit, drawn.network),
    )


def serve(unit: AdUnit, before: AdView, intent: AnyIntent, try_number: int) -> AdView:
    """The next ad for the same thing. Its id is the intent's: one intent serves at most one ad.

    Who reports every ad as failed gains nothing: its reward has no more rights than the first's.
    """
    return AdView(
        id=intent.id,
        user_id=before.user_id,
        purpose=before.purpose,
        session_id=before.session_id,
        task_day=before.task_day,
        task_number=before.task_number,
        **_of_unit(unit),
        try_number=try_number,
        status=ViewStatus.SERVED,
        served_at=intent.recorded_at,
        funding=_other_funding(unit, before.funded_by),
    )


def _other_funding(unit: AdUnit, drawn: str) -> str | None:
    """Whose money the reward is, if not the unit's network's."""
    funding = bounded(unit.network, drawn)
    return None if funding == unit.network else funding


def _of_unit(unit: AdUnit) -> dict[str, Any]:
    return {
        "ad_id": unit.id,
        "network": unit.network,
        "unit": unit.unit,
        "min_seconds": unit.min_seconds,
        "proof": unit.proof,
        "revenue_micro_usd": unit.revenue_micro_usd,
    }


def log_view(view: AdView, event: str, severity: str | None = None, **details: Any) -> LogEntry:
    """A log entry about a view."""
    facts = {"network": view.network, "unit": view.unit, "try_number": view.try_number}
    return LogEntry(view.user_id, event, "ad_view", view.id, facts | details, severity)


# Of a view that is open and in time, with what it is shown for (engine.decide).
VIEW_RULES: dict[type[Action], OnView] = {
    StartView: start_view,
    CompleteView: complete_view,
    FailView: fail_view,
    ConfirmView: confirm_view,
}
