"""Paying a proved task, and the day's bonus (blueprint, "Daily tasks"; decision 0019)."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from msgspec import UNSET
from msgspec.structs import replace

from engine.ads.state import AdView, show_ad
from engine.core.action import AnyIntent
from engine.core.conditions import Conditions
from engine.core.decision import Decision, LogEntry, Note
from engine.core.member import Member
from engine.core.money import format_amount
from engine.core.outcome import Applied
from engine.core.transfer import Transfer, TransferType, emission, wallet
from engine.ledger.rights import PROMOTION
from engine.tasks.state import (
    QUIZ_ATTEMPTS,
    TASKS_PER_DAY,
    Achievement,
    Category,
    Days,
    TaskResult,
    Tasks,
    TaskState,
    TaskStatus,
    count_tasks,
    draw_day,
)


def pay_task(
    state: TaskState, funding: str, member: Member, intent: AnyIntent, conditions: Conditions
) -> Decision:
    """Proved: CLAIMED and paid. The last task of a day brings its bonus and the achievement."""
    at = intent.recorded_at
    state = replace(state, status=TaskStatus.CLAIMED, claimed_at=at, expires_at=None)
    name = f"{state.user_id}:{state.day.isoformat()}"
    facts = {"day": state.day, "number": state.number, "category": state.category}
    task, bonus = TransferType.TASK, TransferType.BONUS
    reference = f"task:{name}:{state.number}"
    transfers = [_transfer(state, task, state.reward_micro, reference, funding, at)]
    notes = [Note(state.user_id, "task.paid", facts | {"amount_micro": state.reward_micro}, at)]
    achievements = []
    if _completes_day(state, member, conditions):
        amount = conditions.of(Days)[state.day].bonus_micro
        transfers.append(_transfer(state, bonus, amount, f"bonus:{name}", PROMOTION, at))
        told = {"day": state.day, "amount_micro": amount, "achievement": "DAILY_CHAMPION"}
        notes.append(Note(state.user_id, "day.bonus", told, at))
        achievements.append(Achievement(state.user_id, "DAILY_CHAMPION", state.day, at))
    return Decision(
        Applied(replace(task_facts(state), bonus=len(transfers) > 1)),
        (state, *achievements),
        transfers=tuple(transfers),
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


def _transfer(
    state: TaskState,
    kind: TransferType,
    amount_micro: int,
    reference: str,
    funding: str,
    at: datetime,
) -> Transfer:
    return Transfer(
        source=emission(kind.lower()),
        target=wallet(state.user_id),
        type=kind,
        amount_micro=amount_micro,
        reference=reference,
        funding=funding,
        description="Daily task" if kind is TransferType.TASK else "All tasks of a day",
        metadata={"day": state.day, "number": state.number, "category": state.category},
        at=at,
    )


def tasks_of_day(member: Member, day: date) -> Mapping[int, TaskState]:
    """The touched tasks of a day, by number."""
    return {number: state for (d, number), state in member.of(Tasks).items() if d == day}


def task_facts(state: TaskState, ad: AdView | None = None) -> TaskResult:
    """What the client is told of any task, and which ad is to be watched for it."""
    is_quiz = state.category is Category.QUIZ
    return TaskResult(
        day=state.day,
        number=state.number,
        category=state.category,
        status=state.status,
        reward=format_amount(state.reward_micro),
        article=state.subject if state.category is Category.CONTENT else None,
        started_at=state.started_at,
        attempts_left=QUIZ_ATTEMPTS + 1 - state.attempt if is_quiz else None,
        ad=UNSET if ad is None else show_ad(ad),
    )


def log_task(
    state: TaskState, intent_id: UUID, event: str, severity: str | None = None, **details: Any
) -> LogEntry:
    """A log entry about a task; it is named by the intent that touched it."""
    facts = {"day": state.day, "number": state.number, "category": state.category}
    return LogEntry(state.user_id, event, "task", intent_id, facts | details, severity)
