"""Which rule decides which intent."""

from engine.ads import OPEN_VIEW_STATUSES, AdView
from engine.intents import (
    CompleteView,
    ConfirmView,
    FailView,
    Intent,
    Reason,
    Rejected,
    StartMining,
    StartView,
)
from engine.mining import start_mining
from engine.session import Decision, House, Member
from engine.views import complete_view, confirm_view, expire, fail_view, start_view


def decide(member: Member, intent: Intent, house: House) -> Decision:
    """Apply the rule for the intent's action.

    A disabled account stops at once, also for what it recorded before: that is what it is for.
    """
    if not member.is_active:
        return Decision(
            Rejected(Reason.ACCOUNT_DISABLED, "This account is disabled. Write to support.")
        )
    match intent.action:
        case StartMining():
            return start_mining(member, intent, house)
        case StartView(view_id):
            rule = start_view
        case CompleteView(view_id):
            rule = complete_view
        case FailView(view_id):
            rule = fail_view
        case ConfirmView(view_id):
            rule = confirm_view
        case other:
            raise TypeError(f"{type(other).__name__} is not decided member by member")
    view = member.views.get(view_id)
    if view is None:
        return Decision(Rejected(Reason.VIEW_UNKNOWN, "There is no such ad view."))
    if view.status not in OPEN_VIEW_STATUSES:
        return Decision(_view_closed(view))
    session = member.sessions[view.session_id]
    if session.expires_at is not None and intent.recorded_at >= session.expires_at:
        return expire(session, view, intent.recorded_at)
    return rule(session, view, intent, member, house)


def _view_closed(view: AdView) -> Rejected:
    if view.failure == Reason.AD_EXPIRED:
        return Rejected(Reason.AD_EXPIRED, "The ad was not proved in time. Start again.")
    return Rejected(Reason.VIEW_CLOSED, f"This view is {view.status.value.lower()} already.")
