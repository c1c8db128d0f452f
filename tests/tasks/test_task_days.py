"""The day's draw as a function, and the whole day's bonus: once, whoever comes together."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.piece import Piece
from engine.tasks.state import (
    Category,
    DayCatalogue,
    TaskState,
    TaskStatus,
    TaskType,
    count_tasks,
    draw_day,
    open_wave,
    show_day,
)
from runtime.clock import utcnow
from tests.kit.day import do_task, tasks
from tests.kit.letters import dead_letter, revive_later, revived
from tests.kit.tasks import MIDNIGHT, paid, with_first
from tests.kit.words import START, at
from tests.kit.world import Person, World
from workers.apply import drain

DAY = date(2026, 3, 1)
MIX = {Category.ADS: 8, Category.CONTENT: 6, Category.QUIZ: 4, Category.SOCIAL: 2}


def kind(number: int, category: Category) -> TaskType:
    return TaskType(number, category.value, {"en": ""}, category, 1_000_000, "DO")


def catalogue(
    articles: int = 40, questions: int = 30, mix: dict[Category, int] = MIX
) -> DayCatalogue:
    categories = (*Category, Category.SOCIAL)
    return DayCatalogue(
        mix={category: mix.get(category, 0) for category in Category},
        types=tuple(kind(number, c) for number, c in enumerate(categories, start=1)),
        articles=tuple(f"article-{n}" for n in range(articles)),
        questions=tuple(f"question-{n}" for n in range(questions)),
    )


def counted(user_id: int, offered: DayCatalogue, day: date = DAY) -> Counter[Category]:
    return Counter(task.type.category for task in draw_day(user_id, day, offered))


def state(number: int, status: TaskStatus) -> TaskState:
    return TaskState(1, DAY, number, 1, Category.ADS, None, 1, status, 1, START)


users = st.integers(1, 2**62)
days = st.dates(date(2026, 1, 1), date(2030, 1, 1))


@given(users, days)
def test_a_draw_has_the_mix_and_repeats_nothing(user_id: int, day: date) -> None:
    drawn = draw_day(user_id, day, catalogue())
    assert drawn == draw_day(user_id, day, catalogue())
    assert [task.number for task in drawn] == list(range(1, 21))
    assert counted(user_id, catalogue(), day) == MIX
    articles = [s for t in drawn if t.type.category is Category.CONTENT for s in t.subjects]
    assert len(set(articles)) == 6
    questions = [t.subjects for t in drawn if t.type.category is Category.QUIZ]
    assert len({s for subjects in questions for s in subjects}) == 12  # three for each of four
    social = [t.type.id for t in drawn if t.type.category is Category.SOCIAL]
    assert len(set(social)) == 2


@given(users, st.integers(0, 8), st.integers(0, 8))
def test_what_a_pool_cannot_fill_is_made_up_for_by_ads(
    user_id: int, articles: int, questions: int
) -> None:
    found = counted(user_id, catalogue(articles, questions))
    assert found.total() == 20
    assert found[Category.CONTENT] == min(6, articles)
    assert found[Category.QUIZ] == min(4, questions)
    assert found[Category.ADS] == 18 - min(6, articles) - min(4, questions)


pools = st.integers(0, 50)
mixes = st.fixed_dictionaries({category: st.integers(0, 9) for category in Category})


@given(users, days, pools, pools, mixes)
def test_everybodys_day_has_as_many_tasks_as_the_bonus_asks_for(
    user_id: int, day: date, articles: int, questions: int, mix: dict[Category, int]
) -> None:
    frozen = catalogue(articles, questions, mix)
    assert len(draw_day(user_id, day, frozen)) == count_tasks(frozen)


def test_the_mix_of_the_first_release_has_no_social_tasks() -> None:
    mix = {Category.ADS: 10, Category.CONTENT: 6, Category.QUIZ: 4}
    assert counted(1, catalogue(mix=mix)) == mix


def test_users_and_days_differ() -> None:
    def names(user_id: int, day: date) -> tuple[tuple[int, tuple[str, ...]], ...]:
        return tuple((t.type.id, t.subjects) for t in draw_day(user_id, day, catalogue()))

    draws = {names(user_id, DAY + timedelta(days=n)) for user_id in range(1, 51) for n in range(4)}
    assert len(draws) == 200


def test_every_kind_is_about_as_often_in_every_place() -> None:
    firsts = Counter(draw_day(u, DAY, catalogue())[0].type.category for u in range(1, 4001))
    for category, count in MIX.items():
        assert abs(firsts[category] - count * 200) < 6 * (count * 200) ** 0.5


@given(st.lists(st.sampled_from([None, *TaskStatus]), min_size=20, max_size=20))
def test_a_wave_opens_when_all_before_it_are_over(statuses: Sequence[TaskStatus | None]) -> None:
    states = {n: state(n, s) for n, s in enumerate(statuses, start=1) if s is not None}
    wave = open_wave(draw_day(1, DAY, catalogue()), states)
    over = [s is not None and s is not TaskStatus.PENDING for s in statuses]
    assert all(over[: wave * 5])
    assert wave == 3 or not all(over[wave * 5 : wave * 5 + 5])
    shown = show_day(1, DAY, catalogue(), states).tasks
    assert all((task.status == "LOCKED") <= (task.wave > wave) for task in shown)


async def test_whoever_needs_a_day_opens_it_once(world: World) -> None:
    person = await world.person()
    world.move_to(MIDNIGHT)
    answers = await asyncio.gather(*(person.get("/v1/tasks/today") for _ in range(5)))
    assert {answer.json()["day"] for answer in answers} == {"2026-03-02"}
    assert len({answer.text for answer in answers}) == 1
    started = await person.ask("/v1/tasks/1/started")  # the worker has not seen this day yet
    assert started["result"]["day"] == "2026-03-02"
    await world.go_to(MIDNIGHT)
    assert await world.value("SELECT count(*) FROM days WHERE day = '2026-03-02'") == 1


async def all_but_one(world: World) -> tuple[Person, dict[str, Any]]:
    """Somebody with one article left to read, begun long enough ago."""
    person = await world.person()
    last: dict[str, Any] = {}
    for _ in range(4):
        for task in [t for t in await tasks(person) if t["status"] == "AVAILABLE"]:
            if task["wave"] == 3 and task["category"] == "CONTENT" and not last:
                last = task
            else:
                await do_task(person, task)
    return person, last


async def test_the_bonus_and_the_achievement_come_once_with_the_last_task(world: World) -> None:
    world.deliveries = 2
    person, last = await all_but_one(world)
    while not last:  # this one's last wave has no article
        person, last = await all_but_one(world)
    path = f"/v1/tasks/{last['number']}/completed"
    await person.ask(f"/v1/tasks/{last['number']}/started")
    before = len(await paid(world))
    world.move_to(utcnow() + timedelta(seconds=20))
    answers = await asyncio.gather(*(person.post(path) for _ in range(4)))
    piece = Piece(person.group_number, person.id % 64)
    await asyncio.gather(*(drain(world.shop, piece) for _ in range(3)))
    outcomes = [await person.outcome(answer) for answer in answers]
    assert sorted(o["status"] for o in outcomes) == ["APPLIED", *["REJECTED"] * 3]
    assert {o["problem"]["reason"] for o in outcomes if o["problem"]} == {"TASK_CLOSED"}
    [done] = [o["result"] for o in outcomes if o["result"]]
    assert (done["status"], done["bonus"]) == ("CLAIMED", True)
    assert sorted((await paid(world))[before:]) == [
        ("2026-03-01", 50_000_000, "promotion"),
        (f"2026-03-01:{last['number']}", 1_500_000, "content"),
    ]
    earned = await world.rows(
        "SELECT kind, day, user_id FROM achievements WHERE user_id = :u", u=person.id
    )
    assert [tuple(row) for row in earned] == [("DAILY_CHAMPION", DAY, person.id)]


@pytest.mark.parametrize(
    ("when", "status"), [("2026-03-08T23:00Z", "APPLIED"), ("2026-03-09T00:00Z", "REJECTED")]
)
async def test_a_dead_letter_counts_for_its_own_day_while_that_is_open(
    world: World, when: str, status: str
) -> None:
    person, task = await with_first(world, "CONTENT")
    await person.ask(f"/v1/tasks/{task['number']}/started")
    world.move_to(at("00:01"))
    await person.post(f"/v1/tasks/{task['number']}/completed")
    letter = await dead_letter(world, "task.complete")
    found, result = await revive_later(world, person, letter, at(when))
    assert found == status
    if status == "APPLIED":
        assert await paid(world) == [(f"2026-03-01:{task['number']}", 1_500_000, "content")]
        assert not await _revived_again(world, person, letter)
    else:
        assert (result, await paid(world)) == ("DAY_CLOSED", [])


async def _revived_again(world: World, person: Person, letter: UUID) -> bool:
    return await revived(world, person, letter)
