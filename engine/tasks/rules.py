"""Working on daily tasks (blueprint, "Daily tasks"; decision 0019).

An action belongs to the UTC day in which it was recorded; an ad belongs to the task it was served
for, also when its proof comes after midnight. A task is paid as soon as it is proved.
"""

from datetime import date, datetime, timedelta

from msgspec.structs import replace

from engine.content.library import OPTION_COUNT, Library, is_right, present
from engine.core.action import Intent
from engine.core.conditions import Conditions
from engine.core.decision import Decision, Note
from engine.core.member import Member
from engine.core.outcome import Applied, Reason, Rejected
from engine.core.timeline import next_midnight, utc_day
from engine.ledger.rights import CONTENT, PROMOTION
from engine.tasks.actions import AnswerTask, CompleteTask, ReviewTask, StartTask
from engine.tasks.ads import serve_task_ad
from engine.tasks.claim import log_task, pay_task, task_facts, tasks_of_day
from engine.tasks.state import (
    QUIZ_ATTEMPTS,
    Category,
    Days,
    DrawnTask,
    TaskResult,
    Tasks,
    TaskState,
    TaskStatus,
    draw_day,
    open_wave,
)

READ_TIME = timedelta(seconds=20)
DAY_CLOSED = Rejected(Reason.DAY_CLOSED, "That day is over and closed.")


def start_task(member: Member, intent: Intent[StartTask], conditions: Conditions) -> Decision:
    """Begin a task: the clock of an article runs, an ad is served, a quiz question is shown."""
    action, at = intent.action, intent.recorded_at
    found = _drawn(member, action.number, utc_day(at), conditions)
    if isinstance(found, Rejected):
        return Decision(found)
    state = member.of(Tasks).get((utc_day(at), action.number))
    if state is not None and state.status is not TaskStatus.PENDING:
        return Decision(_closed(state, at))
    if state is None:
        state = TaskState(
            user_id=member.user_id,
            day=utc_day(at),
            number=found.number,
            task_type_id=found.type.id,
            category=found.type.category,
            subject=found.subjects[0] if found.subjects else None,
            reward_micro=found.type.reward_micro,
            status=TaskStatus.PENDING,
            attempt=1,
            started_at=at,
        )
    elif state.category is not Category.ADS:
        return Decision(Applied(task_result(state, conditions)))  # the clock is not set back
    if state.category is Category.ADS:
        return serve_task_ad(state, member, intent, conditions)
    return Decision(
        Applied(task_result(state, conditions)),
        (state,),
        logs=(log_task(state, intent.id, "TASK_START"),),
    )


def _drawn(member: Member, number: int, day: date, conditions: Conditions) -> DrawnTask | Rejected:
    """The task of that number, if its wave is open."""
    if day not in conditions.of(Days):
        return DAY_CLOSED
    drawn = draw_day(member.user_id, day, conditions.of(Days)[day])
    task = next((task for task in drawn if task.number == number), None)
    if task is None:
        return Rejected(Reason.TASK_UNKNOWN, f"There are {len(drawn)} tasks a day.")
    if task.wave > open_wave(drawn, tasks_of_day(member, day)):
        return Rejected(Reason.TASK_LOCKED, "Finish the tasks before this one first.")
    return task


def complete_task(member: Member, intent: Intent[CompleteTask], conditions: Conditions) -> Decision:
    """An article was read to its end, or a social task is handed in for review."""
    action, at = intent.action, intent.recorded_at
    state = member.of(Tasks).get((utc_day(at), action.number))
    refused = _refuse(state, at, conditions, Category.CONTENT, Category.SOCIAL)
    if refused is not None:
        return Decision(refused)
    assert state is not None
    if state.category is Category.SOCIAL:
        state = replace(
            state, status=TaskStatus.REVIEW, submitted_at=at, proof=action.proof, reviewer=None
        )
        return Decision(
            Applied(task_result(state, conditions)),
            (state,),
            logs=(log_task(state, intent.id, "TASK_SUBMIT"),),
        )
    began_at = _reading_since(state, member)
    if at - began_at < READ_TIME:
        seconds = max(0.0, (at - began_at).total_seconds())
        return Decision(
            Rejected(
                Reason.READ_TOO_SHORT,
                f"Read for at least {READ_TIME.total_seconds():.0f} s; it was {seconds:.3f} s.",
                began_at + READ_TIME,
            ),
            logs=(log_task(state, intent.id, "INCOMPLETE_READ", severity="LOW"),),
        )
    return pay_task(state, CONTENT, member, intent, conditions)


def _reading_since(state: TaskState, member: Member) -> datetime:
    """One article after the other: the clock of one begins when the last one was paid."""
    others = tasks_of_day(member, state.day).values()
    paid = [o.claimed_at for o in others if o.category is Category.CONTENT and o.claimed_at]
    return max([state.started_at, *paid])


def answer_task(member: Member, intent: Intent[AnswerTask], conditions: Conditions) -> Decision:
    """A quiz answer: right pays; wrong is logged and shows another question, three in all."""
    action, at = intent.action, intent.recorded_at
    day = utc_day(at)
    state = member.of(Tasks).get((day, action.number))
    refused = _refuse(state, at, conditions, Category.QUIZ)
    if refused is not None:
        return Decision(refused)
    assert state is not None and state.subject is not None
    question = conditions.of(Library).questions[state.subject]
    if 0 <= action.option < OPTION_COUNT and is_right(question, _seed(state), action.option):
        return pay_task(state, CONTENT, member, intent, conditions)
    wrong = log_task(state, intent.id, "TASK_WRONG", attempt=state.attempt)
    if state.attempt == QUIZ_ATTEMPTS:
        state = replace(state, status=TaskStatus.FAILED, failed_at=at, failure="ANSWERED_WRONG")
    else:
        drawn = draw_day(member.user_id, day, conditions.of(Days)[day])[action.number - 1]
        subject = drawn.subjects[state.attempt]
        state = replace(state, attempt=state.attempt + 1, subject=subject)
    return Decision(
        Applied(replace(task_result(state, conditions), is_correct=False)), (state,), logs=(wrong,)
    )


def review_task(member: Member, intent: Intent[ReviewTask], conditions: Conditions) -> Decision:
    """A moderator's verdict: approved pays; refused may be handed in again that day."""
    action, at = intent.action, intent.recorded_at
    if action.day not in conditions.of(Days):
        return Decision(DAY_CLOSED)
    state = member.of(Tasks).get((action.day, action.number))
    if (
        state is None
        or state.status is not TaskStatus.REVIEW
        or state.submitted_at != action.submitted_at
    ):
        return Decision(Rejected(Reason.TASK_CLOSED, "This does not await a review any more."))
    state = replace(state, reviewer=action.reviewer)
    if action.is_approved:
        return pay_task(state, PROMOTION, member, intent, conditions)
    state = replace(state, status=TaskStatus.PENDING)
    params = {"day": state.day, "number": state.number}
    return Decision(
        Applied(task_result(state, conditions)),
        (state,),
        notes=(Note(state.user_id, "task.refused", params, at),),
        logs=(log_task(state, intent.id, "TASK_REFUSE"),),
    )


def _refuse(
    state: TaskState | None, at: datetime, conditions: Conditions, *kinds: Category
) -> Rejected | None:
    if utc_day(at) not in conditions.of(Days):
        return DAY_CLOSED
    if state is None:
        return Rejected(Reason.TASK_NOT_STARTED, "Start this task of today first.")
    if state.category not in kinds:
        return Rejected(
            Reason.TASK_OF_ANOTHER_KIND, f"A task of kind {state.category} is not done this way."
        )
    return None if state.status is TaskStatus.PENDING else _closed(state, at)


def _closed(state: TaskState, at: datetime) -> Rejected:
    said = {"CLAIMED": "done and paid", "REVIEW": "in review", "FAILED": "closed for today"}
    return Rejected(
        Reason.TASK_CLOSED, f"This task is {said[state.status.value]}.", next_midnight(at)
    )


def task_result(state: TaskState, conditions: Conditions) -> TaskResult:
    """What the client is told of a task it acted on, with the question of a quiz."""
    result = task_facts(state)
    if state.category is Category.QUIZ and state.status is TaskStatus.PENDING and state.subject:
        question = conditions.of(Library).questions[state.subject]
        return replace(result, question=present(question, _seed(state)))
    return result


def _seed(state: TaskState) -> str:
    return f"{state.user_id}:{state.day.isoformat()}:{state.number}:{state.attempt}"


RULES = {
    StartTask: start_task,
    CompleteTask: complete_task,
    AnswerTask: answer_task,
    ReviewTask: review_task,
}
