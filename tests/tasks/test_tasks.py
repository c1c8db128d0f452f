"""Daily tasks through the API: waves, four kinds of proof, midnight, the bonus."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from engine.tasks.state import Category
from models.base.db import run, sql, transaction
from models.tasks.reviews import record_review
from runtime.clock import utcnow
from tests.kit.day import answer_quiz, do_task, first_of, start_task, tasks, think
from tests.kit.problems import problem_of
from tests.kit.staff import configure
from tests.kit.tasks import MIDNIGHT, paid, refusal, status_of, with_first
from tests.kit.words import MICROSECOND, at
from tests.kit.world import Person, World


async def test_a_day_shows_five_open_tasks_and_fifteen_locked_ones(world: World) -> None:
    person = await world.person()
    day = (await person.get("/v1/tasks/today")).json()
    assert day["day"] == "2026-03-01"
    assert datetime.fromisoformat(day["resets_at"]) == MIDNIGHT
    assert [t["status"] for t in day["tasks"]] == ["AVAILABLE"] * 5 + ["LOCKED"] * 15
    assert [t["number"] for t in day["tasks"]] == list(range(1, 21))
    assert await world.value("SELECT count(*) FROM daily_tasks") == 0
    for number in (6, 20):
        assert await refusal(person, f"{number}/started") == "TASK_LOCKED"


async def test_the_next_wave_opens_with_the_last_task_of_the_one_before(world: World) -> None:
    person = await world.person()
    shown = await tasks(person)
    for task in shown[:4]:
        await do_task(person, task)
    assert await refusal(person, "6/started") == "TASK_LOCKED"
    await do_task(person, shown[4])
    expected = ["COMPLETED"] * 5 + ["AVAILABLE"] * 5 + ["LOCKED"] * 10
    assert [t["status"] for t in await tasks(person)] == expected
    assert await refusal(person, "11/started") == "TASK_LOCKED"
    await start_task(person, 6)
    assert await status_of(person, 6) == "STARTED"


async def test_there_are_twenty_tasks_and_no_others(world: World) -> None:
    person = await world.person()
    for verb, body in {"started": None, "completed": None, "answer": {"option": 0}}.items():
        for number in ("0", "21", "-1", "1.5", "x"):
            answer = await person.post(f"/v1/tasks/{number}/{verb}", body)
            problem_of(answer, 404 if number in ("1.5", "x") else 400)
    assert await world.value("SELECT count(*) FROM intents WHERE kind LIKE 'task.%'") == 0


async def test_a_body_of_another_form_is_refused(world: World) -> None:
    person = await world.person()
    bodies: list[tuple[str, Any]] = [
        ("started", {"day": "2026-03-02"}),
        ("completed", {"proof": ""}),
        ("completed", {"proof": "x" * 501}),
        ("completed", {"proof": ["a"]}),
        ("completed", {"reward": "5"}),
        ("answer", None),
        ("answer", {"option": 4}),
        ("answer", {"option": -1}),
        ("answer", {"option": 0, "attempt": 1}),
    ]
    for verb, body in bodies:
        answer = await person.post(f"/v1/tasks/1/{verb}", body)
        assert answer.status_code == 400, (verb, body)
        problem_of(answer, 400, "bad-request")


@pytest.mark.parametrize(
    ("read", "reason"),
    [(timedelta(seconds=20) - MICROSECOND, "READ_TOO_SHORT"), (timedelta(seconds=20), None)],
)
async def test_an_article_is_read_for_twenty_seconds_to_the_microsecond(
    world: World, read: timedelta, reason: str | None
) -> None:
    person, task = await with_first(world, "CONTENT")
    number = task["number"]
    assert await refusal(person, f"{number}/completed") == "TASK_NOT_STARTED"
    begun = await start_task(person, number)
    assert begun["article"] == task["article"]
    started_at = utcnow()
    world.move_to(started_at + timedelta(seconds=10))
    await start_task(person, number)  # does not set the clock back
    world.move_to(started_at + read)
    outcome = await person.ask(f"/v1/tasks/{number}/completed")
    assert (outcome["problem"] or {}).get("reason") == reason
    if reason:
        assert outcome["problem"]["retry_at"] == "2026-03-01T00:00:20Z"
        logged = await world.rows("SELECT event_type FROM fraud_logs")
        assert "INCOMPLETE_READ" in {row.event_type for row in logged}
        world.move_to(at("00:00:20"))
        assert (await person.ask(f"/v1/tasks/{number}/completed"))["status"] == "APPLIED"
    assert await paid(world) == [(f"2026-03-01:{number}", 1_500_000, "content")]
    assert await refusal(person, f"{number}/completed") == "TASK_CLOSED"
    assert await refusal(person, f"{number}/started") == "TASK_CLOSED"


@pytest.mark.parametrize("wrong", [0, 1, 2, 3])
async def test_a_quiz_has_three_questions_and_the_third_mistake_closes_it(
    world: World, wrong: int
) -> None:
    person, task = await with_first(world, "QUIZ")
    number = task["number"]
    shown = [(await start_task(person, number))["question"]]
    for mistake in range(1, wrong + 1):
        think(person)  # who answers blindly is held in the end
        answered = (await answer_quiz(person, number, right=False))["result"]
        assert (answered["is_correct"], answered["attempts_left"]) == (False, max(1, 3 - mistake))
        shown.append(answered.get("question"))
    if wrong == 3:
        assert shown.pop() is None
        assert await status_of(person, number) == "FAILED"
        assert await refusal(person, f"{number}/answer", {"option": 0}) == "TASK_CLOSED"
        assert await refusal(person, f"{number}/started") == "TASK_CLOSED"
    else:
        assert (await start_task(person, number))["question"] == shown[-1]
        assert (await answer_quiz(person, number))["result"]["status"] == "CLAIMED"
    assert len({str(question) for question in shown}) == len(shown)
    assert len(await paid(world)) == (wrong < 3)


async def test_the_right_option_is_nowhere_in_what_a_viewer_gets(world: World) -> None:
    person, task = await with_first(world, "QUIZ")
    begun = await person.ask(f"/v1/tasks/{task['number']}/started")
    assert set(begun["result"]["question"]) == {"text", "options"}
    assert "correct" not in str(begun) and "correct" not in str(await tasks(person))


async def test_a_social_task_is_refused_handed_in_again_approved_and_approved_again(
    world: World,
) -> None:
    person, task = await with_first(world, "SOCIAL")
    number, path = task["number"], f"{task['number']}/completed"
    assert await refusal(person, path, {"proof": "@me"}) == "TASK_NOT_STARTED"
    await start_task(person, number)
    for proof, is_approved in (("@nobody", False), ("@me", True)):
        await person.ask(f"/v1/tasks/{path}", {"proof": proof})
        assert await status_of(person, number) == "REVIEW"
        assert await refusal(person, path, {"proof": "@other"}) == "TASK_CLOSED"
        assert await world.value("SELECT proof FROM daily_tasks") == proof
        await world.review(person, number, is_approved=is_approved)
        assert len(await paid(world)) == is_approved
        world.move_to(utcnow() + timedelta(seconds=1))
    for is_approved in (True, False):
        world.move_to(utcnow() + timedelta(seconds=1))
        await world.review(person, number, is_approved=is_approved)
    assert await paid(world) == [(f"2026-03-01:{number}", 3_000_000, "promotion")]
    verdicts = await world.rows(
        "SELECT status, outcome ->> 'reason' AS reason FROM intents WHERE kind = 'task.review' "
        "ORDER BY recorded_at, id"
    )
    assert [tuple(row) for row in verdicts][2:] == [("REJECTED", "TASK_CLOSED")] * 2
    notes = {n["kind"] for n in (await person.get("/v1/notifications")).json()["items"]}
    assert notes == {"task.refused", "task.paid"}


async def test_a_proof_may_be_approved_days_later_and_not_after_its_day_was_closed(
    world: World,
) -> None:
    person, task = await with_first(world, "SOCIAL")
    late, third = await with_first(world, "SOCIAL")
    other, second = await with_first(world, "SOCIAL")
    handed_in = ((person, task), (late, third), (other, second))
    for member, given in handed_in:
        await start_task(member, given["number"])
        await member.ask(f"/v1/tasks/{given['number']}/completed", {"proof": "@me"})
    await world.go_to(at("2026-03-08T23:59Z"))
    await _review_of_the_first(world, person, task["number"])
    await world.drain()
    assert len(await paid(world)) == 1
    await _review_of_the_first(world, late, third["number"])
    await world.go_to(at("2026-03-09T00:00Z"))  # recorded in time, and applied after midnight
    assert len(await paid(world)) == 2
    await _review_of_the_first(world, other, second["number"])
    await world.drain()
    assert len(await paid(world)) == 2
    verdict = "SELECT outcome ->> 'reason' FROM intents WHERE kind = 'task.review' AND user_id = :u"
    assert await world.value(verdict, u=other.id) == "DAY_CLOSED"


async def _review_of_the_first(world: World, person: Person, number: int) -> None:
    day = at("00:00").date()
    submitted_at = await world.value(
        "SELECT submitted_at FROM daily_tasks WHERE user_id = :u AND number = :n",
        u=person.id,
        n=number,
    )
    await record_review(
        world.database,
        person.id,
        day,
        number,
        submitted_at,
        is_approved=True,
        reviewer="moderator",
        now=utcnow(),
    )


@pytest.mark.parametrize(
    ("category", "verb", "body"),
    [
        ("ADS", "completed", None),
        ("ADS", "answer", {"option": 0}),
    ],
)
async def test_each_kind_is_proved_in_its_own_way(
    world: World, category: str, verb: str, body: Any
) -> None:
    person, task = await with_first(world, category)
    await start_task(person, task["number"])
    world.move_to(utcnow() + timedelta(minutes=1))
    assert await refusal(person, f"{task['number']}/{verb}", body) == "TASK_OF_ANOTHER_KIND"
    assert await paid(world) == []


async def test_an_action_belongs_to_the_day_it_was_recorded_in(world: World) -> None:
    person, task = await with_first(world, "CONTENT")
    number = task["number"]
    world.move_to(at("23:59:30"))
    await start_task(person, number)
    world.move_to(MIDNIGHT - MICROSECOND)
    last = await person.post(f"/v1/tasks/{number}/completed")
    world.move_to(MIDNIGHT)
    first = await person.post(f"/v1/tasks/{number}/completed")
    world.move_to(MIDNIGHT + timedelta(hours=1))
    assert (await person.outcome(last))["result"]["day"] == "2026-03-01"
    assert (await person.outcome(first))["problem"]["reason"] == "TASK_NOT_STARTED"
    assert await paid(world) == [(f"2026-03-01:{number}", 1_500_000, "content")]


async def test_what_is_begun_before_midnight_is_begun_anew_after_it(world: World) -> None:
    person, task = await with_first(world, "CONTENT")
    world.move_to(MIDNIGHT - timedelta(seconds=20))
    await start_task(person, task["number"])
    world.move_to(MIDNIGHT)
    assert await refusal(person, f"{task['number']}/completed") == "TASK_NOT_STARTED"
    assert (await person.get("/v1/tasks/today")).json()["day"] == "2026-03-02"
    assert {t["status"] for t in await tasks(person)} == {"AVAILABLE", "LOCKED"}
    again = first_of(await tasks(person), "CONTENT") if await _has_content(person) else None
    if again:
        await do_task(person, again)
        assert (await paid(world))[0][0] == f"2026-03-02:{again['number']}"


async def _has_content(person: Person) -> bool:
    shown = await tasks(person)
    return any(t["category"] == "CONTENT" and t["status"] == "AVAILABLE" for t in shown)


async def test_a_setting_edited_during_a_day_changes_the_next_one(world: World) -> None:
    person = await world.person()
    before = await tasks(person)
    async with transaction(world.database) as connection:
        await run(connection, sql("UPDATE task_types SET reward_micro = 1 WHERE id = 1"))
    mix = dict.fromkeys(Category, 0) | {Category.ADS: 20}
    await configure(world, task_mix=mix, bonus_micro=70_000_000)
    assert await tasks(person) == before
    world.move_to(MIDNIGHT)  # not opened by the clock process yet
    assert {(t["category"], t["reward"]) for t in await tasks(person)} == {("ADS", "0.000001")}
    assert (await person.get("/v1/tasks/today")).json()["bonus"] == "70.000000"
