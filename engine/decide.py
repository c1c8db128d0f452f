"""Which rule decides which intent, member by member (`RULES`)."""

from collections.abc import Callable
from typing import Any

from engine.action import Action, AnyIntent, Intent
from engine.ads import OPEN_VIEW_STATUSES, AdView
from engine.boost import OPEN_BOOST_STATUSES, Boost
from engine.boosts import (
    answer_boost,
    ask_of_closed,
    ask_question,
    fail_boost,
    finish_watch,
    start_boost,
)
from engine.decision import Decision, House, Member
from engine.intents import (
    AnswerBoost,
    AnswerTask,
    AskQuestion,
    CompleteTask,
    CompleteView,
    ConfirmView,
    FailBoost,
    FailView,
    FinishWatch,
    FlagUser,
    ReviewTask,
    StartBoost,
    StartMining,
    StartTask,
    StartView,
    ViewAction,
)
from engine.mining import SessionPayee, start_mining
from engine.outcome import Applied, Reason, Rejected
from engine.task_ads import TaskPayee
from engine.tasks import DAY_CLOSED, answer_task, complete_task, review_task, start_task
from engine.views import Payee, complete_view, confirm_view, expire, fail_view, start_view

OfBoost = FailBoost | FinishWatch | AskQuestion | AnswerBoost

Rule = Callable[[Member, Intent[Any], House], Decision]
OnBoost = Callable[[Boost, Intent[Any], Member, House], Decision]
OnView = Callable[[Payee, AdView, Intent[Any], Member, House], Decision]


def decide(member: Member, intent: AnyIntent, house: House) -> Decision:
    """Apply the rule for the intent's action.

    A disabled account stops at once, also for what it recorded before: that is what it is for.
    """
    if not member.is_active:
        return Decision(
            Rejected(Reason.ACCOUNT_DISABLED, "This account is disabled. Write to support.")
        )
    return RULES[type(intent.action)](member, intent, house)


def _flag(member: Member, intent: Intent[FlagUser], house: House) -> Decision:
    return Decision(Applied({}))  # what it brings, engine.fraud.checks says


def _of_view(rule: OnView) -> Rule:
    """A rule about one of the member's ad views that is open and in time."""

    def decide_view(member: Member, intent: Intent[ViewAction], house: House) -> Decision:
        view = member.views.get(intent.action.view_id)
        if view is None:
            return Decision(Rejected(Reason.VIEW_UNKNOWN, "There is no such ad view."))
        if view.status not in OPEN_VIEW_STATUSES:
            return Decision(_view_closed(view))
        payee = _payee(member, view, intent, house)
        if payee is None:
            return Decision(DAY_CLOSED)
        if payee.expires_at is not None and intent.recorded_at >= payee.expires_at:
            return expire(payee, view, intent.recorded_at, house)
        return rule(payee, view, intent, member, house)

    return decide_view


def _payee(member: Member, view: AdView, intent: AnyIntent, house: House) -> Payee | None:
    if view.session_id is not None:
        return SessionPayee(member.sessions[view.session_id], intent.group_number)
    assert view.task_day is not None and view.task_number is not None
    state = member.tasks.get((view.task_day, view.task_number))
    if state is None or view.task_day not in house.days:
        return None
    return TaskPayee(state, intent)


def _of_boost(rule: OnBoost) -> Rule:
    """A rule about one of the member's boosts that is open."""

    def decide_boost(member: Member, intent: Intent[OfBoost], house: House) -> Decision:
        boost = member.boosts.get(intent.action.boost_id)
        if boost is None:
            return Decision(Rejected(Reason.BOOST_UNKNOWN, "There is no such boost."))
        if boost.status not in OPEN_BOOST_STATUSES:
            over = "This boost is over: one answer, or another start, ends it. Begin another."
            shown = isinstance(intent.action, AskQuestion)
            spent = ask_of_closed(boost, intent, member) if shown else ()
            return Decision(Rejected(Reason.BOOST_CLOSED, over), boosts=spent)
        return rule(boost, intent, member, house)

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
