"""Watching and proving an ad: gates, tries, callbacks in any order, time limits."""

from datetime import timedelta
from typing import Any

import pytest

from models.base.db import run, sql, transaction
from tests.kit.words import MICROSECOND, at
from tests.kit.world import Person, World


async def begun(world: World, person: Person) -> dict[str, Any]:
    """An ad that began to play at 00:05."""
    world.move_to(at("00:05"))
    return await person.begin()


async def only_unit(world: World, **changes: Any) -> None:
    """Change the house unit."""
    sets = ", ".join(f"{name} = :{name}" for name in changes)
    async with transaction(world.database) as connection:
        await run(connection, sql(f"UPDATE ads SET {sets} WHERE id = 1"), changes)


@pytest.mark.parametrize(
    ("watched", "status"),
    [(timedelta(seconds=60) - MICROSECOND, "REJECTED"), (timedelta(seconds=60), "APPLIED")],
)
async def test_the_gate_is_sixty_seconds_by_our_clock(
    world: World, watched: timedelta, status: str
) -> None:
    person = await world.person(group_number=1)
    ad = await begun(world, person)
    world.move_to(at("00:05") + watched)
    outcome = await person.report(ad["view_id"], "completed")
    assert outcome["status"] == status
    if status == "REJECTED":
        assert outcome["problem"]["reason"] == "AD_TOO_SHORT"
        assert outcome["problem"]["retry_at"] is not None
        [session] = (await person.get("/v1/mining/sessions")).json()["items"]
        assert (session["status"], session["failure"]) == ("FAILED", "AD_TOO_SHORT")
        [logged] = await world.rows("SELECT event_type, severity, user_id FROM fraud_logs")
        assert tuple(logged) == ("INCOMPLETE_VIEW", "LOW", person.id)
        late = await person.callback(ad["nonce"])  # the proof no longer helps
        assert late.status_code == 200
        await world.drain()
        assert (await person.status())["session"] is None
        assert (await person.start())["status"] == "APPLIED"  # the window is still open


async def test_reporting_the_start_again_does_not_restart_the_clock(world: World) -> None:
    person = await world.person(group_number=1)
    ad = await begun(world, person)
    world.move_to(at("00:05:50"))
    again = await person.report(ad["view_id"], "started")
    assert again["result"]["ad"]["started_at"] == "2026-03-01T00:05:00Z"
    world.move_to(at("00:06"))
    assert (await person.report(ad["view_id"], "completed"))["status"] == "APPLIED"


async def test_the_callback_may_come_first(world: World) -> None:
    person = await world.person(group_number=1)
    ad = await begun(world, person)
    world.move_to(at("00:05:58"))
    await person.callback(ad["nonce"])
    await world.drain()
    assert (await person.status())["session"] is None
    world.move_to(at("00:06"))
    await person.report(ad["view_id"], "completed")
    assert (await person.status())["session"]["started_at"] == "2026-03-01T00:06:00Z"


async def test_a_callback_for_fewer_seconds_than_were_asked_for_proves_nothing(
    world: World,
) -> None:
    person = await world.person(group_number=1)
    ad = await begun(world, person)
    world.move_to(at("00:06"))
    await person.report(ad["view_id"], "completed")
    answer = await person.callback(ad["nonce"], "event-of-a-second", seconds=59)
    assert answer.json() == {"status": "accepted"}
    await world.drain()
    refused = "SELECT outcome ->> 'reason' FROM intents WHERE kind = 'ad.confirm'"
    assert await world.value(refused) == "AD_TOO_SHORT"
    assert (await person.status())["session"] is None
    await person.callback(ad["nonce"], "event-of-a-minute", seconds=60)
    await world.drain()
    assert (await person.status())["session"]["started_at"] == "2026-03-01T00:06:00Z"


async def test_repeated_and_foreign_callbacks_pay_nobody_twice(world: World) -> None:
    person, other = await world.people(2, group_number=1)
    ad = await begun(world, person)
    world.move_to(at("00:06"))
    await person.report(ad["view_id"], "completed")
    for event in ("event-number-1", "event-number-1", "event-number-2"):
        assert (await other.callback(ad["nonce"], event)).status_code == 200
        await world.drain()
    assert (await other.status())["session"] is None
    await world.live_until(at("04:10"))
    assert await person.balance() == "100.000000"
    assert await other.balance() == "0.000000"
    assert await world.value("SELECT count(*) FROM transactions") == 1


@pytest.mark.parametrize(
    ("arrives", "active"),
    [(timedelta(minutes=15) - MICROSECOND, True), (timedelta(minutes=15), False)],
)
async def test_a_callback_counts_for_fifteen_minutes(
    world: World, arrives: timedelta, active: bool
) -> None:
    person = await world.person(group_number=1)
    ad = await begun(world, person)
    world.move_to(at("00:06"))
    await person.report(ad["view_id"], "completed")
    world.move_to(at("00:06") + arrives)
    await person.callback(ad["nonce"])
    await world.drain()
    assert (await world.value("SELECT status FROM mining_sessions") == "ACTIVE") == active
    if not active:
        await world.go_to(at("00:23"))
        view = await world.rows("SELECT status, failure FROM ad_views")
        assert tuple(view[0]) == ("FAILED", "AD_EXPIRED")


async def test_ads_watched_and_then_failed_do_not_stretch_the_time_for_proof(world: World) -> None:
    person = await world.person(group_number=1)
    ad = await begun(world, person)
    for watched in ("00:19", "00:32"):
        world.move_to(at(watched))
        await person.report(ad["view_id"], "completed")
        outcome = await person.report(ad["view_id"], "failed")
        ad = outcome["result"]["ad"]
        await person.report(ad["view_id"], "started")
    world.move_to(at("00:34:59"))
    assert (await person.status())["next_session"]["expires_at"] == "2026-03-01T00:35:00Z"
    world.move_to(at("00:35"))
    assert (await person.callback(ad["nonce"])).status_code == 200
    await world.drain()
    assert (await person.status())["session"] is None


async def test_a_disabled_member_earns_nothing_more(world: World) -> None:
    person = await world.person(group_number=1)
    ad = await begun(world, person)
    async with transaction(world.database) as connection:
        await run(
            connection, sql("UPDATE users SET is_active = false WHERE id = :u"), {"u": person.id}
        )
    world.move_to(at("00:06"))
    outcome = await person.report(ad["view_id"], "completed")
    assert outcome["problem"]["reason"] == "ACCOUNT_DISABLED"
    assert (await person.start())["problem"]["reason"] == "ACCOUNT_DISABLED"


async def test_without_a_callback_settlement_fails_the_session_and_says_so(world: World) -> None:
    person = await world.person(group_number=1)
    ad = await begun(world, person)
    world.move_to(at("00:06"))
    await person.report(ad["view_id"], "completed")
    await world.go_to(at("00:20:59"))
    assert (await person.status())["ad"] is not None
    await world.go_to(at("00:23"))
    [session] = (await person.get("/v1/mining/sessions")).json()["items"]
    assert (session["status"], session["failure"]) == ("FAILED", "AD_EXPIRED")
    [note] = (await person.get("/v1/notifications")).json()["items"]
    assert note["kind"] == "mining.failed"
    outcome = await person.report(ad["view_id"], "completed")
    assert outcome["problem"]["reason"] == "AD_EXPIRED"


async def test_an_abandoned_ad_blocks_for_its_time_only(world: World) -> None:
    person = await world.person(group_number=1)
    await begun(world, person)
    world.move_to(at("00:20:10") - MICROSECOND)
    blocked = await person.start()
    assert blocked["problem"]["reason"] == "AD_IN_PROGRESS"
    assert blocked["problem"]["retry_at"] == "2026-03-01T00:20:10Z"
    world.move_to(at("00:20:10"))  # not swept by a settlement yet
    assert (await person.start())["status"] == "APPLIED"


async def test_a_proof_on_its_way_is_not_overtaken_by_the_next_start(world: World) -> None:
    person = await world.person(group_number=1)
    ad = await begun(world, person)
    world.move_to(at("00:06"))
    await person.report(ad["view_id"], "completed")
    world.move_to(at("00:21:05"))  # after its time, as another process sees it
    assert (await person.start())["problem"]["reason"] == "AD_IN_PROGRESS"
    again = await person.report(ad["view_id"], "completed")
    assert again["problem"]["reason"] == "AD_EXPIRED"
    world.move_to(at("00:21") - MICROSECOND)
    await person.callback(ad["nonce"])
    world.move_to(at("00:21:09"))
    await world.drain()
    assert await world.value("SELECT status FROM mining_sessions") == "ACTIVE"


async def test_three_ads_are_tried_then_the_session_is_given_up(world: World) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    outcome = await person.start()
    for number in (1, 2):
        ad = outcome["result"]["ad"]
        assert ad["try_number"] == number
        outcome = await person.report(ad["view_id"], "failed", {"cause": "NO_FILL"})
    last = outcome["result"]["ad"]
    refused = await person.report(last["view_id"], "failed")
    assert refused["problem"]["reason"] == "AD_UNAVAILABLE"
    assert refused["problem"]["retry_at"] is not None
    failures = await world.rows("SELECT failure FROM ad_views ORDER BY try_number")
    assert [row.failure for row in failures] == ["NO_FILL", "NO_FILL", "NOT_SHOWN"]
    [session] = (await person.get("/v1/mining/sessions")).json()["items"]
    assert session["failure"] == "AD_UNAVAILABLE"


async def test_without_any_active_unit_a_start_says_so(world: World) -> None:
    await only_unit(world, is_active=False)
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    outcome = await person.start()
    assert outcome["problem"]["reason"] == "AD_UNAVAILABLE"
    assert (await person.get("/v1/mining/sessions")).json()["items"] == []


async def test_a_client_timed_unit_needs_no_callback_and_takes_none(world: World) -> None:
    await only_unit(world, proof="CLIENT_TIMED")
    person = await world.person(group_number=1)
    ad = await begun(world, person)
    world.move_to(at("00:05:59"))
    await person.callback(ad["nonce"])
    await world.drain()
    world.move_to(at("00:06"))
    await person.report(ad["view_id"], "completed")
    assert (await person.status())["session"]["status"] == "ACTIVE"


async def test_a_network_signed_unit_is_proved_by_its_callback_alone(world: World) -> None:
    await only_unit(world, proof="NETWORK_SIGNED", min_seconds=15)
    person = await world.person(group_number=1)
    ad = await begun(world, person)
    world.move_to(at("00:05:15"))
    await person.callback(ad["nonce"])
    await world.drain()
    assert (await person.status())["session"]["started_at"] == "2026-03-01T00:05:15Z"


async def test_fifty_starts_at_once_open_one_session(world: World) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    for number in range(50):
        await person.post("/v1/mining/sessions", key=f"start-{number}")
    await world.drain()
    statuses = await world.rows(
        "SELECT status, count(*) AS n FROM intents WHERE user_id = :u "
        "GROUP BY status ORDER BY status",
        u=person.id,
    )
    assert [tuple(row) for row in statuses] == [("APPLIED", 1), ("REJECTED", 49)]
    assert await world.value("SELECT count(*) FROM mining_sessions") == 1
