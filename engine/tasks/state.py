"""The day's tasks: a frozen catalogue, and each user's draw from it (decision 0019).

Twenty a day. Nothing of the draw is stored: it is a function of the user, the day and the day's
catalogue. Only tasks that were touched have a state.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from engine.ads.state import ShowsAd
from engine.content.library import Asked, shuffle
from engine.core.member import Part
from engine.core.money import MICRO_PER_TWTC, Amount, format_amount
from engine.core.outcome import Instant

TASKS_PER_DAY = 20
WAVE_SIZE = 5
QUIZ_ATTEMPTS = 3
BONUS_MICRO = 50 * MICRO_PER_TWTC
KEPT_DAYS = 7  # so long a past day can still be written to; then it is archived


class Category(StrEnum):
    """The four kinds of task, each with a proof of its own."""

    ADS = "ADS"
    CONTENT = "CONTENT"
    QUIZ = "QUIZ"
    SOCIAL = "SOCIAL"


class TaskType(Struct, frozen=True):
    """A kind of task as it stood when the day was opened."""

    id: int
    name: str
    description: dict[str, str]
    category: Category
    reward_micro: int
    action: str


class DayCatalogue(Struct, frozen=True):
    """What a UTC day offers, frozen when it is opened. `mix` is how many tasks of each kind."""

    mix: dict[Category, int]
    types: tuple[TaskType, ...]
    articles: tuple[str, ...]
    questions: tuple[str, ...]
    bonus_micro: int = BONUS_MICRO  # for whoever does them all


class Days(dict[date, DayCatalogue]):
    """What the days of a batch offer."""


class DrawnTask(Struct, frozen=True):
    """A task of one user's day. `subjects` are what it is about, one for each attempt."""

    number: int
    type: TaskType
    subjects: tuple[str, ...]

    @property
    def wave(self) -> int:
        """Which of the day's waves it belongs to, from 0."""
        return (self.number - 1) // WAVE_SIZE


class TaskStatus(StrEnum):
    """PENDING: touched. REVIEW: awaits a moderator. CLAIMED: paid. FAILED: closed for the day."""

    PENDING = "PENDING"
    REVIEW = "REVIEW"
    CLAIMED = "CLAIMED"
    FAILED = "FAILED"


class Tasks(Part[tuple[date, int], "TaskState"]):
    """A member's touched tasks, by day and number."""


class TaskState(Struct, frozen=True):
    """What has become of a touched task. An ad task under way has a view and its time limit."""

    part = Tasks
    user_id: int
    day: date
    number: int
    task_type_id: int
    category: Category
    subject: str | None
    reward_micro: int
    status: TaskStatus
    attempt: int
    started_at: datetime
    expires_at: datetime | None = None
    view_id: UUID | None = None
    proof: str | None = None
    submitted_at: datetime | None = None
    claimed_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str | None = None
    reviewer: str | None = None

    @property
    def key(self) -> tuple[date, int]:
        """By which it is one of its member's tasks."""
        return self.day, self.number


class Achievements(Part[tuple[str, date], "Achievement"]):
    """What a batch has given; nobody asks for it again."""


class Achievement(Struct, frozen=True):
    """Something to be proud of, once a day."""

    part = Achievements
    user_id: int
    kind: str
    day: date
    earned_at: datetime

    @property
    def key(self) -> tuple[str, date]:
        """Each kind once a day."""
        return self.kind, self.day


class TaskResult(ShowsAd, frozen=True):
    """A task; with what has to be done for it, or what came of that."""

    day: date
    number: int
    category: str
    status: str
    reward: Amount
    article: str | None
    started_at: Instant | None
    attempts_left: int | None
    question: Asked | UnsetType = UNSET
    is_correct: bool | UnsetType = UNSET
    bonus: bool | UnsetType = UNSET


def draw_day(user_id: int, day: date, catalogue: DayCatalogue) -> tuple[DrawnTask, ...]:
    """A user's tasks of a day, in their order. What a pool cannot fill is made up for by ads."""
    seed = f"{user_id}:{day.isoformat()}"
    drawn: list[tuple[TaskType, tuple[str, ...]]] = []
    pools = {Category.CONTENT: (catalogue.articles, 1), Category.QUIZ: (catalogue.questions, 3)}
    counts = _counts(catalogue)
    for category in (Category.CONTENT, Category.QUIZ, Category.SOCIAL):
        pool, attempts = pools.get(category, ((), 0))
        types = [kind for kind in catalogue.types if kind.category is category]
        count = counts[category]
        order = shuffle(len(pool), f"{seed}:{category}", first=count * attempts)
        for place in range(count):
            subjects = tuple(
                pool[order[(place + attempt * count) % len(order)]] for attempt in range(attempts)
            )
            drawn.append((types[place % len(types)], subjects))
    ads = [kind for kind in catalogue.types if kind.category is Category.ADS]
    drawn += [(ads[place % len(ads)], ()) for place in range(counts[Category.ADS])]
    order = shuffle(len(drawn), f"{seed}:order")
    return tuple(DrawnTask(n, *drawn[place]) for n, place in enumerate(order, start=1))


def count_tasks(catalogue: DayCatalogue) -> int:
    """How many tasks everybody's draw of a day has."""
    return sum(_counts(catalogue).values())


def _counts(catalogue: DayCatalogue) -> dict[Category, int]:
    types = dict.fromkeys(Category, 0)
    for kind in catalogue.types:
        types[kind.category] += 1
    room = {
        Category.CONTENT: len(catalogue.articles) if types[Category.CONTENT] else 0,
        Category.QUIZ: len(catalogue.questions) if types[Category.QUIZ] else 0,
        Category.SOCIAL: types[Category.SOCIAL],
    }
    counts = {category: min(catalogue.mix[category], most) for category, most in room.items()}
    missing = sum(catalogue.mix.values()) - sum(counts.values())
    return counts | {Category.ADS: missing if types[Category.ADS] else 0}


def open_wave(drawn: tuple[DrawnTask, ...], states: Mapping[int, TaskState]) -> int:
    """The latest wave that may be worked on: all before it are done, failed or in review."""
    unsettled = [
        task.wave
        for task in drawn
        if task.number not in states or states[task.number].status is TaskStatus.PENDING
    ]
    return min(unsettled, default=(len(drawn) - 1) // WAVE_SIZE)


class ShownTask(Struct, frozen=True):
    """A task as its user sees it. LOCKED until the waves before it are finished."""

    number: int
    wave: int
    category: Category
    name: str
    description: dict[str, str]
    action: str
    reward: str
    status: str  # LOCKED, AVAILABLE, STARTED, REVIEW, COMPLETED or FAILED
    article: str | None
    started_at: datetime | None


class ShownDay(Struct, frozen=True):
    """A user's day of tasks. `bonus` is paid when all are completed."""

    day: date
    resets_at: datetime
    completed_count: int
    bonus: str
    tasks: tuple[ShownTask, ...]


_SHOWN = {
    TaskStatus.PENDING: "STARTED",
    TaskStatus.REVIEW: "REVIEW",
    TaskStatus.CLAIMED: "COMPLETED",
    TaskStatus.FAILED: "FAILED",
}


def show_day(
    user_id: int, day: date, catalogue: DayCatalogue, states: Mapping[int, TaskState]
) -> ShownDay:
    """What a phone shows of a day's tasks."""
    drawn = draw_day(user_id, day, catalogue)
    wave = open_wave(drawn, states)
    shown = []
    for task in drawn:
        state = states.get(task.number)
        status = "AVAILABLE" if task.wave <= wave else "LOCKED"
        is_content = task.type.category is Category.CONTENT
        shown.append(
            ShownTask(
                number=task.number,
                wave=task.wave,
                category=task.type.category,
                name=task.type.name,
                description=task.type.description,
                action=task.type.action,
                reward=format_amount(task.type.reward_micro),
                status=status if state is None else _SHOWN[state.status],
                article=task.subjects[0] if is_content else None,
                started_at=None if state is None else state.started_at,
            )
        )
    return ShownDay(
        day=day,
        resets_at=datetime.combine(day + timedelta(days=1), time(), tzinfo=UTC),
        completed_count=sum(state.status is TaskStatus.CLAIMED for state in states.values()),
        bonus=format_amount(catalogue.bonus_micro),
        tasks=tuple(shown),
    )
