"""Boosts through the API: three a day, each video once, only while mining, thirty seconds."""

import json
from datetime import timedelta
from typing import Any

import pytest

from runtime.clock import utcnow
from tests.kit.boosts import TOMORROW, asked, miner, paid, refused
from tests.kit.day import answer_boost, beat, boost, fetch_question, start_watch, videos, watch
from tests.kit.problems import problem_of
from tests.kit.words import MICROSECOND, at
from tests.kit.world import Person, World


async def test_a_right_answer_pays_half_as_much_again_as_the_session_at_once(world: World) -> None:
    person = await miner(world)
    before = await person.balance()
    begun = await asked(world, person)
    answered = await answer_boost(person, begun)
    assert (answered["result"]["status"], answered["result"]["reward"]) == ("PAID", "150.000000")
    assert await paid(world) == [(f"boost:{begun['boost_id']}", 150_000_000, "content")]
    assert float(await person.balance()) - float(before) == 150
    events = await world.rows("SELECT action FROM activity_logs WHERE resource_type = 'boost'")
    assert [row.action for row in events] == [
        "BOOST_START",
        "BOOST_WATCH",
        "BOOST_ASK",
        "BOOST_PAID",
    ]


async def test_a_wrong_answer_is_logged_and_pays_nothing(world: World) -> None:
    person = await miner(world)
    begun = await asked(world, person)
    answered = await answer_boost(person, begun, right=False)
    assert (answered["result"]["status"], answered["result"]["is_correct"]) == ("WRONG", False)
    assert await paid(world) == []
    assert await world.value("SELECT count(*) FROM activity_logs WHERE action = 'BOOST_WRONG'") == 1
    again = await answer_boost(person, begun)
    assert again["problem"]["reason"] == "BOOST_CLOSED"
    assert (await refused(person, begun["video_id"])) == ("VIDEO_USED", TOMORROW)


@pytest.mark.parametrize(
    ("after", "reason"),
    [(timedelta(seconds=30) - MICROSECOND, None), (timedelta(seconds=30), "ANSWER_LATE")],
)
async def test_the_time_for_an_answer_is_thirty_seconds_to_the_microsecond(
    world: World, after: timedelta, reason: str | None
) -> None:
    person = await miner(world)
    begun = await asked(world, person)
    asked_at = utcnow()
    world.move_to(asked_at + timedelta(seconds=20))
    again = await fetch_question(person, begun)  # does not give more time
    assert again["answer_by"] == (asked_at + timedelta(seconds=30)).isoformat()[:19] + "Z"
    world.move_to(asked_at + after)
    answered = await answer_boost(person, begun)
    assert (answered["problem"] or {}).get("reason") == reason
    assert len(await paid(world)) == (reason is None)
    if reason:
        problem_of(await person.get(f"/v1/boosts/{begun['boost_id']}/question"), 409)
        assert (await refused(person, begun["video_id"]))[0] == "VIDEO_USED"


async def test_three_boosts_a_day_and_each_video_once(world: World) -> None:
    person = await miner(world)
    names = await videos(world)
    for name in names[:3]:
        assert (await refused(person, names[0]))[0] == "VIDEO_USED" if name != names[0] else True
        assert (await boost(person, name))["result"]["status"] == "PAID"
    assert await refused(person, names[3]) == ("BOOSTS_USED_UP", TOMORROW)
    slots = await world.rows("SELECT slot FROM boosts ORDER BY started_at")
    assert [row.slot for row in slots] == [1, 2, 3]
    await world.live_until(at("2026-03-02T00:00Z"), timedelta(hours=1))
    await person.mine()
    assert (await boost(person, names[0]))["result"]["status"] == "PAID"


async def test_a_question_fetched_early_is_refused_and_uses_nothing_up(world: World) -> None:
    person = await miner(world)
    begun = await start_watch(person, (await videos(world))[0])
    early = await person.get(f"/v1/boosts/{begun['boost_id']}/question")
    problem_of(early, 409, "watch-incomplete")
    answered = await answer_boost(person, begun)
    assert answered["problem"]["reason"] == "QUESTION_NOT_ASKED"
    await watch(person, begun)
    await fetch_question(person, begun)
    assert (await answer_boost(person, begun))["result"]["status"] == "PAID"


async def test_a_video_finished_in_a_second_is_not_finished(world: World) -> None:
    person = await miner(world)
    begun = await start_watch(person, (await videos(world))[0])
    world.move_to(utcnow() + timedelta(seconds=1))
    shown = await beat(person, begun, 60, state="ENDED")
    assert (shown["is_complete"], shown["reached_seconds"]) == (False, 0)
    assert shown["fault"] == "SKIPPED"
    assert await world.value("SELECT count(*) FROM intents WHERE kind = 'boost.watch'") == 0


async def test_a_storm_of_beats_gains_nothing_and_records_one_watch(world: World) -> None:
    person = await miner(world)
    begun = await start_watch(person, (await videos(world))[0])
    first = dict(begun)
    for number in range(40):  # at once, each with the token of the one before
        assert (await beat(person, begun, 1 + number))["reached_seconds"] == 0
    begun = await _watched_but_for_the_end(person, first)
    world.move_to(utcnow() + timedelta(seconds=5))
    last = dict(begun)
    for _ in range(20):  # the same beat again and again
        assert (await beat(person, dict(last), 60))["is_complete"] is True
    await world.drain()
    watches = await world.rows("SELECT status FROM intents WHERE kind = 'boost.watch'")
    assert [row.status for row in watches] == ["APPLIED"]


async def _watched_but_for_the_end(person: Person, begun: dict[str, Any]) -> dict[str, Any]:
    for seconds in range(5, 60, 5):
        person.world.move_to(utcnow() + timedelta(seconds=5))
        assert (await beat(person, begun, seconds))["fault"] is None
    return begun


async def test_faults_of_a_watch_are_kept_for_those_who_look_for_patterns(world: World) -> None:
    person = await miner(world)
    begun = await start_watch(person, (await videos(world))[0])
    for fault, player in (("MUTED", {"muted": True}), ("HIDDEN", {"visible": False})):
        world.move_to(utcnow() + timedelta(seconds=5))
        assert (await beat(person, begun, 0, **player))["fault"] == fault
    await watch(person, begun)
    details = "SELECT metadata ->> 'faults' FROM activity_logs WHERE action = 'BOOST_WATCH'"
    assert await world.value(details) == "2"


async def test_boosts_need_a_session_that_mines_now(world: World) -> None:
    person = await world.person(group_number=1)
    name = (await videos(world))[0]
    world.move_to(at("00:04:58"))
    assert (await refused(person, name))[0] == "NOT_MINING"
    world.move_to(at("00:05"))
    ad = await person.begin()
    world.move_to(at("00:05:01"))
    assert (await refused(person, name))[0] == "NOT_MINING"  # its ad is not proved yet
    world.move_to(at("00:06"))
    await person.report(ad["view_id"], "completed")
    await person.callback(ad["nonce"])
    await world.drain()
    world.move_to(at("04:04:30"))
    assert (await start_watch(person, name))["status"] == "WATCHING"
    world.move_to(at("04:04:30") + MICROSECOND)
    assert await refused(person, name) == ("SESSION_ENDS", "2026-03-01T04:06:00Z")
    world.move_to(at("04:06"))
    assert (await refused(person, name))[0] == "NOT_MINING"


@pytest.mark.parametrize(("answer_at", "pays"), [("04:05:59.999999", True), ("04:06", False)])
async def test_a_session_that_ends_before_the_answer_has_no_boost(
    world: World, answer_at: str, pays: bool
) -> None:
    person = await miner(world)
    world.move_to(at("04:04:30"))
    begun = await start_watch(person, (await videos(world))[0])
    await watch(person, begun)
    world.move_to(at("04:05:50"))
    await fetch_question(person, begun)
    world.move_to(at(answer_at))
    answered = await answer_boost(person, begun)
    assert (answered["problem"] or {}).get("reason") == (None if pays else "NOT_MINING")
    assert len(await paid(world)) == pays
    await world.live_until(at("04:20"))  # settled or not, the boost stays what it is


async def test_a_session_settled_in_the_meantime_still_pays_what_was_answered_in_it(
    world: World,
) -> None:
    person = await miner(world)
    world.move_to(at("04:04:30"))
    begun = await asked(world, person)
    world.move_to(at("04:05:59"))
    option = await _right_option_unanswered(person, begun)
    answer = await person.post(f"/v1/boosts/{begun['boost_id']}/answer", {"option": option})
    await world.live_until(at("04:10"))  # applied late, after the session was completed
    assert (await person.outcome(answer))["result"]["status"] == "PAID"
    assert await person.balance() == "250.000000"


async def _right_option_unanswered(person: Person, begun: dict[str, Any]) -> int:
    shown = await fetch_question(person, begun)
    question = await person.world.rows(
        "SELECT q.options, q.correct_index FROM questions q JOIN boosts b ON b.question_key = q.key"
    )
    [(options, correct)] = question
    right = json.loads(options)["en"][correct]
    found: int = shown["options"]["en"].index(right)
    return found


async def test_another_start_gives_up_the_watch_under_way(world: World) -> None:
    person = await miner(world)
    names = await videos(world)
    first = await start_watch(person, names[0])
    world.move_to(utcnow() + MICROSECOND)
    second = await start_watch(person, names[1])
    await watch(person, first)  # its beats still come
    problem_of(await person.get(f"/v1/boosts/{first['boost_id']}/question"), 409, "boost-closed")
    assert (await answer_boost(person, first))["problem"]["reason"] == "BOOST_CLOSED"
    states = await world.rows("SELECT status, failure FROM boosts ORDER BY id")
    assert [tuple(row) for row in states] == [("FAILED", "ABANDONED"), ("WATCHING", None)]
    await watch(person, second)
    await fetch_question(person, second)
    assert (await answer_boost(person, second))["result"]["status"] == "PAID"


async def test_a_boost_over_midnight_belongs_to_the_day_of_its_start(world: World) -> None:
    person = await world.person(group_number=1)
    names = await videos(world)
    await world.go_to(at("20:05"))
    await person.mine()
    for name in names[:2]:
        await boost(person, name)
    world.move_to(at("23:59:30"))
    third = await start_watch(person, names[2])
    await watch(person, third)
    assert utcnow() == at("2026-03-02T00:00:30Z")
    await fetch_question(person, third)
    assert (await answer_boost(person, third))["result"]["status"] == "PAID"
    slots = await world.rows("SELECT day, slot FROM boosts ORDER BY started_at")
    assert [(f"{row.day}", row.slot) for row in slots] == [("2026-03-01", n) for n in (1, 2, 3)]
    assert (await boost(person, names[0]))["result"]["status"] == "PAID"  # a new day


async def test_starts_around_midnight_count_for_the_day_they_were_recorded_in(world: World) -> None:
    person = await world.person(group_number=1)
    names = await videos(world)
    await world.go_to(at("20:05"))
    await person.mine()
    for name in names[:3]:
        await boost(person, name)
    world.move_to(at("2026-03-02T00:00Z") - MICROSECOND)
    body = {"video_id": names[0]}
    late = await person.post("/v1/boosts", body)
    world.move_to(at("2026-03-02T00:00Z"))
    early = await person.post("/v1/boosts", body)
    assert (await person.outcome(late))["problem"]["reason"] == "BOOSTS_USED_UP"
    assert (await person.outcome(early))["status"] == "APPLIED"
