"""The lane of errands: a payment that must be made once, through whatever may happen."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from engine import decide
from engine.core.action import AnyIntent
from engine.core.conditions import Conditions
from engine.core.decision import Decision
from engine.core.errands import Call, Done, Errand, Failed, Later, Reply, Unknown
from engine.core.member import Member
from engine.core.piece import Lane, Piece
from engine.fraud.actions import FlagUser
from models.base.db import transaction
from models.base.trail import OPERATOR
from models.intents import errands as lane
from models.intents.errands import LEASE, pieces_with_errands, store_errands
from models.operations.invariants import find_overdue
from models.operations.operations import read_dead_letters, revive
from runtime.clock import new_id, utcnow
from tests.kit.words import at
from tests.kit.world import Person, World
from workers.errands import run
from workers.errands.contract import Caller
from workers.errands.run import run_errands
from workers.workshop import Workshop

PAID = FlagUser(event="SHARED_DEVICE", severity="LOW", details={})


class Pay(Call, frozen=True, tag="tests.pay"):
    """Money that leaves: never twice."""

    amount: int
    seconds_max = 1


class Ring(Call, frozen=True, tag="tests.ring"):
    """Something that may be said twice."""

    may_repeat = True
    attempts_max = 2


class Death(BaseException):
    """Of a worker."""


class Provider:
    """Knows payments by our key. `says` is what it does next, and then as it should."""

    def __init__(self) -> None:
        self.paid: dict[UUID, int] = {}
        self.calls = 0
        self.says: list[Reply | BaseException | str] = []

    async def pay(self, shop: Workshop, errand: Errand, prepared: Any) -> Reply:
        self.calls += 1
        said = self.says.pop(0) if self.says else "pays"
        if said in ("pays", "pays and hangs"):
            assert errand.id not in self.paid
            assert isinstance(errand.call, Pay)
            self.paid[errand.id] = errand.call.amount
        if said in ("hangs", "pays and hangs"):
            await asyncio.Event().wait()
        if isinstance(said, BaseException):
            raise said
        return Done(PAID) if isinstance(said, str) else said

    async def ring(self, shop: Workshop, errand: Errand, prepared: Any) -> Reply:
        self.calls += 1
        said = self.says.pop(0) if self.says else Done()
        if isinstance(said, BaseException):
            raise said
        assert not isinstance(said, str)
        return said

    async def inquire(self, shop: Workshop, errand: Errand, prepared: Any) -> Reply:
        return Done(PAID) if errand.id in self.paid else Later(0)


Bank = tuple[Provider, tuple[Caller, ...]]


@pytest.fixture
def bank() -> Bank:
    there = Provider()
    return there, (Caller(Pay, there.pay, there.inquire), Caller(Ring, there.ring))


async def ask(world: World, person: Person, call: Call) -> UUID:
    errand = Errand(new_id(utcnow()), person.id, call, utcnow())
    async with transaction(world.database) as connection:
        await store_errands(connection, person.id % 64, [errand])
    return errand.id


async def drive(world: World, person: Person, bank: Bank) -> int:
    return await run_errands(world.shop, person.id % 64, bank[1])


async def standing(world: World) -> list[tuple[str, int]]:
    found = await world.rows("SELECT status, attempts FROM errands ORDER BY id")
    return [(row.status, row.attempts) for row in found]


async def answers(world: World) -> int:
    found: int = await world.value("SELECT count(*) FROM intents WHERE origin = 'errand:tests.pay'")
    return found


async def test_what_was_done_is_gone_and_its_answer_an_intent(world: World, bank: Bank) -> None:
    person = await world.person()
    id_ = await ask(world, person, Pay(5))
    calls = [caller.call for caller in bank[1]]
    found = await pieces_with_errands(world.database, utcnow(), calls)
    assert found == [Piece(Lane.ERRANDS, person.id % 64)]
    assert await drive(world, person, bank) == 1
    assert bank[0].paid == {id_: 5}
    assert await standing(world) == []
    assert await pieces_with_errands(world.database, utcnow(), calls) == []
    [answer] = await world.rows("SELECT user_id, key FROM intents WHERE origin LIKE 'errand:%'")
    assert (answer.user_id, answer.key) == (person.id, str(id_))
    await world.drain()
    assert await world.value("SELECT count(*) FROM fraud_logs") == 1


@pytest.mark.parametrize("said", ["pays and hangs", "hangs", OSError("cut off"), Unknown("?")])
async def test_what_may_not_be_repeated_is_asked_about(world: World, bank: Bank, said: Any) -> None:
    person = await world.person()
    bank[0].says = [said]
    id_ = await ask(world, person, Pay(5))
    await drive(world, person, bank)
    assert await standing(world) == [("UNKNOWN", 1)]
    assert await drive(world, person, bank) == 0  # not at once
    was_paid = id_ in bank[0].paid
    world.move_to(utcnow() + timedelta(seconds=10))
    await drive(world, person, bank)
    if not was_paid:  # it never arrived
        assert await standing(world) == [("WAITING", 2)]
        await drive(world, person, bank)
    assert bank[0].paid == {id_: 5}
    assert bank[0].calls == (1 if was_paid else 2)
    assert (await standing(world), await answers(world)) == ([], 1)


async def test_nobody_answering_is_told_to_operators(world: World, bank: Bank) -> None:
    person = await world.person()
    bank[0].says = [Unknown("?")]
    await ask(world, person, Pay(5))
    await drive(world, person, bank)
    world.move_to(utcnow() + timedelta(minutes=16))
    found = [violation.invariant for violation in await find_overdue(world.database, utcnow())]
    assert "of no call to the outside it is unknown what became of it" in found


CRASHES = ["before the call", "after the call", "after the answer"]


@pytest.mark.parametrize("where", CRASHES)
@pytest.mark.parametrize("call", [Pay(5), Ring()])
async def test_a_worker_that_dies_between_any_two_steps(
    world: World, bank: Bank, monkeypatch: pytest.MonkeyPatch, where: str, call: Call
) -> None:
    person = await world.person()
    id_ = await ask(world, person, call)
    kind = bank[1][0] if isinstance(call, Pay) else bank[1][1]
    with monkeypatch.context() as dying:
        if where == "before the call":

            async def dies(*_: object) -> None:
                raise Death

            callers = (replace(kind, prepare=dies),)
        else:
            callers = (kind,)
            stored = lane.settle_errands

            async def settle(*given: Any) -> Any:
                if where == "after the answer":
                    await stored(*given)
                raise Death

            dying.setattr(run, "settle_errands", settle)
        with pytest.raises(Death):
            await run_errands(world.shop, person.id % 64, callers)
    calls_before = bank[0].calls
    assert await drive(world, person, bank) == 0  # its lease is not over
    world.move_to(utcnow() + LEASE)
    await drive(world, person, bank)  # asks what became of a payment, or rings again
    await drive(world, person, bank)
    assert await standing(world) == []
    if isinstance(call, Pay):
        assert bank[0].paid == {id_: 5}
        assert bank[0].calls == 1
        assert await answers(world) == 1
    else:
        assert bank[0].calls == calls_before + (where != "after the answer")


async def test_what_fails_for_good_is_a_dead_letter_until_it_is_revived(
    world: World, bank: Bank
) -> None:
    person = await world.person()
    bank[0].says = [Failed("the account is closed")]
    id_ = await ask(world, person, Pay(5))
    await drive(world, person, bank)
    [letter] = await read_dead_letters(world.database)
    assert (letter.id, letter.kind, letter.error) == (id_, "tests.pay", "the account is closed")
    assert letter.group_number == Lane.ERRANDS
    now = utcnow()
    piece = await revive(world.database, OPERATOR, letter.bucket, id_, "opened again", now)
    assert piece == Piece(Lane.ERRANDS, letter.bucket)
    assert await revive(world.database, OPERATOR, letter.bucket, id_, "twice", now) is None
    [trail] = await world.rows("SELECT subject_kind, subject_id, reason FROM admin_log")
    assert tuple(trail) == ("errand", str(id_), "opened again")
    await drive(world, person, bank)
    assert bank[0].paid == {id_: 5}
    assert await read_dead_letters(world.database) == []


async def test_what_is_tried_too_often_is_a_dead_letter(world: World, bank: Bank) -> None:
    person = await world.person()
    bank[0].says = [Later(), OSError("away")]
    await ask(world, person, Ring())
    for expected in ([("WAITING", 1)], [("FAILED", 2)]):
        await drive(world, person, bank)
        assert await standing(world) == expected
        world.move_to(utcnow() + timedelta(minutes=1))
    assert (await read_dead_letters(world.database))[0].error == "OSError: away"


async def test_whoever_comes_back_too_late_writes_nothing(world: World, bank: Bank) -> None:
    person = await world.person()
    id_ = await ask(world, person, Pay(5))
    bucket = person.id % 64
    _, [first] = await lane.claim_errands(world.database, bucket, Pay, utcnow(), 9)
    world.move_to(utcnow() + LEASE)
    _, [second] = await lane.claim_errands(world.database, bucket, Pay, utcnow(), 9)
    assert (first.status, second.status) == ("CALLED", "UNKNOWN")
    await lane.settle_errands(world.database, bucket, [(first, PAID)], [], utcnow())
    assert (await standing(world), await answers(world)) == ([("UNKNOWN", 2)], 0)
    await lane.settle_errands(world.database, bucket, [(second, PAID)], [], utcnow())
    assert (await standing(world), await answers(world)) == ([], 1)
    assert first.id == second.id == id_


async def test_a_newer_release_s_errand_waits_for_it(world: World, bank: Bank) -> None:
    person = await world.person()
    await ask(world, person, Pay(5))
    await world.rows("""UPDATE errands SET payload = payload || '{"mood": 1}' RETURNING id""")
    for _ in range(3):
        assert await drive(world, person, bank) == 1
        assert await standing(world) == [("WAITING", 0)]
        world.move_to(utcnow() + timedelta(seconds=15))
    await world.rows("UPDATE errands SET payload = payload - 'mood' RETURNING id")
    await drive(world, person, bank)
    assert (await standing(world), bank[0].calls) == ([], 1)


async def test_a_rule_asks_for_one_beside_what_it_decides(
    world: World, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    def react(
        member: Member, intent: AnyIntent, decision: Decision, conditions: Conditions
    ) -> Decision:
        if not intent.action.is_start:
            return decision
        asked = Errand(intent.id, member.user_id, Pay(7), intent.recorded_at)
        return replace(decision, errands=(asked,))

    monkeypatch.setattr(decide, "REACTIONS", (*decide.REACTIONS, react))
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    await person.start()
    await drive(world, person, bank)
    assert list(bank[0].paid.values()) == [7]
    assert await answers(world) == 1
