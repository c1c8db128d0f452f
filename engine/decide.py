"""Which rule decides which intent, member by member (`RULES`), and what follows (`REACTIONS`)."""

from collections.abc import Callable
from typing import Any

from engine.ads.actions import CompleteView, ConfirmView, FailView, StartView, ViewAction
from engine.ads.rules import (
    Payee,
    complete_view,
    confirm_view,
    count_request,
    expire,
    fail_view,
    start_view,
)
from engine.ads.state import OPEN_VIEW_STATUSES, AdView, Views
from engine.boosts.actions import AnswerBoost, AskQuestion, FailBoost, FinishWatch, StartBoost
from engine.boosts.reactions import leave_for_ad
from engine.boosts.rules import (
    answer_boost,
    ask_of_closed,
    ask_question,
    fail_boost,
    finish_watch,
    start_boost,
)
from engine.boosts.state import OPEN_BOOST_STATUSES, Boost, Boosts
from engine.core.action import Action, AnyIntent, Intent
from engine.core.conditions import Conditions
from engine.core.decision import Decision
from engine.core.member import Member
from engine.core.outcome import Applied, Nothing, Reason, Rejected
from engine.fraud.actions import FlagUser
from engine.fraud.examination import examine
from engine.mining.actions import StartMining
from engine.mining.rules import SessionPayee, start_mining
from engine.mining.state import Sessions
from engine.tasks.actions import AnswerTask, CompleteTask, ReviewTask, StartTask
from engine.tasks.ads import TaskPayee
from engine.tasks.rules import DAY_CLOSED, answer_task, complete_task, review_task, start_task
from engine.tasks.state import Days, Tasks

OfBoost = FailBoost | FinishWatch | AskQuestion | AnswerBoost

Rule = Callable[[Member, Intent[Any], Conditions], Decision]
Reaction = Callable[[Member, AnyIntent, Decision, Conditions], Decision]
OnBoost = Callable[[Boost, Intent[Any], Member, Conditions], Decision]
OnView = Callable[[Payee, AdView, Intent[Any], Member, Conditions], Decision]


def decide(member: Member, intent: AnyIntent, conditions: Conditions) -> Decision:
    """Apply the rule for the intent's action, then what reacts to every decision.

    A disabled account stops at once, also for what it recorded before: that is what it is for.
    """
    if member.is_active:
        decision = RULES[type(intent.action)](member, intent, conditions)
    else:
        disabled = "This account is disabled. Write to support."
        decision = Decision(Rejected(Reason.ACCOUNT_DISABLED, disabled))
    for react in REACTIONS:
        decision = react(member, intent, decision, conditions)
    return decision


def _flag(member: Member, intent: Intent[FlagUser], conditions: Conditions) -> Decision:
    return Decision(Applied(Nothing()))  # what it brings, engine.fraud.checks says


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


def _of_boost(rule: OnBoost) -> Rule:
    """A rule about one of the member's boosts that is open."""

    def decide_boost(member: Member, intent: Intent[OfBoost], conditions: Conditions) -> Decision:
        boost = member.of(Boosts).get(intent.action.boost_id)
        if boost is None:
            return Decision(Rejected(Reason.BOOST_UNKNOWN, "There is no such boost."))
        if boost.status not in OPEN_BOOST_STATUSES:
            over = "This boost is over: one answer, or another start, ends it. Begin another."
            shown = isinstance(intent.action, AskQuestion)
            spent = ask_of_closed(boost, intent, member) if shown else ()
            return Decision(Rejected(Reason.BOOST_CLOSED, over), changed=spent)
        return rule(boost, intent, member, conditions)

    return decide_boost


def _view_closed(view: AdView) -> Rejected:
    if view.failure == Reason.AD_EXPIRED:
        return Rejected(Reason.AD_EXPIRED, "The ad was not proved in time. Start again.")
    return Rejected(Reason.VIEW_CLOSED, f"This view is {view.status.value.lower()} already.")


RULES: dict[type[Action], Rule] = {
    StartMining: start_mining,
    StartView: _of_view(start_view),
    CompleteView: _of_view(complete_view),
    FailView: _of_view(fail_view),
    ConfirmView: _of_view(confirm_view),
    StartBoost: start_boost,
    FailBoost: _of_boost(fail_boost),
    FinishWatch: _of_boost(finish_watch),
    AskQuestion: _of_boost(ask_question),
    AnswerBoost: _of_boost(answer_boost),
    StartTask: start_task,
    CompleteTask: complete_task,
    AnswerTask: answer_task,
    ReviewTask: review_task,
    FlagUser: _flag,
}

# Each is given the decision with what the ones before added to it.
REACTIONS: tuple[Reaction, ...] = (count_request, leave_for_ad, examine)
