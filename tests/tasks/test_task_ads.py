"""Tasks that are done by watching an ad: too short, too late, failed, over midnight, moved."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from engine.core.piece import Piece
from runtime.clock import utcnow
from tests.kit.boosts import change
from tests.kit.day import start_task
from tests.kit.letters import dead_letter, revive_later
from tests.kit.tasks import (
    MIDNIGHT,
    TWENTY,
    begun,
    numbers_of_ads,
    paid,
    refusal,
    status_of,
    view_of,
    with_first,
)
from tests.kit.words import MICROSECOND, at
from tests.kit.world import Person, World
from workers.apply import drain


async def prove(person: Person, ad: dict[str, Any]) -> dict[str, Any]:
    """Watch to the end; the network confirms. Return the outcome of the report."""
    person.world.move_to(utcnow() + TWENTY)
    reported = await person.report(ad["view_id"], "completed")
    assert (await person.callback(ad["nonce"], unit=ad["unit"])).status_code == 200
    await person.world.drain()
    return reported


@pytest.mark.parametrize(("watched", "pays"), [(TWENTY - MICROSECOND, False), (TWENTY, True)])
async def test_an_ad_of_a_task_is_watched_for_twenty_seconds(
    world: World, watched: timedelta, pays: bool
) -> None:
    person, number, ad = await begun(world)
    started_at = utcnow()
    world.move_to(started_at + watched)
    reported = await person.report(ad["view_id"], "completed")
    await person.callback(ad["nonce"], unit=ad["unit"])
    await world.drain()
    assert (reported["problem"] or {}).get("reason") == (None if pays else "AD_TOO_SHORT")
    if not pays:
        assert await paid(world) == []
        assert await world.value("SELECT event_type FROM fraud_logs") == "INCOMPLETE_VIEW"
        again = await start_task(person, number)  # at once
        await person.report(again["ad"]["view_id"], "started")
        await prove(person, again["ad"])
    assert await paid(world) == [(f"2026-03-01:{number}", 2_000_000, "house")]
    assert await refusal(person, f"{number}/started") == "TASK_CLOSED"


async def test_a_task_waits_for_the_callback_and_is_paid_once(world: World) -> None:
    world.deliveries = 2
    person, number, ad = await begun(world)
    world.move_to(utcnow() + TWENTY)
    waiting = await person.report(ad["view_id"], "completed")
    assert waiting["result"]["status"] == "PENDING"
    assert await status_of(person, number) == "STARTED"
    assert await paid(world) == []
    for event in ("event-number-1", "event-number-1", "event-number-2"):
        await person.callback(ad["nonce"], event, unit=ad["unit"])
        await world.drain()
    assert await paid(world) == [(f"2026-03-01:{number}", 2_000_000, "house")]
    again = await person.report(ad["view_id"], "completed")
    assert again["problem"]["reason"] == "VIEW_CLOSED"


async def test_an_ad_that_was_never_proved_is_given_up_when_the_task_is_begun_again(
    world: World,
) -> None:
    person, number, ad = await begun(world)
    served_at = utcnow()
    world.move_to(served_at + timedelta(minutes=15, seconds=10) - MICROSECOND)
    assert await refusal(person, f"{number}/started") == "AD_IN_PROGRESS"
    world.move_to(served_at + timedelta(minutes=15, seconds=10))
    again = (await start_task(person, number))["ad"]
    assert await view_of(world, ad) == ("FAILED", "AD_EXPIRED")
    late = await person.report(ad["view_id"], "completed")
    assert late["problem"]["reason"] == "AD_EXPIRED"
    await person.callback(ad["nonce"], unit=ad["unit"])
    await world.drain()
    assert await paid(world) == []
    await person.report(again["view_id"], "started")
    await prove(person, again)
    assert len(await paid(world)) == 1


async def test_a_proof_that_comes_too_late_pays_nothing(world: World) -> None:
    person, number, ad = await begun(world)
    world.move_to(utcnow() + TWENTY)
    await person.report(ad["view_id"], "completed")
    for late in (timedelta(minutes=15), timedelta(minutes=20)):
        world.move_to(at("00:00:20") + late)
        await person.callback(ad["nonce"], f"event-late-{late.seconds}", unit=ad["unit"])
        await world.drain()
    assert await paid(world) == []
    assert await view_of(world, ad) == ("FAILED", "AD_EXPIRED")
    assert (await start_task(person, number))["ad"]["try_number"] == 1


async def test_three_ads_are_tried_and_the_task_may_be_begun_again(world: World) -> None:
    person, number, ad = await begun(world)
    for try_number in (2, 3):
        ad = (await person.report(ad["view_id"], "failed"))["result"]["ad"]
        assert ad["try_number"] == try_number
    refused = await person.report(ad["view_id"], "failed")
    assert refused["problem"]["reason"] == "AD_UNAVAILABLE"
    again = (await start_task(person, number))["ad"]
    assert again["try_number"] == 1
    await person.report(again["view_id"], "started")
    await prove(person, again)
    assert len(await paid(world)) == 1


async def test_without_an_ad_a_task_is_not_begun(world: World) -> None:
    person, task = await with_first(world, "ADS")
    await change(world, "UPDATE ads SET is_active = false WHERE purpose = 'TASK'")
    assert await refusal(person, f"{task['number']}/started") == "AD_UNAVAILABLE"
    assert await status_of(person, task["number"]) == "AVAILABLE"


async def test_an_ad_proved_after_midnight_pays_the_task_it_was_served_for(world: World) -> None:
    person, task = await with_first(world, "ADS")
    number = task["number"]
    world.move_to(MIDNIGHT - timedelta(seconds=5))
    ad = (await start_task(person, number))["ad"]
    await person.report(ad["view_id"], "started")
    assert (await prove(person, ad))["result"]["day"] == "2026-03-01"
    assert utcnow() > MIDNIGHT
    assert await paid(world) == [(f"2026-03-01:{number}", 2_000_000, "house")]
    assert await world.value("SELECT count(*) FROM daily_tasks WHERE day = '2026-03-02'") == 0


async def test_two_tasks_at_once_are_two_ads_one_after_the_other(world: World) -> None:
    person, number, ad = await begun(world)
    began_at = utcnow()
    second = next(n for n in await numbers_of_ads(person) if n != number)
    other = (await start_task(person, second))["ad"]
    for moment in (began_at, began_at + TWENTY - MICROSECOND):
        world.move_to(moment)
        refused = (await person.report(other["view_id"], "started"))["problem"]
        assert refused["reason"] == "AD_IN_PROGRESS"
        assert datetime.fromisoformat(refused["retry_at"]) == began_at + TWENTY
    world.move_to(began_at)
    await prove(person, ad)
    assert await status_of(person, second) == "STARTED"
    assert (await person.report(other["view_id"], "started"))["status"] == "APPLIED"
    await prove(person, other)
    assert utcnow() == began_at + 2 * TWENTY
    assert {name for name, _, _ in await paid(world)} == {
        f"2026-03-01:{number}",
        f"2026-03-01:{second}",
    }


async def test_an_ad_of_a_session_pays_no_task_and_the_other_way_round(world: World) -> None:
    person, number, ad = await begun(world)
    await world.regroup(person, 1)
    world.move_to(at("00:05"))
    mining = await person.begin()
    assert mining["unit"] == "house-rewarded"
    await prove(person, ad)
    assert await status_of(person, number) == "COMPLETED"
    assert (await person.status())["session"] is None
    world.move_to(at("00:06"))
    await person.report(mining["view_id"], "completed")
    await person.callback(mining["nonce"])
    await world.drain()
    assert (await person.status())["session"]["status"] == "ACTIVE"
    assert len(await paid(world)) == 1


async def test_a_unit_of_another_placement_proves_nothing(world: World) -> None:
    person, _, ad = await begun(world)
    world.move_to(utcnow() + TWENTY)
    await person.report(ad["view_id"], "completed")
    await person.callback(ad["nonce"], "event-of-another", unit="house-rewarded")
    await world.drain()
    refused = "SELECT outcome ->> 'reason' FROM intents WHERE kind = 'ad.confirm'"
    assert await world.value(refused) == "AD_MISMATCH"
    assert await paid(world) == []


async def test_an_account_disabled_in_the_middle_is_paid_nothing(world: World) -> None:
    person, _, ad = await begun(world)
    await change(world, "UPDATE users SET is_active = false WHERE id = :u", u=person.id)
    world.move_to(utcnow() + TWENTY)
    reported = await person.report(ad["view_id"], "completed")
    assert reported["problem"]["reason"] == "ACCOUNT_DISABLED"
    await person.callback(ad["nonce"], unit=ad["unit"])
    await world.drain()
    assert await paid(world) == []


async def test_a_member_moved_to_another_group_is_paid_all_the_same(world: World) -> None:
    person, task = await with_first(world, "ADS")
    before, after = person.group_number, person.group_number % 10 + 1
    ad = (await start_task(person, task["number"]))["ad"]
    await person.post(f"/v1/ads/views/{ad['view_id']}/started")
    await world.regroup(person, after)
    world.move_to(utcnow() + TWENTY)
    await person.post(f"/v1/ads/views/{ad['view_id']}/completed")
    await person.callback(ad["nonce"], unit=ad["unit"])
    for group_number in (after, before):  # the later reports overtake the earlier one
        await drain(world.shop, Piece(group_number, person.id % 64))
    if not await paid(world):
        await person.report(ad["view_id"], "completed")
    assert len(await paid(world)) == 1


@pytest.mark.parametrize(
    ("when", "status"), [("2026-03-08T23:00Z", "APPLIED"), ("2026-03-09T00:00Z", "REJECTED")]
)
async def test_a_callback_revived_days_later_pays_while_its_day_is_open(
    world: World, when: str, status: str
) -> None:
    person, number, ad = await begun(world)
    world.move_to(utcnow() + TWENTY)
    await person.report(ad["view_id"], "completed")
    await person.callback(ad["nonce"], unit=ad["unit"])
    letter = await dead_letter(world, "ad.confirm")
    found, result = await revive_later(world, person, letter, at(when))
    assert found == status
    expected = [(f"2026-03-01:{number}", 2_000_000, "house")]
    assert await paid(world) == (expected if status == "APPLIED" else [])
    assert status == "APPLIED" or result == "DAY_CLOSED"


async def test_a_start_revived_later_takes_no_ad_from_a_task_under_way(world: World) -> None:
    person, task = await with_first(world, "ADS")
    path = f"/v1/tasks/{task['number']}/started"
    await person.post(path)
    letter = await dead_letter(world, "task.start")
    world.move_to(utcnow() + timedelta(seconds=1))
    ad = (await start_task(person, task["number"]))["ad"]
    await person.report(ad["view_id"], "started")
    assert await revive_later(world, person, letter, utcnow()) == ("REJECTED", "AD_IN_PROGRESS")
    await prove(person, ad)
    assert len(await paid(world)) == 1
