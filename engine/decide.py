"""Which rule decides which intent."""

from collections.abc import Callable

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
    Applied,
    AskQuestion,
    BoostAction,
    CompleteTask,
    CompleteView,
    ConfirmView,
    FailBoost,
    FailView,
    FinishWatch,
    FlagUser,
    Intent,
    Reason,
    Rejected,
    ReviewTask,
    StartBoost,
    StartMining,
    StartTask,
    StartView,
    ViewAction,
)
from engine.mining import SessionPayee, start_mining
from engine.task_ads import TaskPayee
from engine.tasks import DAY_CLOSED, answer_task, complete_task, review_task, start_task
from engine.views import Payee, complete_view, confirm_view, expire, fail_view, start_view

OnBoost = Callable[[Boost, Intent, Member, House], Decision]
OnMember = Callable[[Member, Intent, House], Decision]
OnView = Callable[[Payee, AdView, Intent, Member, House], Decision]

_ON_MEMBER: dict[type, OnMember] = {
    StartMining: start_mining,
    StartBoost: start_boost,
    StartTask: start_task,
    CompleteTask: complete_task,
    AnswerTask: answer_task,
    ReviewTask: review_task,
}
_ON_VIEW: dict[type, OnView] = {
    StartView: start_view,
    CompleteView: complete_view,
    FailView: fail_view,
    ConfirmView: confirm_view,
}
_ON_BOOST: dict[type, OnBoost] = {
    FailBoost: fail_boost,
    FinishWatch: finish_watch,
    AskQuestion: ask_question,
    AnswerBoost: answer_boost,
}


def decide(member: Member, intent: Intent, house: House) -> Decision:
    """Apply the rule for the intent's action.

    A disabled account stops at once, also for what it recorded before: that is what it is for.
    """
    if not member.is_active:
        return Decision(
            Rejected(Reason.ACCOUNT_DISABLED, "This account is disabled. Write to support.")
        )
    action = intent.action
    if isinstance(action, FlagUser):
        return Decision(Applied({}))  # what it brings, engine.fraud.checks says
    if type(action) in _ON_MEMBER:
        return _ON_MEMBER[type(action)](member, intent, house)
    if isinstance(action, ViewAction):
        return _decide_view(member, member.views.get(action.view_id), intent, house)
    if isinstance(action, BoostAction) and not isinstance(action, StartBoost):
        return _decide_boost(member, member.boosts.get(action.boost_id), intent, house)
    raise TypeError(f"{type(action).__name__} is not decided member by member")


def _decide_view(member: Member, view: AdView | None, intent: Intent, house: House) -> Decision:
    if view is None:
        return Decision(Rejected(Reason.VIEW_UNKNOWN, "There is no such ad view."))
    if view.status not in OPEN_VIEW_STATUSES:
        return Decision(_view_closed(view))
    payee = _payee(member, view, intent, house)
    if payee is None:
        return Decision(DAY_CLOSED)
    if payee.expires_at is not None and intent.recorded_at >= payee.expires_at:
        return expire(payee, view, intent.recorded_at, house)
    return _ON_VIEW[type(intent.action)](payee, view, intent, member, house)


def _payee(member: Member, view: AdView, intent: Intent, house: House) -> Payee | None:
    if view.session_id is not None:
        return SessionPayee(member.sessions[view.session_id], intent.group_number)
    assert view.task_day is not None and view.task_number is not None
    state = member.tasks.get((view.task_day, view.task_number))
    if state is None or view.task_day not in house.days:
        return None
    return TaskPayee(state, intent)


def _decide_boost(member: Member, boost: Boost | None, intent: Intent, house: House) -> Decision:
    if boost is None:
        return Decision(Rejected(Reason.BOOST_UNKNOWN, "There is no such boost."))
    if boost.status not in OPEN_BOOST_STATUSES:
        over = "This boost is over: one answer, or another start, ends it. Begin another."
        shown = isinstance(intent.action, AskQuestion)
        spent = ask_of_closed(boost, intent, member) if shown else ()
        return Decision(Rejected(Reason.BOOST_CLOSED, over), boosts=spent)
    return _ON_BOOST[type(intent.action)](boost, intent, member, house)


def _view_closed(view: AdView) -> Rejected:
    if view.failure == Reason.AD_EXPIRED:
        return Rejected(Reason.AD_EXPIRED, "The ad was not proved in time. Start again.")
    return Rejected(Reason.VIEW_CLOSED, f"This view is {view.status.value.lower()} already.")
