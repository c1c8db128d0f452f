"""What is due is recorded once per boundary, whoever records it; outages are made up for."""

import asyncio
from datetime import timedelta

import pytest
from freezegun.api import FrozenDateTimeFactory

from engine.core.piece import Lane
from engine.core.timeline import PROFILES, Timing, timetable
from models.base.db import connected, run, sql
from ops.commands.upkeep import BoundaryError, find_entry, read_boundary
from runtime.clock import utcnow
from schedules.alarm import ringing
from schedules.due import DueWork, record_boundary
from schedules.timetable import check_entries, entries
from tests.kit.words import START, at
from tests.kit.world import World


@pytest.mark.parametrize("timing", PROFILES.values(), ids=PROFILES)
def test_the_timetable_is_sound(timing: Timing) -> None:
    check_entries(entries(timetable(timing)))


def test_boundaries_of_the_production_timetable() -> None:
    table = {entry.name: entry for entry in entries(timetable(PROFILES["production"]))}
    now = at("2026-03-04T12:34:56Z")  # a Wednesday
    assert table["credit"].boundary(now) == at("2026-03-04T12:30:00Z")
    assert table["settle"].boundary(now) == at("2026-03-04T12:34:00Z")
    assert table["reset"].boundary(now) == at("2026-03-04T00:00:00Z")
    assert table["rebalance"].boundary(now) == at("2026-03-02T03:00:00Z")
    assert len(table["reset"].boundaries(now)) == 7


@pytest.mark.parametrize("jump", [timedelta(minutes=-2), timedelta(days=-1), timedelta(hours=2)])
async def test_a_clock_that_is_set_goes_on(clock: FrozenDateTimeFactory, jump: timedelta) -> None:
    """The system's time is set; the monotonic clock runs on."""
    runs: asyncio.Queue[None] = asyncio.Queue()

    async def job() -> None:
        runs.put_nowait(None)

    async with asyncio.timeout(60), ringing({job: 15.0}):
        await runs.get()
        assert runs.empty()
        clock.move_to(utcnow() + jump)
        await runs.get()
        clock.move_to(utcnow() + timedelta(seconds=15))
        await runs.get()


async def test_boundaries_that_come_again_are_recorded_once(world: World) -> None:
    """The time was a day ahead, and is set right again."""
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    await person.mine()
    await world.due_work.record(utcnow() + timedelta(days=1))
    credit_intents = "SELECT count(*) FROM intents WHERE kind = 'mining.credit'"
    recorded = await world.value(credit_intents)
    world.move_to(at("00:15"))
    for _ in range(2):
        await world.due_work.record(utcnow())
        assert await world.value(credit_intents) == recorded + 1


async def test_two_clocks_record_a_boundary_once(world: World) -> None:
    people = await world.people(6, group_number=1)
    world.move_to(at("00:05"))
    for person in people:
        await person.mine()
    when = at("00:30")
    world.move_to(when)
    clocks = [DueWork(world.database, entries(world.table)) for _ in range(3)]
    recorded = await asyncio.gather(*(clock.record(when) for clock in clocks))
    # Several entries are upkeep's: each of the clocks may have recorded one, in the same piece.
    pieces = [piece for each in recorded for piece in each if piece.group_number != Lane.UPKEEP]
    assert len(pieces) == len(set(pieces))
    credit_intents = (
        "SELECT count(*) FROM intents WHERE kind = 'mining.credit' AND recorded_at = :t"
    )
    buckets = {person.id % 64 for person in people}
    assert await world.value(credit_intents, t=when) == len(buckets)
    await world.drain()


async def test_cron_and_clock_together_do_no_harm(world: World) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    await person.mine()
    entry = find_entry(entries(world.table), "credit")
    world.move_to(at("00:10"))
    first = await record_boundary(world.database, entry, at("00:10"), at("00:10"))
    assert len(first) == 1
    assert await record_boundary(world.database, entry, at("00:10"), at("00:10")) == []
    await world.go_to(at("00:10"))
    assert await person.balance() == "1.666666"


async def test_missed_days_are_opened_after_an_outage_up_to_a_week(world: World) -> None:
    await world.go_to(START + timedelta(days=3))
    late = DueWork(world.database, entries(world.table))
    await late.record(START + timedelta(days=12))
    await world.go_to(START + timedelta(days=12))
    days = await world.rows("SELECT day FROM days WHERE day > '2026-03-01' ORDER BY day")
    assert [row.day.day for row in days] == [2, 3, 4, 7, 8, 9, 10, 11, 12, 13]


async def test_rebalance_moves_the_fewest_and_nobody_who_mines(world: World) -> None:
    miners = await world.people(3, group_number=1)
    idle = await world.people(27, group_number=1)
    world.move_to(at("00:05"))
    for person in miners:
        await person.mine()
    await world.go_to(at("2026-03-01T01:00Z"))
    entry = find_entry(entries(world.table), "rebalance")
    monday = at("2026-03-02T03:00Z")
    for person in idle:  # so that Redis has copies that the move makes stale
        assert (await person.status())["group_number"] == 1
    ended = [row.id for row in await world.rows("SELECT id FROM users")]
    assert len(ended) == 30
    world.move_to(monday - timedelta(hours=3))
    for person in miners:  # mining over the rebalance
        await person.mine()
    world.move_to(monday)
    await record_boundary(world.database, entry, monday, monday)
    await world.drain()
    sizes = await world.rows(
        "SELECT group_number, sum(member_count) AS n FROM group_sizes GROUP BY 1 ORDER BY 1"
    )
    assert [row.n for row in sizes] == [3] * 10
    stayed = await world.rows("SELECT id FROM users WHERE group_number = 1")
    assert {person.id for person in miners} <= {row.id for row in stayed}
    notes = await world.rows("SELECT user_id, params FROM notifications WHERE kind = 'group.moved'")
    assert len(notes) == 27
    assert {row.user_id for row in notes} <= {person.id for person in idle}
    moved = next(p for p in idle if p.id == notes[0].user_id)
    assert (await moved.status())["group_number"] != 1
    [note] = (await moved.get("/v1/notifications")).json()["items"]
    profile = (await moved.get("/v1/me")).json()
    assert note["params"]["to_group"] == profile["group_number"] != 1
    assert note["params"]["mining_schedule"] == profile["mining_schedule"]


async def test_pruning_removes_old_intents_and_keeps_dead_letters(world: World) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    await person.mine()
    await world.live_until(at("04:10"), timedelta(hours=1))
    before = await world.value("SELECT count(*) FROM intents WHERE user_id IS NOT NULL")
    assert before == 4
    await person.post("/v1/mining/sessions")
    async with connected(world.database) as connection:
        dead = "UPDATE intents SET status = 'FAILED', applied_at = recorded_at, error = 'poison'"
        await run(connection, sql(f"{dead} WHERE status = 'RECORDED' AND user_id IS NOT NULL"))
    await world.go_to(at("2026-03-07T04:00Z"))
    assert await world.value("SELECT count(*) FROM intents WHERE user_id IS NOT NULL") == 5
    await world.go_to(at("2026-03-08T04:10Z"))
    left = await world.rows("SELECT status FROM intents WHERE user_id IS NOT NULL")
    assert [row.status for row in left] == ["FAILED"]


@pytest.mark.parametrize(
    ("at_text", "message"),
    [
        ("2026-03-01T00:13:00Z", "is no boundary of credit"),
        ("2027-03-01T00:10:00Z", "lies ahead"),
        ("yesterday", "is not an instant"),
    ],
)
def test_upkeep_by_hand_refuses_what_is_no_boundary(at_text: str, message: str) -> None:
    entry = find_entry(entries(timetable(PROFILES["production"])), "credit")
    with pytest.raises(BoundaryError, match=message):
        read_boundary(entry, at_text, at("2026-03-01T00:30Z"))


def test_upkeep_by_hand_names_the_entries() -> None:
    with pytest.raises(BoundaryError, match="credit, settle, remind, reset"):
        find_entry(entries(timetable(PROFILES["production"])), "nonsense")
