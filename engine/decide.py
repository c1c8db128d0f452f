"""Which rule decides which intent, member by member (`RULES`), and what follows (`REACTIONS`)."""

from engine.ads.actions import ViewAction
from engine.ads.rules import VIEW_RULES, OnView, Payee, expire
from engine.ads.state import OPEN_VIEW_STATUSES, AdView, Views
from engine.core.action import Action, AnyIntent, Intent
from engine.core.conditions import Conditions
from engine.core.decision import Decision
from engine.core.found import gathered, merged
from engine.core.member import Member
from engine.core.outcome import Reason, Rejected
from engine.core.rule import Reaction, Rule
from engine.domains import found_in_all
from engine.mining.rules import SessionPayee
from engine.mining.state import Sessions
from engine.tasks.ads import TaskPayee
from engine.tasks.rules import DAY_CLOSED
from engine.tasks.state import Days, Tasks


def decide(member: Member, intent: AnyIntent, conditions: Conditions) -> Decision:
    """Apply the rule for the intent's action, then what reacts to every decision.

    A disabled account stops at once, also for what it recorded before: that is what it is for. Only
    what carries something to it is decided nevertheless.
    """
    if member.is_active or intent.action.is_delivery:
        decision = RULES[type(intent.action)](member, intent, conditions)
    else:
        disabled = "This account is disabled. Write to support."
        decision = Decision(Rejected(Reason.ACCOUNT_DISABLED, disabled))
    for react in REACTIONS:
        decision = react(member, intent, decision, conditions)
    return decision


def _of_view(rule: OnView) -> Rule:
    """A rule about one of the member's ad views that is open and in time."""

    def decide_view(member: Member, intent: Intent[ViewAction], conditions: Conditions) -> Decision:
        view = member.of(Views).get(intent.action.view_id)
        if view is None:
            return Decision(Rejected(Reason.VIEW_UNKNOWN, "There is no such ad view."))
        if view.status not in OPEN_VIEW_STATUSES:
            return Decision(_view_closed(view))
        payee = _payee(member, view, intent, conditions)
        if payee is None:
            return Decision(DAY_CLOSED)
        if payee.expires_at is not None and intent.recorded_at >= payee.expires_at:
            return expire(payee, view, intent.recorded_at, conditions)
        return rule(payee, view, intent, member, conditions)

    return decide_view


def _payee(member: Member, view: AdView, intent: AnyIntent, conditions: Conditions) -> Payee | None:
    if view.session_id is not None:
        return SessionPayee(member.of(Sessions)[view.session_id], intent.group_number)
    assert view.task_day is not None and view.task_number is not None
    state = member.of(Tasks).get((view.task_day, view.task_number))
    if state is None or view.task_day not in conditions.of(Days):
        return None
    return TaskPayee(state, intent)


def _view_closed(view: AdView) -> Rejected:
    if view.failure == Reason.AD_EXPIRED:
        return Rejected(Reason.AD_EXPIRED, "The ad was not proved in time. Start again.")
    return Rejected(Reason.VIEW_CLOSED, f"This view is {view.status.value.lower()} already.")


OF_VIEWS: dict[type[Action], Rule] = {kind: _of_view(rule) for kind, rule in VIEW_RULES.items()}
RULES: dict[type[Action], Rule] = merged([OF_VIEWS, *found_in_all("rules", "RULES")])
REACTIONS: tuple[Reaction, ...] = (
    *gathered(found_in_all("reactions", "REACTIONS")),
    *gathered(found_in_all("reactions", "LAST_REACTIONS")),
)
