"""Ticks and settlements in awkward company: late, in pairs, beside what is broken or undecided."""

import logging
from datetime import timedelta
from typing import Any

import pytest

from models.base.db import connected, run, sql
from tests.kit.letters import revived
from tests.kit.words import at
from tests.kit.world import Person, World


async def test_one_tick_pays_an_ended_session_and_its_successor(world: World) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:20"))
    await person.mine()
    await world.live_until(at("04:00"))
    await person.mine()  # follows at 04:21, when the first one ends
    world.move_to(at("04:45"))
    assert await world.tick(person.id % 64, at("04:45")) == 2
    assert await person.balance() == "110.000000"  # and 24 of 240 minutes
    await world.assert_books_are_right()
    await world.go_to(at("04:46"))
    assert await person.balance() == "110.000000"
    assert await world.value("SELECT settled_balance FROM wallets WHERE balance > 0") == 10**8


@pytest.mark.parametrize("boundary", ["00:06", "04:06"])
async def test_a_boundary_on_an_end_of_a_session_neither_loses_nor_repeats(
    world: World, boundary: str
) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    await person.mine()  # from 00:06 to 04:06
    for now in (at(boundary), at("04:06"), at("04:10")):
        world.move_to(now)
        await world.tick(person.id % 64, now)
        await world.assert_books_are_right()
    assert await person.balance() == "100.000000"


async def test_a_broken_wallet_does_not_hold_up_its_neighbours(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    broken, whole = await _neighbours(world)
    await world.live_until(at("04:00"))
    await _add(world, broken, -1)
    with caplog.at_level(logging.CRITICAL):
        await world.go_to(at("04:10"))
    assert "cannot be settled" in caplog.text
    settled = "SELECT user_id FROM mining_sessions WHERE status = 'COMPLETED'"
    assert [row.user_id for row in await world.rows(settled)] == [whole.id]
    assert await world.value("SELECT count(*) FROM intents WHERE status = 'FAILED'") == 0
    await _add(world, broken, 1)
    await world.go_to(at("04:11"))
    assert (await broken.balance(), await whole.balance()) == ("100.000000", "100.000000")


async def test_a_proof_recorded_in_time_counts_although_it_could_not_be_applied(
    world: World,
) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    ad = await person.begin()
    world.move_to(at("00:07"))
    await person.report(ad["view_id"], "completed")
    world.move_to(at("00:19"))
    await person.callback(ad["nonce"])
    await _postpone(world, until=at("00:30"))
    await world.go_to(at("00:25"))  # settlements run; the proof waits for another attempt
    assert await world.value("SELECT status FROM mining_sessions") == "PENDING"
    await world.go_to(at("00:31"))
    assert (await person.status())["session"]["status"] == "ACTIVE"


async def test_a_proof_that_is_a_dead_letter_counts_once_it_is_requeued(world: World) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    ad = await person.begin()
    world.move_to(at("00:06"))
    await person.report(ad["view_id"], "completed")
    await person.callback(ad["nonce"])
    dead = "UPDATE intents SET status = 'FAILED', applied_at = :at, attempts = 5 WHERE status = :s"
    await _execute(world, dead, {"at": at("00:07"), "s": "RECORDED"})
    await world.go_to(at("00:40"))
    assert await world.value("SELECT status FROM mining_sessions") == "PENDING"
    [letter] = await world.rows("SELECT id FROM intents WHERE status = 'FAILED'")
    assert await revived(world, person, letter.id)
    await world.drain()
    assert (await person.status())["session"]["started_at"] == "2026-03-01T00:06:00Z"
    await world.go_to(at("00:50"))
    assert await person.balance() == "18.333333"  # 44 of 240 minutes


async def test_an_ad_counts_although_its_unit_is_switched_off_meanwhile(world: World) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    ad = await person.begin()
    await _execute(world, "UPDATE ads SET is_active = false WHERE id = :id", {"id": 1})
    world.move_to(at("00:06"))
    await person.report(ad["view_id"], "completed")
    await person.callback(ad["nonce"])
    await world.drain()
    assert (await person.status())["session"]["status"] == "ACTIVE"


async def test_a_worker_whose_clock_is_behind_applies_what_was_recorded(world: World) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:05:30"))
    response = await person.post("/v1/mining/sessions")
    world.move_to(at("00:05:00"))
    assert (await person.outcome(response))["status"] == "APPLIED"


async def test_while_a_commit_is_under_way_no_older_status_is_shown(world: World) -> None:
    person = await world.person(group_number=1)
    await person.status()  # makes a copy
    copies = world.shop.copies
    copy = await copies.read(person.id)
    assert copy is not None
    await copies.mark_changing([(person.id, copy.version + 1)])
    assert await copies.read(person.id) is None
    await copies.write([copy])  # a reader that was slow
    assert await copies.read(person.id) is None
    assert (await person.status())["session"] is None  # from PostgreSQL


async def _neighbours(world: World) -> tuple[Person, Person]:
    """Two miners of one piece, from 00:06."""
    first = await world.person(group_number=1)
    second = await world.person(group_number=1)
    while second.id % 64 != first.id % 64:
        second = await world.person(group_number=1)
    for person in (first, second):
        world.move_to(at("00:05"))
        await person.mine()
    return first, second


async def _add(world: World, person: Person, micro: int) -> None:
    await _execute(
        world,
        "UPDATE wallets SET balance = balance + :micro WHERE bucket = :b AND user_id = :u",
        {"micro": micro, "b": person.id % 64, "u": person.id},
    )


async def _postpone(world: World, until: Any) -> None:
    await _execute(
        world,
        "UPDATE intents SET due_at = :until WHERE status = 'RECORDED'",
        {"until": until - timedelta(seconds=1)},
    )


async def _execute(world: World, statement: str, params: dict[str, Any]) -> None:
    async with connected(world.database) as connection:
        assert await run(connection, sql(statement), params) == 1
