"""What an intent of one member brings for others: delivered once, however often and late."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from engine import decide
from engine.core.action import AnyIntent
from engine.core.conditions import Conditions
from engine.core.decision import Decision, FollowUp
from engine.core.member import Member
from engine.core.outcome import Outcome, Result
from engine.core.piece import Piece
from engine.fraud.actions import FlagUser
from engine.mining.actions import CreditMining
from engine.operations.actions import IntentsPruned, PruneIntents
from models.base.db import Database, Row, transaction
from models.intents import follow_ups
from models.intents.follow_ups import (
    ENTRIES_MAX,
    ORIGIN,
    deliver,
    deliver_overdue,
    store_follow_ups,
)
from models.operations.invariants import find_overdue
from runtime.clock import utcnow
from runtime.telemetry.meter import meter
from runtime.telemetry.metrics import INTENTS_DONE
from tests.kit.members import elsewhere
from tests.kit.words import at
from tests.kit.world import Person, World
from workers import apply, upkeep
from workers.chores import Work
from workers.domains import CHORES, TICKS
from workers.ticks import Sweep

Told = Callable[[int], None]
FLAG = FlagUser(event="SHARED_DEVICE", severity="LOW", details={})
RECORDED = f"SELECT count(*) FROM intents WHERE origin = '{ORIGIN}'"
LEFT = "SELECT count(*) FROM follow_ups"


def bringing(monkeypatch: pytest.MonkeyPatch, *others: Person, after: timedelta) -> None:
    """Every start brings a flag for these others."""

    def react(
        member: Member, intent: AnyIntent, decision: Decision, conditions: Conditions
    ) -> Decision:
        if intent.action.is_start:
            due_at = intent.recorded_at + after
            found = [FollowUp(o.id, FLAG, f"flag:{intent.id}:{o.id}", due_at) for o in others]
            return replace(decision, follow_ups=tuple(found))
        return decision

    monkeypatch.setattr(decide, "REACTIONS", (*decide.REACTIONS, react))


async def test_what_is_for_a_member_of_another_bucket_is_applied_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.person(group_number=1)
    others = [await elsewhere(world, person), await world.person()]
    bringing(monkeypatch, *others, after=timedelta())
    world.move_to(at("00:05"))
    await person.start()
    assert await world.value(RECORDED) == 2
    assert await world.value(LEFT) == 0
    flagged = await world.rows("SELECT user_id FROM fraud_logs ORDER BY user_id")
    assert [row.user_id for row in flagged] == sorted(other.id for other in others)
    await world.assert_books_are_right()


async def test_what_a_tick_brings_is_stored_with_it_and_delivered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.person(group_number=1)
    other = await elsewhere(world, person)
    credit = TICKS[CreditMining]

    async def crediting(group: int, action: CreditMining, sweep: Sweep) -> Outcome:
        if sweep.bucket == person.id % 64:
            sweep.follow_ups.append(FollowUp(other.id, FLAG, f"tick:{action.boundary}", sweep.now))
        return await credit(group, action, sweep)

    monkeypatch.setattr(apply, "TICKS", TICKS | {CreditMining: crediting})
    await world.go_to(person.next_opening())
    await person.mine()
    await world.live_until(utcnow() + timedelta(minutes=30), timedelta(minutes=30))
    assert await world.value("SELECT count(*) FROM fraud_logs") == await world.value(RECORDED) > 0
    assert await world.value(LEFT) == 0


@pytest.mark.parametrize("fails", [False, True])
async def test_what_a_chore_brings_is_stored_with_its_completion(
    world: World, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    person = await world.person()

    async def pruning(action: PruneIntents, work: Work) -> Result:
        work.follow_ups.append(FollowUp(person.id, FLAG, "chore", work.now))
        if fails:
            raise RuntimeError("it fails after all")
        return IntentsPruned(0)

    monkeypatch.setattr(upkeep, "CHORES", CHORES | {PruneIntents: pruning})
    await world.live_until(at("2026-03-02T05:00Z"), timedelta(hours=1))
    assert await world.value(RECORDED) == (0 if fails else 1)
    assert await world.value("SELECT count(*) FROM fraud_logs") == (0 if fails else 1)
    assert await world.value(LEFT) == 0


async def test_delivered_twice_or_after_a_crash_it_is_the_same(world: World) -> None:
    person = await world.person()
    other = await elsewhere(world, person)
    await written(world, person, [FollowUp(other.id, FLAG, "once", utcnow())])
    [row] = await world.rows("SELECT * FROM follow_ups")
    await deliver(world.database, person.id % 64, utcnow())
    await written(world, person, [FollowUp(other.id, FLAG, "once", utcnow())])  # not deleted
    both = (deliver(world.database, row.bucket, utcnow()) for _ in range(2))
    await asyncio.gather(*both)
    assert (await world.value(RECORDED), await world.value(LEFT)) == (1, 0)


async def test_what_nobody_delivered_the_relay_does(world: World) -> None:
    person = await world.person()
    other = await elsewhere(world, person)
    await written(world, person, [FollowUp(other.id, FLAG, "late", utcnow())])
    assert await deliver_overdue(world.database, utcnow()) == []  # its writer may be about to
    world.move_to(utcnow() + timedelta(minutes=4))
    assert await find_overdue(world.database, utcnow()) == []
    world.move_to(utcnow() + timedelta(minutes=2))
    assert [found.invariant for found in await find_overdue(world.database, utcnow())]
    [piece] = await deliver_overdue(world.database, utcnow())
    assert (piece.group_number, piece.bucket) == (other.group_number, other.id % 64)
    await world.drain()
    assert await find_overdue(world.database, utcnow()) == []
    assert await world.value("SELECT count(*) FROM fraud_logs") == 1


async def test_what_is_for_later_waits_for_its_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.person(group_number=1)
    other = await elsewhere(world, person)
    bringing(monkeypatch, other, after=timedelta(hours=1))
    world.move_to(at("00:05"))
    await person.start()
    await deliver_overdue(world.database, utcnow())
    assert (await world.value(RECORDED), await world.value(LEFT)) == (0, 1)
    world.move_to(at("01:06"))
    await deliver_overdue(world.database, utcnow())
    assert (await world.value(RECORDED), await world.value(LEFT)) == (1, 0)
    recorded_at = await world.value(RECORDED.replace("count(*)", "recorded_at"))
    assert recorded_at == at("01:05")


async def test_many_go_in_a_row_for_each_bucket_and_thousand(world: World) -> None:
    person = await world.person()
    now = utcnow()
    many = [FollowUp(64 * n, FLAG, f"{n}", now) for n in range(1, ENTRIES_MAX + 2)]
    await written(world, person, [*many, FollowUp(65, FLAG, "65", now)])
    sizes = await world.rows(
        "SELECT jsonb_array_length(entries) AS size FROM follow_ups ORDER BY 1"
    )
    assert [row.size for row in sizes] == [1, 1, ENTRIES_MAX]
    await deliver(world.database, person.id % 64, now)  # only for whom there is
    assert (await world.value(RECORDED), await world.value(LEFT)) == (1, 0)


async def test_what_cannot_be_delivered_holds_up_nothing_and_is_reported(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow_ups, "ROWS_MAX", 2)
    person = await world.person()
    other, now = await elsewhere(world, person), utcnow()
    beyond = other.id % 64 + 2**64  # no column has room for it; of the same bucket
    for number in range(3):
        await written(world, person, [FollowUp(beyond, FLAG, f"bad:{number}", now)])
    await written(world, person, [FollowUp(other.id, FLAG, "good", now)])
    await written(world, person, [FollowUp(other.id, FLAG, "sooner", now - timedelta(seconds=1))])
    [piece] = await deliver(world.database, person.id % 64, now)
    assert (piece.group_number, piece.bucket) == (other.group_number, other.id % 64)
    assert (await world.value(RECORDED), await world.value(LEFT)) == (2, 3)
    await world.drain()
    world.move_to(now + timedelta(minutes=6))
    assert await deliver_overdue(world.database, utcnow()) == []
    [found] = await find_overdue(world.database, utcnow())
    assert (found.invariant, found.row_count) == ("what is for another member arrives in time", 3)


async def test_a_bucket_that_is_away_is_tried_once_and_holds_up_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, now = await world.person(), utcnow()
    away = await elsewhere(world, person)
    other = await elsewhere(world, away)
    tried = []

    async def failing(database: Database, bucket: int, row: Row, at_: datetime) -> set[Piece]:
        tried.append(row.target_bucket)
        if row.target_bucket == away.id % 64:
            raise OSError("its node is away")
        return await delivering(database, bucket, row, at_)

    delivering = follow_ups._deliver_row
    monkeypatch.setattr(follow_ups, "_deliver_row", failing)
    for number, to in enumerate((away, away, other)):
        sooner = now - timedelta(seconds=3 - number)
        await written(world, person, [FollowUp(to.id, FLAG, f"{number}", sooner)])
    await deliver(world.database, person.id % 64, now)
    assert tried == [away.id % 64, other.id % 64]
    assert (await world.value(RECORDED), await world.value(LEFT)) == (1, 2)


@pytest.mark.parametrize("error", [OSError("away"), RuntimeError("a bug")])
async def test_what_fails_after_the_commit_is_no_failure_of_the_batch(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    async def failing(*_: object) -> list[Piece]:
        raise error

    person = await world.person(group_number=1)
    bringing(monkeypatch, await elsewhere(world, person), after=timedelta())
    world.move_to(at("00:05"))
    before = meter.value(INTENTS_DONE, "mining.start", "applied")
    with monkeypatch.context() as patch:
        patch.setattr(apply, "deliver", failing)
        await person.start()
    assert meter.value(INTENTS_DONE, "mining.start", "applied") == before + 1
    assert "one by one" not in caplog.text and "after a commit" in caplog.text
    world.move_to(utcnow() + timedelta(seconds=6))
    assert len(await deliver_overdue(world.database, utcnow())) == 1


async def test_what_fails_after_a_chore_is_no_failure_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def pruning(action: PruneIntents, work: Work) -> Result:
        work.follow_ups.append(FollowUp(person.id, FLAG, "chore", work.now))
        return IntentsPruned(0)

    async def failing(*_: object) -> list[Piece]:
        raise RuntimeError("a bug")

    person = await world.person()
    monkeypatch.setattr(upkeep, "CHORES", CHORES | {PruneIntents: pruning})
    monkeypatch.setattr(upkeep, "deliver", failing)
    await world.live_until(at("03:00"), timedelta(hours=1))
    assert "failed and is now" not in caplog.text and "after a commit" in caplog.text
    assert await world.value(LEFT) == 1


async def written(world: World, person: Person, follow_ups: list[FollowUp]) -> None:
    async with transaction(world.database) as connection:
        await store_follow_ups(connection, person.id % 64, follow_ups, utcnow())
