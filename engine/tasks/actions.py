from datetime import date, datetime

from engine.core.action import Action
from engine.core.outcome import Result
from engine.tasks.state import TaskResult


class DayOpened(Result, frozen=True):
    """Whether this was the first to open it."""

    opened: bool


class OpenDay(Action, frozen=True, tag="day.open"):
    """Freeze the catalogue of a UTC day."""

    results = (DayOpened,)

    day: date


class StartTask(Action, frozen=True, tag="task.start"):
    """Begin a task of the day in which this is recorded."""

    is_start = True
    is_decision = True
    is_act = True
    needs_library = True
    results = (TaskResult,)

    number: int


class CompleteTask(Action, frozen=True, tag="task.complete"):
    """An article has been read, or a social task done; `proof` is what a moderator looks at."""

    is_decision = True
    is_act = True
    results = (TaskResult,)

    number: int
    proof: str | None = None


class AnswerTask(Action, frozen=True, tag="task.answer"):
    """The answer to a quiz task: which of the presented options, from 0."""

    is_decision = True
    is_act = True
    needs_library = True
    results = (TaskResult,)

    number: int
    option: int


class ReviewTask(Action, frozen=True, tag="task.review"):
    """A moderator's verdict on what was handed in at `submitted_at`."""

    is_own = False
    results = (TaskResult,)

    day: date
    number: int
    submitted_at: datetime
    is_approved: bool
    reviewer: str


TaskAction = StartTask | CompleteTask | AnswerTask | ReviewTask
