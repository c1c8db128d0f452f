"""The 4-hour cycle on a frozen clock: real handlers, real workers, real PostgreSQL."""

from datetime import timedelta
from itertools import pairwise

import pytest

from engine.core.money import BASE_REWARD_MICRO
from tests.kit.words import MICROSECOND, START, at
from tests.kit.world import World


@pytest.mark.parametrize("deliveries", [1, 2])
async def test_one_cycle_pays_exactly_the_base_reward(world: World, deliveries: int) -> None:
    world.deliveries = deliveries
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    started = await person.start()
    assert started["status"] == "APPLIED"
    ad = started["result"]["ad"]
    assert (ad["network"], ad["min_seconds"], ad["try_number"]) == ("house", 60, 1)
    assert (await person.status())["ad"]["status"] == "SERVED"

    await person.report(ad["view_id"], "started")
    world.move_to(at("00:06"))
    completed = await person.report(ad["view_id"], "completed")
    assert completed["result"]["status"] == "PENDING"
    assert (await person.callback(ad["nonce"])).status_code == 200
    await world.drain()
    status = await person.status()
    assert status["session"]["status"] == "ACTIVE"
    assert status["session"]["started_at"] == "2026-03-01T00:06:00Z"
    assert status["session"]["ends_at"] == "2026-03-01T04:06:00Z"
    assert status["session"]["reward"] == "100.000000"

    await world.go_to(at("00:10"))
    assert await person.balance() == "1.666666"  # 4 of 240 minutes
    assert (await person.status())["balance"] == "1.666666"
    await world.live_until(at("04:00"))
    assert await person.balance() == "97.500000"
    assert (await world.rows("SELECT 1 FROM transactions")) == []

    await world.go_to(at("04:06"))
    assert await person.balance() == "100.000000"
    page = (await person.get("/v1/wallet/transactions")).json()
    [transfer] = page["items"]
    session_id = started["result"]["session_id"]
    assert transfer["type"] == "MINING"
    assert transfer["amount"] == "100.000000"
    assert transfer["reference"] == f"mining:{session_id}"
    assert transfer["funding"] == "house"
    assert (transfer["from_account"], transfer["to_account"]) == (
        "emission:mining",
        f"wallet:{person.id}",
    )
    [note] = (await person.get("/v1/notifications")).json()["items"]
    assert note["kind"] == "mining.completed"
    assert note["params"] == {"session_id": session_id, "amount": "100.000000"}
    [session] = (await person.get("/v1/mining/sessions")).json()["items"]
    assert (session["id"], session["status"]) == (session_id, "COMPLETED")


async def test_a_missed_hour_is_caught_up_to_the_micro(world: World) -> None:
    person = await world.person(group_number=1)
    await world.go_to(at("00:00:30"))
    await person.mine()
    await world.live_until(at("01:00"))
    before = await person.balance()
    await world.go_to(at("02:00"))  # nobody ran for an hour
    assert before == "24.375000"
    assert await person.balance() == "49.375000"
    await world.go_to(at("09:00"))  # nor for seven hours: the session ended meanwhile
    assert await person.balance() == "100.000000"


async def test_a_session_applied_after_its_tick_loses_nothing(world: World) -> None:
    """Recorded 00:09:59, applied 00:10:05 (decision 0007)."""
    person, other = await world.person(group_number=1), await world.person(group_number=1)
    same_piece = await _in_bucket_of(world, person)
    world.move_to(at("00:05"))
    await same_piece.mine()  # so that the piece has something to credit
    world.move_to(at("00:08:59"))
    ad = await person.begin()
    world.move_to(at("00:09:59"))
    await person.post(f"/v1/ads/views/{ad['view_id']}/completed")
    await person.callback(ad["nonce"])
    bucket = person.id % 64
    world.move_to(at("00:10:00"))
    await world.due_work.record(at("00:10:00"))
    await world.database.dispose()
    # The tick is applied first, as if another worker had been quicker.
    await world.tick(bucket, at("00:10:00"))
    world.move_to(at("00:10:05"))
    await world.drain()
    assert await person.balance() == "0.006944"  # one second
    assert await other.balance() == "0.000000"
    await world.live_until(at("04:20"))
    assert await person.balance() == "100.000000"


async def test_six_cycles_a_day_neither_drift_nor_overlap(world: World) -> None:
    person = await world.person(group_number=3)
    await world.go_to(at("00:48"))
    for cycle in range(6):
        opens = at("00:48") + timedelta(hours=4 * cycle)
        # Late in the first window, early in the next ones.
        await world.go_to(opens + timedelta(minutes=20 if cycle == 0 else cycle))
        outcome = await person.mine()
        assert outcome["status"] == "APPLIED", (cycle, outcome)
    await world.live_until(at("2026-03-02T02:00Z"), timedelta(minutes=30))
    assert await person.balance() == "600.000000"
    rows = await world.rows("SELECT started_at FROM mining_sessions ORDER BY 1")
    starts = [row.started_at for row in rows]
    assert starts[0] == at("01:09")
    assert all(b - a == timedelta(hours=4) for a, b in pairwise(starts))


async def test_a_start_before_the_previous_end_waits_for_it(world: World) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:20"))
    await person.mine()
    await world.live_until(at("04:00"))
    await person.mine()
    status = await person.status()
    assert status["session"]["status"] == "ACTIVE"
    assert status["next_session"]["status"] == "PENDING"
    assert status["next_session"]["started_at"] == "2026-03-01T04:21:00Z"
    assert status["next_session"]["started_at"] == status["session"]["ends_at"]
    refused = await person.start()
    assert refused["problem"]["reason"] == "ALREADY_MINING"
    await world.go_to(at("04:21"))
    assert (await person.status())["session"]["started_at"] == "2026-03-01T04:21:00Z"
    await world.live_until(at("08:21"))
    assert await person.balance() == "200.000000"


async def test_the_window_is_half_open_to_the_microsecond(world: World) -> None:
    early, first, last, late = await world.people(4, group_number=2)
    opens, closes = at("00:24"), at("00:48")
    for person, when, expected in (
        (early, opens - MICROSECOND, "REJECTED"),
        (first, opens, "APPLIED"),
        (last, closes - MICROSECOND, "APPLIED"),
        (late, closes, "REJECTED"),
    ):
        world.move_to(when)
        outcome = await person.start()
        assert outcome["status"] == expected, when
        if expected == "REJECTED":
            next_opening = "2026-03-01T00:24:00Z" if when < opens else "2026-03-01T04:24:00Z"
            assert outcome["problem"]["reason"] == "WINDOW_CLOSED"
            assert outcome["problem"]["opens_at"] == next_opening
            assert outcome["problem"]["retry_at"] == next_opening


async def test_a_start_counts_when_it_was_recorded_not_when_it_was_applied(world: World) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:24") - MICROSECOND)
    response = await person.post("/v1/mining/sessions")
    assert response.status_code == 202
    world.move_to(at("03:00"))
    outcome = await person.outcome(response)
    assert outcome["status"] == "APPLIED"


async def test_someone_who_starts_at_the_last_moment_is_not_pushed_out(world: World) -> None:
    """The proof arrives after the window closed; the next window still accepts a start."""
    person = await world.person(group_number=1)
    world.move_to(at("00:24") - MICROSECOND)
    await person.mine(seconds=600)
    assert (await person.status())["session"]["ends_at"] > "2026-03-01T04:24:00Z"
    await world.live_until(at("04:10"))
    assert (await person.mine())["status"] == "APPLIED"


async def test_a_member_moved_while_mining_keeps_the_session_and_gets_the_new_hours(
    world: World,
) -> None:
    person = await world.person(group_number=5)
    world.move_to(at("01:40"))
    await person.mine()
    await world.regroup(person, 2)
    await world.go_to(at("04:30"))  # group 2 is open; the session ends at 05:41
    refused = await person.start()
    assert refused["problem"]["reason"] == "ALREADY_MINING"
    assert refused["problem"]["opens_at"] == "2026-03-01T08:24:00Z"
    await world.live_until(at("05:50"))
    assert await person.balance() == "100.000000"
    await world.go_to(at("08:30"))
    assert (await person.mine())["status"] == "APPLIED"


async def test_a_start_recorded_before_the_move_keeps_its_window(world: World) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:10"))
    response = await person.post("/v1/mining/sessions")
    await world.regroup(person, 7)
    outcome = await person.outcome(response)
    assert outcome["status"] == "APPLIED"
    # What follows is paid with the session's group, whatever the member's is by now.
    ad = outcome["result"]["ad"]
    await person.report(ad["view_id"], "started")
    await world.go_to(at("00:11"))
    await person.report(ad["view_id"], "completed")
    await world.go_to(at("00:20"))
    await person.callback(ad["nonce"])
    await world.drain()
    await world.assert_books_are_right()
    await world.live_until(at("04:30"))
    assert await person.balance() == "100.000000"


async def test_mining_across_midnight(world: World) -> None:
    person = await world.person(group_number=10)
    await world.go_to(at("23:36"))
    await person.mine()
    await world.go_to(at("2026-03-02T00:00Z"))
    await world.live_until(at("2026-03-02T03:40Z"))
    assert await person.balance() == "100.000000"
    days = await world.rows("SELECT day FROM days ORDER BY day DESC LIMIT 1")
    assert days[0].day.isoformat() == "2026-03-02"


async def test_the_stored_reward_is_the_blueprints() -> None:
    assert BASE_REWARD_MICRO == 100_000_000
    assert at("00:00") == START


async def _in_bucket_of(world: World, person):  # type: ignore[no-untyped-def]
    while True:
        other = await world.person(group_number=1)
        if other.id % 64 == person.id % 64:
            return other
