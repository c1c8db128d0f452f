"""Working on the day's tasks, as functions of a member and an instant."""

from datetime import timedelta

from engine.content.library import OPTION_COUNT, Library, Question, is_right
from engine.core.outcome import Reason
from engine.tasks.actions import AnswerTask, CompleteTask, ReviewTask, StartTask
from engine.tasks.state import Category, DayCatalogue, Days, Tasks, TaskState, TaskStatus, TaskType
from tests.kit.rules import OPTIONS, Life
from tests.kit.words import MICROSECOND, START, at

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
MIDNIGHT = at("2026-03-02T00:00Z")
QUESTIONS = {f"q{n}": Question(f"q{n}", {"en": "?"}, OPTIONS, 0) for n in range(60)}


def of_one_kind(category: Category) -> Life:
    """A member whose twenty tasks of the day are all of a kind."""
    types = tuple(TaskType(n, f"{n}", {}, category, 5_000_000, "do") for n in range(20))
    mix = dict.fromkeys(Category, 0) | {category: 20}
    articles = tuple(f"article-{n}" for n in range(20))
    life = Life()
    day = DayCatalogue(mix, types, articles, tuple(QUESTIONS))
    life.conditions.offers[Days] = Days({START.date(): day})
    life.conditions.offers[Library] = Library({}, QUESTIONS)
    return life


def state(life: Life, number: int = 1) -> TaskState:
    return life.member.of(Tasks)[START.date(), number]


def answer(life: Life, *, right: bool) -> AnswerTask:
    now = state(life)
    assert now.subject is not None
    seed = f"{now.user_id}:{now.day.isoformat()}:{now.number}:{now.attempt}"
    options = range(OPTION_COUNT)
    return AnswerTask(
        1, next(o for o in options if is_right(QUESTIONS[now.subject], seed, o) is right)
    )


def test_an_article_is_read_for_twenty_seconds_to_the_microsecond() -> None:
    life = of_one_kind(Category.CONTENT)
    assert life.refused(CompleteTask(1), START)[0] == Reason.TASK_NOT_STARTED
    life.applied(StartTask(1), START)
    read_at = START + 20 * SECOND
    assert life.refused(CompleteTask(1), read_at - MICROSECOND) == (Reason.READ_TOO_SHORT, read_at)
    life.applied(StartTask(1), START + SECOND)  # sets no clock back
    [transfer] = life.applied(CompleteTask(1), read_at).transfers
    assert (transfer.amount_micro, transfer.funding) == (5_000_000, "content")
    assert life.refused(CompleteTask(1), read_at) == (Reason.TASK_CLOSED, MIDNIGHT)


def test_articles_are_read_one_after_the_other() -> None:
    life = of_one_kind(Category.CONTENT)
    for number in (1, 2):
        life.applied(StartTask(number), START)
    life.applied(CompleteTask(1), START + 20 * SECOND)
    read_at = START + 40 * SECOND
    early = life.refused(CompleteTask(2), read_at - MICROSECOND)
    assert early == (Reason.READ_TOO_SHORT, read_at)
    assert life.applied(CompleteTask(2), read_at).transfers


def test_five_are_open_and_the_next_wave_follows_the_last_of_them() -> None:
    life = of_one_kind(Category.CONTENT)
    assert life.refused(StartTask(6), START)[0] == Reason.TASK_LOCKED
    assert life.refused(StartTask(21), START)[0] == Reason.TASK_UNKNOWN
    for number in range(1, 6):
        assert life.refused(StartTask(6), START)[0] == Reason.TASK_LOCKED
        life.applied(StartTask(number), START + number * MINUTE)
        life.applied(CompleteTask(number), START + (number + 1) * MINUTE)
    life.applied(StartTask(6), START + 7 * MINUTE)


def test_the_third_mistake_closes_a_quiz() -> None:
    life = of_one_kind(Category.QUIZ)
    life.applied(StartTask(1), START)
    subjects = set()
    for _ in range(3):
        subjects.add(state(life).subject)
        assert not life.applied(answer(life, right=False), START).transfers
    assert len(subjects) == 3
    assert state(life).status is TaskStatus.FAILED
    assert life.refused(answer(life, right=True), START) == (Reason.TASK_CLOSED, MIDNIGHT)


def test_a_right_answer_pays_at_the_third_attempt_too() -> None:
    life = of_one_kind(Category.QUIZ)
    life.applied(StartTask(1), START)
    for _ in range(2):
        life.applied(answer(life, right=False), START)
    [transfer] = life.applied(answer(life, right=True), START).transfers
    assert transfer.amount_micro == 5_000_000


def test_a_social_task_is_paid_when_it_is_approved_once() -> None:
    life = of_one_kind(Category.SOCIAL)
    life.applied(StartTask(1), START)
    life.applied(CompleteTask(1, "@traveller"), START + SECOND)
    first = ReviewTask(START.date(), 1, START + SECOND, False, "moderator")
    assert not life.applied(first, START + MINUTE).transfers
    life.applied(CompleteTask(1, "@traveller2"), START + 2 * MINUTE)
    assert life.refused(first, START + 3 * MINUTE)[0] == Reason.TASK_CLOSED  # of what was before
    second = ReviewTask(START.date(), 1, START + 2 * MINUTE, True, "moderator")
    [transfer] = life.applied(second, START + 3 * MINUTE).transfers
    assert transfer.funding == "promotion"
    assert life.refused(second, START + 3 * MINUTE)[0] == Reason.TASK_CLOSED


def test_each_kind_is_proved_in_its_own_way() -> None:
    wrong = {
        Category.CONTENT: AnswerTask(1, 0),
        Category.QUIZ: CompleteTask(1),
        Category.SOCIAL: AnswerTask(1, 0),
    }
    for category, action in wrong.items():
        life = of_one_kind(category)
        life.applied(StartTask(1), START)
        assert life.refused(action, START + MINUTE)[0] == Reason.TASK_OF_ANOTHER_KIND


def test_all_twenty_bring_the_bonus_once() -> None:
    life = of_one_kind(Category.CONTENT)
    paid = []
    for number in range(1, 21):
        life.applied(StartTask(number), START + number * MINUTE)
        paid.append(life.applied(CompleteTask(number), START + (number + 1) * MINUTE).transfers)
    assert [len(transfers) for transfers in paid] == [1] * 19 + [2]
    assert paid[-1][1].amount_micro == 50_000_000


def test_a_day_that_is_not_open_takes_nothing() -> None:
    life = of_one_kind(Category.CONTENT)
    assert life.refused(StartTask(1), MIDNIGHT)[0] == Reason.DAY_CLOSED
    life.applied(StartTask(1), MIDNIGHT - MICROSECOND)
    assert life.refused(CompleteTask(1), MIDNIGHT + MINUTE)[0] == Reason.DAY_CLOSED
