"""Blind answers raise the level; who reads is never raised, however often they err."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from engine.fraud.blind import READING, REMEMBERED
from engine.fraud.checks import History, judge_answer
from engine.fraud.levels import Hold
from engine.tasks.state import Category
from runtime.clock import utcnow
from tests.kit.day import answer_quiz, start_task, tasks
from tests.kit.staff import configure
from tests.kit.words import START
from tests.kit.world import Person, World

SECOND, MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)
BLINK = READING - MICROSECOND


def answered(pauses: list[timedelta]) -> tuple[History, int]:
    """The history after so many wrong answers, and how often it was raised."""
    history, at, raised = History(1), START, 0
    for pause in pauses:
        shown_at, at = at, at + pause
        history, violation = judge_answer(history, shown_at, at)
        raised += violation is not None
    return history, raised


@given(st.lists(st.timedeltas(READING, timedelta(minutes=5)), max_size=200))
def test_who_reads_is_never_raised(pauses: list[timedelta]) -> None:
    history, raised = answered(pauses)
    assert (raised, history.alert.level, history.blind_count) == (0, 0, 0)


@given(st.lists(st.sampled_from([timedelta(0), BLINK, READING, 9 * SECOND]), max_size=60))
def test_every_third_blind_answer_raises(pauses: list[timedelta]) -> None:
    blind = sum(pause < READING for pause in pauses)
    history, raised = answered(pauses)
    assert (raised, history.blind_count) == (blind // 3, blind)
    assert history.alert.level == min(4, blind // 3)


def test_slips_of_the_finger_are_forgotten() -> None:
    a_day = [timedelta(0), timedelta(0), REMEMBERED]
    assert answered(a_day * 20)[1] == 0
    assert answered([timedelta(0), timedelta(0), REMEMBERED - BLINK, timedelta(0)])[1] == 1


def test_what_nobody_knows_accuses_nobody() -> None:
    assert judge_answer(History(1), None, START) == (History(1), None)
    later: datetime = START + SECOND
    assert judge_answer(History(1), later, START) == (History(1), None)


async def begun_quizzes(world: World) -> tuple[Person, list[int]]:
    """Somebody before the open quizzes of a day of nothing else."""
    none = dict.fromkeys(Category, 0)
    await configure(world, task_mix=none | {Category.QUIZ: 20})
    await world.go_to(START + timedelta(days=1, minutes=1))
    person = await world.person()
    return person, [t["number"] for t in await tasks(person) if t["status"] == "AVAILABLE"]


async def levels(world: World) -> dict[str, Any]:
    [row] = await world.rows("SELECT level, blind_count FROM fraud_trails")
    return dict(row)


async def test_blind_answers_to_each_quiz_hold_the_account(world: World) -> None:
    person, numbers = await begun_quizzes(world)
    for number in numbers:
        await start_task(person, number)
        world.move_to(utcnow() + READING)
    await start_task(person, numbers[0])  # shows it again: the clock of its first answer
    for number in numbers[:3]:
        for _ in range(3):
            assert (await answer_quiz(person, number, right=False))["status"] == "APPLIED"
    found = await levels(world)
    assert found["level"] >= 3 and found["blind_count"] == 9
    held = await world.value("SELECT hold FROM users WHERE id = :u", u=person.id)
    assert held in (Hold.CAPTCHA, Hold.SUSPENDED)
    kept = "SELECT details FROM fraud_logs WHERE event_type = 'BLIND_ANSWERS' ORDER BY id"
    details = [msgspec.json.decode(row.details) for row in await world.rows(kept)]
    assert sorted(each["blind_answers"] for each in details) == [3, 6, 9]


async def test_forty_blind_answers_at_once_are_each_counted(world: World) -> None:
    person, numbers = await begun_quizzes(world)
    for number in numbers:
        await start_task(person, number)
        world.move_to(utcnow() + READING)
    sent = [
        person.post(f"/v1/tasks/{numbers[n % len(numbers)]}/answer", {"option": n % 4})
        for n in range(40)
    ]
    await asyncio.gather(*sent)
    await world.drain()
    wrong = "SELECT count(*) FROM activity_logs WHERE action = 'TASK_WRONG'"
    found, number_wrong = await levels(world), await world.value(wrong)
    first_was_read = 1
    assert number_wrong - found["blind_count"] in (0, first_was_read)
    assert found["level"] >= min(4, found["blind_count"] // 3)


async def test_who_reads_and_errs_all_day_is_not_raised(world: World) -> None:
    person, numbers = await begun_quizzes(world)
    for number in numbers:
        await start_task(person, number)
        for _ in range(3):
            world.move_to(utcnow() + READING)
            answer = await answer_quiz(person, number, right=False)
            assert answer["result"]["is_correct"] is False
        world.move_to(utcnow() + READING)
    assert len(numbers) >= 3
    assert await levels(world) == {"level": 0, "blind_count": 0}
