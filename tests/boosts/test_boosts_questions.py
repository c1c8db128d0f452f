"""What a boost is worth: a length that we know, a question that is drawn, one of three a day."""

from datetime import timedelta

import pytest

from runtime.clock import utcnow
from tests.kit.boosts import TOMORROW, change, miner, paid, refused
from tests.kit.day import answer_boost, boost, fetch_question, start_watch, videos, watch
from tests.kit.words import at
from tests.kit.world import Person, World


async def test_a_video_whose_length_nobody_told_us_pays_nothing(world: World) -> None:
    unknown = await world.value("SELECT min(id) FROM videos WHERE duration_seconds IS NULL")
    person = await miner(world)
    assert (await refused(person, unknown))[0] == "DURATION_UNKNOWN"
    told = await refused(person, unknown, player_seconds=60)  # as clients once did
    assert told[0] == "DURATION_UNKNOWN"
    assert await world.value("SELECT count(*) FROM boosts") == 0


async def test_a_players_word_recorded_by_an_earlier_release_is_read_and_not_believed(
    world: World,
) -> None:
    unknown = await world.value("SELECT min(id) FROM videos WHERE duration_seconds IS NULL")
    person = await miner(world)
    recorded = await person.post("/v1/boosts", {"video_id": unknown})
    await change(
        world,
        """UPDATE intents SET payload = payload || '{"player_seconds": 60}'
           WHERE kind = 'boost.start'""",
    )
    assert (await person.outcome(recorded))["problem"]["reason"] == "DURATION_UNKNOWN"


@pytest.mark.parametrize("how", ["WRONG", "LATE", "LEFT"])
async def test_a_question_spends_a_boost_however_it_is_answered(world: World, how: str) -> None:
    person = await miner(world)
    names = await videos(world)
    for place, name in enumerate(names[:3], start=1):
        begun = await start_watch(person, name)
        await watch(person, begun)
        await fetch_question(person, begun)
        world.move_to(utcnow() + timedelta(seconds=30 if how == "LATE" else 2))
        if how != "LEFT":
            await answer_boost(person, begun, right=False)
        left = (await person.get("/v1/videos")).json()["boosts_left_today"]
        assert left == 3 - place
    assert await refused(person, names[3]) == ("BOOSTS_USED_UP", TOMORROW)
    assert await paid(world) == []


async def test_a_watch_that_is_left_before_its_question_spends_nothing(world: World) -> None:
    person = await miner(world)
    names = await videos(world)
    for name in names[:4]:
        begun = await start_watch(person, name)
        await watch(person, begun)
    assert (await person.get("/v1/videos")).json()["boosts_left_today"] == 3
    await fetch_question(person, begun)
    assert (await answer_boost(person, begun))["result"]["status"] == "PAID"


async def asked_of(world: World, person: Person) -> list[str]:
    """The questions that were put to somebody, in order."""
    found = await world.rows(
        "SELECT question_key FROM boosts WHERE user_id = :u AND asked_at IS NOT NULL"
        " ORDER BY asked_at",
        u=person.id,
    )
    return [row.question_key for row in found]


async def test_no_question_comes_again_while_others_of_its_video_are_left(world: World) -> None:
    person = await miner(world)
    name = (await videos(world))[0]
    for day in (1, 3, 4, 8, 9, 10):
        if day > 1:
            await world.live_until(at(f"2026-03-{day:02}T00:00Z"), timedelta(hours=4))
            await person.mine()
        await boost(person, name)
    questions = await asked_of(world, person)
    assert len(set(questions[:3])) == len(set(questions[3:])) == 3


async def test_who_begins_again_is_asked_the_same_and_others_are_asked_others(
    world: World,
) -> None:
    people = await world.people(12, group_number=1)
    name = (await videos(world))[0]
    world.move_to(at("00:05"))
    drawn = set()
    for person in people:
        await person.mine()
        for _ in range(3):
            world.move_to(utcnow() + timedelta(seconds=1))
            await start_watch(person, name)
        keys = await world.rows(
            "SELECT DISTINCT question_key FROM boosts WHERE user_id = :u", u=person.id
        )
        assert len(keys) == 1
        drawn.add(keys[0].question_key)
    assert len(drawn) > 1
