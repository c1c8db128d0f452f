"""A person's day: boosts and tasks, step by step, through the API."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from engine.content.library import is_right
from models.base.db import run, sql, transaction
from runtime.clock import utcnow
from tests.kit.world import Person, World

BEAT = timedelta(seconds=5)
TELL_LENGTHS = sql("UPDATE videos SET duration_seconds = 60 WHERE duration_seconds IS NULL")
MINUTES = """
    SELECT id FROM videos WHERE is_active AND duration_seconds = 60 ORDER BY id COLLATE "C"
"""


async def videos(world: World) -> list[str]:
    """Videos of a minute each: an operator has told the lengths that were not known."""
    async with transaction(world.database) as connection:
        await run(connection, TELL_LENGTHS)
    return [row.id for row in await world.rows(MINUTES)]


async def right_option(person: Person, key: str, seed: str) -> int:
    """Which of the presented options is right, by the server's own books."""
    question = (await person.world.shop.catalogue.library()).questions[key]
    return next(option for option in range(4) if is_right(question, seed, option))


def think(person: Person) -> None:
    """Nobody decides twice within a second."""
    person.world.move_to(utcnow() + timedelta(seconds=1))


async def start_watch(person: Person, video_id: str) -> dict[str, Any]:
    """Begin to watch. Return the boost with its first token."""
    started = await person.ask("/v1/boosts", {"video_id": video_id})
    assert started["status"] == "APPLIED", started
    found: dict[str, Any] = started["result"]
    return found


async def beat(
    person: Person, boost: dict[str, Any], position_seconds: float, **player: Any
) -> dict[str, Any]:
    """Report the player once; the boost carries the newest token."""
    body = {
        "watch_token": boost["watch_token"],
        "position_seconds": position_seconds,
        "state": "PLAYING",
        "muted": False,
        "visible": True,
    } | player
    answer = await person.post(f"/v1/boosts/{boost['boost_id']}/progress", body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    boost["watch_token"] = found["watch_token"]
    return found


async def watch(person: Person, boost: dict[str, Any]) -> dict[str, Any]:
    """Watch the whole video with a beat every few seconds. Return the last answer."""
    begun_at = utcnow()
    shown: dict[str, Any] = {}
    while not shown.get("is_complete"):
        person.world.move_to(utcnow() + BEAT)
        shown = await beat(person, boost, (utcnow() - begun_at).total_seconds())
    await person.world.drain()
    return shown


async def fetch_question(person: Person, boost: dict[str, Any]) -> dict[str, Any]:
    """The question of a watched video."""
    answer = await person.get(f"/v1/boosts/{boost['boost_id']}/question")
    assert answer.status_code == 200, answer.text
    await person.world.drain()
    found: dict[str, Any] = answer.json()
    return found


async def answer_boost(
    person: Person, boost: dict[str, Any], *, right: bool = True
) -> dict[str, Any]:
    """Answer the question, rightly or wrongly."""
    key = (
        await person.world.rows(
            "SELECT question_key FROM boosts WHERE id = :id", id=UUID(boost["boost_id"])
        )
    )[0].question_key
    option = await right_option(person, key, boost["boost_id"])
    option = option if right else (option + 1) % 4
    return await person.ask(f"/v1/boosts/{boost['boost_id']}/answer", {"option": option})


async def boost(person: Person, video_id: str, *, right: bool = True) -> dict[str, Any]:
    """One boost from its start to the answer."""
    think(person)
    begun = await start_watch(person, video_id)
    await watch(person, begun)
    await fetch_question(person, begun)
    think(person)
    return await answer_boost(person, begun, right=right)


async def tasks(person: Person) -> list[dict[str, Any]]:
    """Today's tasks."""
    answer = await person.get("/v1/tasks/today")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["tasks"]
    return found


async def start_task(person: Person, number: int) -> dict[str, Any]:
    """Begin a task."""
    started = await person.ask(f"/v1/tasks/{number}/started")
    assert started["status"] == "APPLIED", started
    found: dict[str, Any] = started["result"]
    return found


async def do_task(person: Person, task: dict[str, Any]) -> None:
    """Do a task of any kind, by its book."""
    number, world = task["number"], person.world
    think(person)
    begun = await start_task(person, number)
    match task["category"]:
        case "ADS":
            ad = begun["ad"]
            await person.report(ad["view_id"], "started")
            world.move_to(utcnow() + timedelta(seconds=ad["min_seconds"]))
            await person.report(ad["view_id"], "completed")
            assert (await person.callback(ad["nonce"], unit=ad["unit"])).status_code == 200
            await world.drain()
        case "CONTENT":
            world.move_to(utcnow() + timedelta(seconds=20))
            done = await person.ask(f"/v1/tasks/{number}/completed")
            assert done["status"] == "APPLIED", done
        case "QUIZ":
            think(person)
            done = await answer_quiz(person, number)
            assert done["result"]["status"] == "CLAIMED", done
        case "SOCIAL":
            think(person)
            await person.ask(f"/v1/tasks/{number}/completed", {"proof": "@traveller"})
            await world.review(person, number, is_approved=True)


async def answer_quiz(person: Person, number: int, *, right: bool = True) -> dict[str, Any]:
    """Answer a quiz task, rightly or wrongly."""
    state = (
        await person.world.rows(
            "SELECT day, subject, attempt FROM daily_tasks WHERE user_id = :u AND number = :n",
            u=person.id,
            n=number,
        )
    )[-1]
    seed = f"{person.id}:{state.day.isoformat()}:{number}:{state.attempt}"
    option = await right_option(person, state.subject, seed)
    option = option if right else (option + 1) % 4
    return await person.ask(f"/v1/tasks/{number}/answer", {"option": option})


def first_of(shown: list[dict[str, Any]], category: str) -> dict[str, Any]:
    """The first available task of a kind."""
    return next(t for t in shown if t["category"] == category and t["status"] == "AVAILABLE")
