"""A video that cannot be played: the boost is given up, costs nothing, and the video is checked."""

from datetime import timedelta

import pytest

from runtime.clock import utcnow
from tests.kit.boosts import miner, refused, shown_to_the_end, status_of
from tests.kit.counterpart import Counterpart
from tests.kit.day import boost, fetch_question, start_watch, videos, watch
from tests.kit.problems import problem_of
from tests.kit.words import at
from tests.kit.world import Person, World
from tests.kit.youtube import Library, library, youtube

__all__ = ["library", "youtube"]  # fixtures

UNPLAYABLE = {"cause": "UNPLAYABLE"}


async def fail(person: Person, video_id: str, cause: str = "UNPLAYABLE") -> None:
    """Begin to watch, and be told by the player that it cannot show the video."""
    person.world.move_to(utcnow() + timedelta(seconds=1))
    begun = await start_watch(person, video_id)
    outcome = await person.ask(f"/v1/boosts/{begun['boost_id']}/failed", {"cause": cause})
    assert outcome["result"]["status"] == "FAILED", outcome


async def left(person: Person) -> int:
    """How many boosts are left today."""
    found: int = (await person.get("/v1/videos")).json()["boosts_left_today"]
    return found


@pytest.mark.parametrize("cause", ["UNPLAYABLE", "UNREACHABLE"])
async def test_a_boost_whose_video_cannot_be_played_is_given_up_and_costs_nothing(
    world: World, cause: str
) -> None:
    person = await miner(world)
    name = (await videos(world))[0]
    for _ in range(4):
        await fail(person, name, cause)
    assert await left(person) == 3
    details = "SELECT DISTINCT metadata ->> 'cause' FROM activity_logs WHERE action = 'BOOST_FAIL'"
    assert await world.value(details) == cause
    assert (await boost(person, name))["result"]["status"] == "PAID"  # elsewhere it plays


async def test_what_was_watched_could_be_played(world: World) -> None:
    person = await miner(world)
    begun = await start_watch(person, (await videos(world))[0])
    await watch(person, begun)
    path = f"/v1/boosts/{begun['boost_id']}/failed"
    assert (await person.ask(path, UNPLAYABLE))["problem"]["reason"] == "VIDEO_WATCHED"
    await fetch_question(person, begun)
    assert (await person.ask(path, UNPLAYABLE))["problem"]["reason"] == "VIDEO_WATCHED"
    assert await status_of(world, begun) == ("ASKED", None)
    for body in ({}, {"cause": "BORED"}, UNPLAYABLE | {"more": 1}):
        problem_of(await person.post(path, body), 400)


@pytest.mark.parametrize("how", ["FAILED", "ABANDONED"])
async def test_a_question_seen_while_its_boost_was_given_up_is_spent(
    world: World, how: str
) -> None:
    person = await miner(world)
    names = await videos(world)
    begun = await start_watch(person, names[0])
    world.move_to(utcnow() + timedelta(seconds=1))
    if how == "FAILED":  # recorded, and not applied yet
        await person.post(f"/v1/boosts/{begun['boost_id']}/failed", UNPLAYABLE)
    await shown_to_the_end(person, begun)
    if how == "ABANDONED":
        await person.post("/v1/boosts", {"video_id": names[1]})
    world.move_to(utcnow() + timedelta(milliseconds=1))
    seen = await person.get(f"/v1/boosts/{begun['boost_id']}/question")
    assert seen.status_code == 200
    await world.drain()
    assert (await status_of(world, begun))[0] == "FAILED"
    assert await left(person) == 2
    assert (await refused(person, names[0]))[0] == "VIDEO_USED"


async def test_a_video_that_three_members_cannot_play_is_checked_soon_and_once(
    world: World, library: Library, youtube: Counterpart
) -> None:
    people = await world.people(6, group_number=1)
    name = (await videos(world))[0]
    world.move_to(at("00:05"))
    for person in people:
        await person.mine()
    for person in people[:2]:
        for _ in range(2):
            await fail(person, name)
    await world.live_until(at("00:30"))
    assert youtube.received == []  # twice two are two
    await fail(people[2], name)
    await world.live_until(at("01:00"))
    assert len(youtube.received) == 1
    assert name.partition(":")[2] in youtube.received[0].path
    assert await world.value("SELECT is_active FROM videos WHERE id = :id", id=name) is True
    library.put(name.partition(":")[2], embeddable=False)
    for person in people[3:]:
        await fail(person, name)
    await world.live_until(at("01:30"))
    assert len(youtube.received) == 2
    because = "SELECT inactive_because FROM videos WHERE id = :id"
    assert await world.value(because, id=name) == "NOT_EMBEDDABLE"
    assert (await refused(people[0], name))[0] == "VIDEO_UNKNOWN"


async def test_without_a_provider_to_ask_nothing_changes(world: World) -> None:
    people = await world.people(3, group_number=1)
    name = (await videos(world))[0]
    world.move_to(at("00:05"))
    for person in people:
        await person.mine()
        await fail(person, name)
    await world.live_until(at("00:40"))
    assert await world.value("SELECT is_active FROM videos WHERE id = :id", id=name) is True
