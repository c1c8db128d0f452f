"""Paying a proved task, and the day's bonus (blueprint, "Daily tasks"; decision 0019)."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from engine.action import AnyIntent
from engine.conditions import Conditions
from engine.daily import (
    QUIZ_ATTEMPTS,
    TASKS_PER_DAY,
    Category,
    Days,
    Tasks,
    TaskState,
    TaskStatus,
    count_tasks,
    draw_day,
)
from engine.decision import Achievement, Decision, LogEntry, Note, Payment
from engine.member import Member
from engine.money import format_amount
from engine.outcome import Applied


def pay_task(
    state: TaskState, funding: str, member: Member, intent: AnyIntent, conditions: Conditions
) -> Decision:
    """Proved: CLAIMED and paid. The last task of a day brings its bonus and the achievement."""
    at = intent.recorded_at
    state = replace(state, status=TaskStatus.CLAIMED, claimed_at=at, expires_at=None)
    name = f"{state.user_id}:{state.day.isoformat()}"
    facts = {"day": state.day, "number": state.number, "category": state.category}
    payments = [
        _payment(state, "TASK", state.reward_micro, f"task:{name}:{state.number}", funding, at)
    ]
    notes = [Note(state.user_id, "task.paid", facts | {"amount_micro": state.reward_micro}, at)]
    achievements = []
    if _completes_day(state, member, conditions):
        amount = conditions.of(Days)[state.day].bonus_micro
        payments.append(_payment(state, "BONUS", amount, f"bonus:{name}", "promotion", at))
        bonus = {"day": state.day, "amount_micro": amount, "achievement": "DAILY_CHAMPION"}
        notes.append(Note(state.user_id, "day.bonus", bonus, at))
        achievements.append(Achievement(state.user_id, "DAILY_CHAMPION", state.day, at))
    return Decision(
        Applied(task_facts(state) | {"bonus": len(payments) > 1}),
        (state, *achievements),
        payments=tuple(payments),
        notes=tuple(notes),
        logs=(log_task(state, intent.id, "TASK_COMPLETE"),),
    )


def _completes_day(state: TaskState, member: Member, conditions: Conditions) -> bool:
    """Whether all other tasks of the day are claimed."""
    catalogue = conditions.of(Days)[state.day]
    others = tasks_of_day(member, state.day)
    claimed = {n for n, other in others.items() if other.status is TaskStatus.CLAIMED}
    # A draw costs more than the rest of the batch together: only for who may be at the end.
    if len(claimed | {state.number}) < TASKS_PER_DAY or count_tasks(catalogue) < TASKS_PER_DAY:
        return False
    drawn = draw_day(member.user_id, state.day, catalogue)
    return all(task.number == state.number or task.number in claimed for task in drawn)


def _payment(
    state: TaskState, kind: str, amount_micro: int, reference: str, funding: str, at: datetime
) -> Payment:
    return Payment(
        user_id=state.user_id,
        type=kind,
        from_account=f"emission:{kind.lower()}",
        amount_micro=amount_micro,
        reference=reference,
        funding=funding,
        description="Daily task" if kind == "TASK" else "All tasks of a day",
        metadata={"day": state.day, "number": state.number, "category": state.category},
        paid_at=at,
    )


def tasks_of_day(member: Member, day: date) -> Mapping[int, TaskState]:
    """The touched tasks of a day, by number."""
    return {number: state for (d, number), state in member.of(Tasks).items() if d == day}


def task_facts(state: TaskState) -> dict[str, Any]:
    """What the client is told of any task."""
    return {
        "day": state.day,
        "number": state.number,
        "category": state.category,
        "status": state.status,
        "reward": format_amount(state.reward_micro),
        "article": state.subject if state.category is Category.CONTENT else None,
        "started_at": state.started_at,
        "attempts_left": QUIZ_ATTEMPTS + 1 - state.attempt
        if state.category is Category.QUIZ
        else None,
    }


def log_task(
    state: TaskState, intent_id: UUID, event: str, severity: str | None = None, **details: Any
) -> LogEntry:
    """A log entry about a task; it is named by the intent that touched it."""
    facts = {"day": state.day, "number": state.number, "category": state.category}
    return LogEntry(state.user_id, event, "task", intent_id, facts | details, severity)
