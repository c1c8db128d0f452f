"""Ads and videos are watched one after the other, whatever they pay for (decision 0005)."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from engine.core.piece import Piece
from runtime.clock import utcnow
from tests.kit.boosts import change, miner
from tests.kit.day import answer_boost, fetch_question, start_task, start_watch, videos, watch
from tests.kit.letters import dead_letter, revive_later
from tests.kit.problems import problem_of
from tests.kit.tasks import TWENTY, begun, numbers_of_ads, view_of, with_first
from tests.kit.words import MICROSECOND, at
from tests.kit.world import Person, World
from workers.apply import drain


async def ad_of_a_task(person: Person) -> dict[str, Any]:
    number = (await numbers_of_ads(person))[0]
    ad: dict[str, Any] = (await start_task(person, number))["ad"]
    return ad


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_of_two_ads_begun_at_once_one_is_watched(
    world: World, order: tuple[int, int]
) -> None:
    """The one that was reported first, whichever group was rung for first."""
    person, task = await with_first(world, "ADS")
    ads = [(await start_task(person, task["number"]))["ad"]]
    before, after = person.group_number, person.group_number % 10 + 1
    await person.post(f"/v1/ads/views/{ads[0]['view_id']}/started")
    await world.regroup(person, after)
    second = next(n for n in await numbers_of_ads(person) if n != task["number"])
    started = await person.post(f"/v1/tasks/{second}/started")
    await drain(world.shop, Piece(after, person.id % 64))
    ads.append((await person.get(started.headers["Location"])).json()["result"]["ad"])
    world.move_to(utcnow() + timedelta(seconds=5))
    await person.post(f"/v1/ads/views/{ads[1]['view_id']}/started")
    for place in order:
        await drain(world.shop, Piece((before, after)[place], person.id % 64))
    [(first, _), (late, _)] = [await view_of(world, ad) for ad in ads]
    assert (first, late) == ("STARTED", "SERVED")


async def test_an_ad_that_could_not_be_shown_keeps_no_other_waiting(world: World) -> None:
    person, _, ad = await begun(world)
    shown = (await person.report(ad["view_id"], "failed"))["result"]["ad"]
    assert (await person.report(shown["view_id"], "started"))["status"] == "APPLIED"


async def test_ads_that_only_their_network_proves_pay_for_the_time_they_take(world: World) -> None:
    await change(world, "UPDATE ads SET proof = 'NETWORK_SIGNED' WHERE purpose = 'TASK'")
    person, _ = await with_first(world, "ADS")
    numbers = (await numbers_of_ads(person))[:3]
    ads = [(await start_task(person, number))["ad"] for number in numbers]
    for ad in ads:
        world.move_to(max(utcnow(), at("00:00:20")))
        await person.callback(ad["nonce"], unit=ad["unit"])
        await world.drain()
    assert [await view_of(world, ad) for ad in ads] == [
        ("VERIFIED", None),
        *[("FAILED", "AD_TOO_SHORT")] * (len(ads) - 1),
    ]
    assert len(ads) >= 2
    again = (await start_task(person, numbers[1]))["ad"]
    world.move_to(utcnow() + TWENTY)
    await person.callback(again["nonce"], unit=again["unit"])
    await world.drain()
    assert await view_of(world, again) == ("VERIFIED", None)


async def test_no_ad_is_watched_beside_the_ad_of_a_session(world: World) -> None:
    person, task = await with_first(world, "ADS")
    await world.regroup(person, 1)
    world.move_to(at("00:05"))
    ad = (await start_task(person, task["number"]))["ad"]
    mining = await person.begin()
    refused = (await person.report(ad["view_id"], "started"))["problem"]
    assert refused["reason"] == "AD_IN_PROGRESS"
    world.move_to(datetime.fromisoformat(refused["retry_at"]))
    assert (await person.report(mining["view_id"], "completed"))["status"] == "APPLIED"
    assert (await person.report(ad["view_id"], "started"))["status"] == "APPLIED"


async def test_no_video_is_begun_while_an_ad_is_watched(world: World) -> None:
    person = await miner(world)
    [name, *_] = await videos(world)
    ad = await ad_of_a_task(person)
    await person.report(ad["view_id"], "started")
    until = utcnow() + timedelta(seconds=ad["min_seconds"])
    world.move_to(until - MICROSECOND)
    problem = (await person.ask("/v1/boosts", {"video_id": name}))["problem"]
    assert problem["reason"] == "AD_IN_PROGRESS"
    assert datetime.fromisoformat(problem["retry_at"]) == until
    world.move_to(until)
    assert (await person.ask("/v1/boosts", {"video_id": name}))["status"] == "APPLIED"


async def test_an_ad_gives_up_the_video_that_is_being_watched(world: World) -> None:
    person = await miner(world)
    [first, second, *_] = await videos(world)
    ad = await ad_of_a_task(person)
    begun = await start_watch(person, first)
    world.move_to(utcnow() + MICROSECOND)
    await person.report(ad["view_id"], "started")
    [row] = await world.rows("SELECT status, failure FROM boosts")
    assert tuple(row) == ("FAILED", "ABANDONED")
    problem_of(await person.get(f"/v1/boosts/{begun['boost_id']}/question"), 409, "boost-closed")
    world.move_to(utcnow() + timedelta(seconds=ad["min_seconds"]))
    watched = await start_watch(person, second)
    await watch(person, watched)
    ad = (await person.report(ad["view_id"], "failed"))["result"]["ad"]
    await person.report(ad["view_id"], "started")  # the video is over: its question may come
    await fetch_question(person, watched)
    assert (await answer_boost(person, watched))["result"]["status"] == "PAID"


async def test_a_video_begun_before_an_ad_and_applied_after_it_is_given_up(world: World) -> None:
    person = await miner(world)
    [name, *_] = await videos(world)
    ad = await ad_of_a_task(person)
    await person.post("/v1/boosts", {"video_id": name})
    letter = await dead_letter(world, "boost.start")
    world.move_to(utcnow() + MICROSECOND)
    await person.report(ad["view_id"], "started")
    assert (await revive_later(world, person, letter, utcnow()))[0] == "APPLIED"
    [row] = await world.rows("SELECT status, failure FROM boosts")
    assert tuple(row) == ("FAILED", "ABANDONED")
