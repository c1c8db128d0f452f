"""Boosts in awkward company: forged, foreign and repeated reports, intents in another order."""

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from engine.core.piece import Piece
from runtime.clock import utcnow
from tests.kit.boosts import asked, change, miner, paid, shown_to_the_end, status_of
from tests.kit.day import (
    answer_boost,
    beat,
    boost,
    fetch_question,
    right_option,
    start_watch,
    videos,
    watch,
)
from tests.kit.letters import dead_letter, revive_later
from tests.kit.problems import problem_of
from tests.kit.words import at
from tests.kit.world import Person, World
from workers.apply import drain

BEAT: dict[str, Any] = {
    "position_seconds": 5,
    "state": "PLAYING",
    "muted": False,
    "visible": True,
}


async def answer_option(person: Person, begun: dict[str, Any]) -> int:
    """The right option."""
    key = await person.world.value(
        "SELECT question_key FROM boosts WHERE id = :id", id=UUID(begun["boost_id"])
    )
    return await right_option(person, key, begun["boost_id"])


async def test_of_two_answers_at_once_one_counts(world: World) -> None:
    person = await miner(world)
    begun = await asked(world, person)
    right = await answer_option(person, begun)
    path = f"/v1/boosts/{begun['boost_id']}/answer"
    answers = await asyncio.gather(
        *(person.post(path, {"option": (right + n) % 4}) for n in (0, 1, 0, 2))
    )
    piece = Piece(1, person.id % 64)
    await asyncio.gather(*(drain(world.shop, piece) for _ in range(3)))
    outcomes = [await person.outcome(answer) for answer in answers]
    assert sorted(outcome["status"] for outcome in outcomes) == ["APPLIED", *["REJECTED"] * 3]
    assert {o["problem"]["reason"] for o in outcomes if o["problem"]} == {"BOOST_CLOSED"}
    assert len(await paid(world)) == ((await status_of(world, begun))[0] == "PAID")


async def test_everything_delivered_twice_pays_once(world: World) -> None:
    world.deliveries = 2
    person = await miner(world)
    begun = await asked(world, person)
    right = await answer_option(person, begun)
    path = f"/v1/boosts/{begun['boost_id']}/answer"
    first = await person.ask(path, {"option": right}, key="an-answer")
    again = await person.ask(path, {"option": right}, key="an-answer")
    assert first == again
    reused = await person.post(path, {"option": (right + 1) % 4}, key="an-answer")
    problem_of(reused, 422, "idempotency-key-reused")
    assert len(await paid(world)) == 1


async def test_an_option_that_is_none_is_refused_and_uses_nothing_up(world: World) -> None:
    person = await miner(world)
    begun = await asked(world, person)
    path = f"/v1/boosts/{begun['boost_id']}/answer"
    options: list[Any] = [-1, 4, 2**63, 1.5, "a", None, True, [0]]
    for option in options:
        answer = await person.post(path, {"option": option})
        assert answer.status_code == 400, repr(option)
        problem_of(answer, 400)
    problem_of(await person.post(path, {"option": 1, "is_correct": True}), 400)
    assert (await answer_boost(person, begun))["result"]["status"] == "PAID"


async def test_a_position_that_is_none_is_refused(world: World) -> None:
    person = await miner(world)
    begun = await start_watch(person, (await videos(world))[0])
    headers = person.headers | {"Content-Type": "application/json"}
    path = f"/v1/boosts/{begun['boost_id']}/progress"
    numbers = ["-1", "-0.000001", "NaN", "Infinity", "1e999", "86400.1"]
    for position in [*numbers, '"x"', "null", "[5]"]:
        body = f"""{{"watch_token": "{begun["watch_token"]}", "position_seconds": {position},
                     "state": "PLAYING", "muted": false, "visible": true}}"""
        answer = await world.http.post(path, content=body, headers=headers)
        assert answer.status_code == 400, position
        problem_of(answer, 400, "bad-request")


async def test_a_beat_of_another_form_is_refused(world: World) -> None:
    person = await miner(world)
    begun = await start_watch(person, (await videos(world))[0])
    path = f"/v1/boosts/{begun['boost_id']}/progress"
    changes: list[dict[str, Any]] = [
        {"state": "FINISHED"},
        {"state": None},
        {"muted": "loud"},
        {"visible": 2},
        {"speed": 2},
        {"watch_token": None},
        {"watch_token": "A" * 201},
    ]
    for other in changes:
        answer = await person.post(path, BEAT | {"watch_token": begun["watch_token"]} | other)
        assert answer.status_code == 400, other
        problem_of(answer, 400, "bad-request")
    form = await world.http.post(path, data={"state": "PLAYING"}, headers=person.headers)
    problem_of(form, 400)


async def test_a_token_that_is_forged_or_of_another_boost_opens_nothing(world: World) -> None:
    person = await miner(world)
    names = await videos(world)
    first = await start_watch(person, names[0])
    second = await start_watch(person, names[1])
    raw = urlsafe_b64decode(second["watch_token"])
    reached = raw[:24] + (60_000_000).to_bytes(8, "big") + raw[32:]
    tokens = [first["watch_token"], "", "é", second["watch_token"][:-4], second["watch_token"] * 2]
    for token in [*tokens, urlsafe_b64encode(reached).decode()]:
        path = f"/v1/boosts/{second['boost_id']}/progress"
        problem_of(await person.post(path, BEAT | {"watch_token": token}), 400, "bad-request")
    assert await world.value("SELECT count(*) FROM intents WHERE kind = 'boost.watch'") == 0


async def test_an_old_token_gains_nothing(world: World) -> None:
    person = await miner(world)
    begun = await start_watch(person, (await videos(world))[0])
    old = dict(begun)
    for seconds in (5, 10, 15, 20):
        world.move_to(utcnow() + timedelta(seconds=5))
        await beat(person, begun, seconds)
    again = await beat(person, dict(old), 20)
    assert again["reached_seconds"] == 20  # the clock's twenty seconds, not forty
    world.move_to(utcnow() + timedelta(seconds=20))
    assert (await beat(person, dict(old), 40))["fault"] == "SILENT"


async def test_somebody_elses_boost_can_be_neither_seen_nor_moved(world: World) -> None:
    person, other = await world.people(2, group_number=1)
    assert person.id % 64 == other.id % 64
    world.move_to(at("00:05"))
    await person.mine()
    begun = await start_watch(person, (await videos(world))[0])
    mine = dict(begun)
    for seconds in range(5, 60, 5):
        world.move_to(utcnow() + timedelta(seconds=5))
        await beat(person, begun, seconds)
    world.move_to(utcnow() + timedelta(seconds=5))
    await beat(other, dict(begun), 60)  # with a token that was passed on
    await world.drain()
    assert await status_of(world, mine) == ("WATCHING", None)
    problem_of(await other.get(f"/v1/boosts/{mine['boost_id']}/question"), 404, "not-found")
    assert (await answer_boost(other, mine))["problem"]["reason"] == "BOOST_UNKNOWN"
    await beat(person, begun, 60)
    await world.drain()
    await fetch_question(person, mine)
    assert (await answer_boost(person, mine))["result"]["status"] == "PAID"


async def test_a_boost_that_does_not_exist_is_said_so(world: World) -> None:
    person = await miner(world)
    unknown = f"/v1/boosts/{uuid4()}"
    problem_of(await person.get(f"{unknown}/question"), 404, "not-found")
    assert (await person.ask(f"{unknown}/answer", {"option": 0}))["problem"]["reason"] == (
        "BOOST_UNKNOWN"
    )
    problem_of(await person.get("/v1/boosts/1/question"), 404)


async def test_a_video_taken_away_and_asked_no_more_still_pays_who_watches_it(world: World) -> None:
    person = await miner(world)
    names = await videos(world)
    begun = await start_watch(person, names[0])
    await change(
        world,
        "UPDATE videos SET is_active = false, inactive_because = 'GONE' WHERE id = :v",
        v=names[0],
    )
    await change(world, "UPDATE questions SET is_active = false WHERE video_id = :v", v=names[0])
    await watch(person, begun)  # longer than a library is held
    await fetch_question(person, begun)
    assert (await answer_boost(person, begun))["result"]["status"] == "PAID"
    assert (await person.ask("/v1/boosts", {"video_id": names[0]}))["problem"][
        "reason"
    ] == "VIDEO_UNKNOWN"


async def test_an_account_disabled_in_the_middle_earns_nothing_more(world: World) -> None:
    person = await miner(world)
    begun = await asked(world, person)
    right = await answer_option(person, begun)
    answer = await person.post(f"/v1/boosts/{begun['boost_id']}/answer", {"option": right})
    await change(world, "UPDATE users SET is_active = false WHERE id = :u", u=person.id)
    assert (await person.outcome(answer))["problem"]["reason"] == "ACCOUNT_DISABLED"
    assert await paid(world) == []


async def test_a_move_to_another_group_in_the_middle_loses_nothing(world: World) -> None:
    person = await miner(world)
    begun = await start_watch(person, (await videos(world))[0])
    await shown_to_the_end(person, begun)  # recorded for group 1
    await world.regroup(person, 7)
    shown = await person.get(f"/v1/boosts/{begun['boost_id']}/question")  # for group 7
    assert shown.status_code == 200
    await drain(world.shop, Piece(7, person.id % 64))  # overtakes
    await world.drain()
    assert (await answer_boost(person, begun))["result"]["status"] == "PAID"


@pytest.mark.parametrize("is_applied", [False, True])
async def test_a_question_fetched_from_a_server_whose_clock_is_behind_can_be_answered(
    world: World, is_applied: bool
) -> None:
    person = await miner(world)
    begun = await start_watch(person, (await videos(world))[0])
    await shown_to_the_end(person, begun)
    if is_applied:
        await world.drain()
    finished_at = utcnow()
    world.move_to(finished_at - timedelta(milliseconds=20))
    shown = await person.get(f"/v1/boosts/{begun['boost_id']}/question")
    assert shown.status_code == 200
    world.move_to(finished_at + timedelta(seconds=29))
    assert (await answer_boost(person, begun))["result"]["status"] == "PAID"


async def test_an_answer_from_before_its_question_is_refused_with_its_reason(world: World) -> None:
    person = await miner(world)
    begun = await asked(world, person)
    asked_at = utcnow()
    world.move_to(asked_at - timedelta(milliseconds=20))  # another server's clock
    assert (await answer_boost(person, begun))["problem"]["reason"] == "QUESTION_NOT_ASKED"
    world.move_to(asked_at)
    assert (await answer_boost(person, begun))["result"]["status"] == "PAID"


async def test_an_answer_revived_days_later_is_paid_as_of_its_own_time(world: World) -> None:
    person = await miner(world)
    begun = await asked(world, person)
    right = await answer_option(person, begun)
    await person.post(f"/v1/boosts/{begun['boost_id']}/answer", {"option": right})
    letter = await dead_letter(world, "boost.answer")
    status, result = await revive_later(world, person, letter, at("2026-03-04T00:00Z"))
    assert (status, result["status"]) == ("APPLIED", "PAID")
    assert len(await paid(world)) == 1
    [slot] = await world.rows("SELECT day, slot FROM boosts")
    assert (f"{slot.day}", slot.slot) == ("2026-03-01", 1)


async def test_a_start_revived_later_does_not_end_the_watch_of_today(world: World) -> None:
    person = await miner(world)
    names = await videos(world)
    await person.post("/v1/boosts", {"video_id": names[0]})
    letter = await dead_letter(world, "boost.start")
    world.move_to(utcnow() + timedelta(seconds=1))
    today = await start_watch(person, names[1])
    await revive_later(world, person, letter, utcnow())
    assert await status_of(world, today) == ("WATCHING", None)
    await watch(person, today)
    await fetch_question(person, today)
    assert (await answer_boost(person, today))["result"]["status"] == "PAID"
    assert (await boost(person, names[0]))["result"]["status"] == "PAID"
