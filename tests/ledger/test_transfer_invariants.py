"""The invariants of coins between members: each finds what it is there for."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from freezegun.api import FrozenDateTimeFactory

from engine.core.transfer import TRANSIT, Transfer, TransferType, wallet
from models.base.db import Database, run, sql, transaction
from models.ledger.post import post
from models.operations.invariants import audit, audit_globally
from runtime.clock import utcnow
from runtime.environment import Config
from tests.kit.ledger import asked_to_send, came_to, count, credit, enter
from tests.kit.members import elsewhere
from tests.kit.world import Person, World, open_world

WHOLE = "what was sent to a member has arrived or come back, whole and once"
ON_ITS_WAY = "what has left for a member and is not there is on its way"
APPLIED = "what was sent, received or given back by an applied intent stands in the ledger"
NAMED = "what goes between members says which way, and of which sending"


@pytest.fixture
async def world(
    config: Config, database: Database, clock: FrozenDateTimeFactory
) -> AsyncIterator[World]:
    """One whose books are wrong in the end: nothing is taken out of a ledger."""
    async with open_world(config, database, clock) as opened:
        yield opened


async def wrong(world: World) -> list[str]:
    found = await audit(world.database) + await audit_globally(world.database, utcnow())
    return [violation.invariant for violation in found]


async def pair(world: World) -> tuple[Person, Person]:
    """Somebody with coins of two fundings, and somebody of another bucket."""
    person = await world.person()
    for funding in ("deposit:1", "sponsor:1"):
        await enter(world, credit(person, 50, funding, f"b:{funding}"))
    return person, await elsewhere(world, person)


async def sent(world: World, person: Person, other: Person) -> str:
    """All of them go over. Return the sending's id."""
    outcome = await came_to(world, person, await asked_to_send(world, person, other.id, 100))
    assert await wrong(world) == []
    return str(outcome["id"])


def between(
    person: Person,
    way: str,
    sending: str,
    amount: int,
    other: Person | None = None,
    *,
    funding: str = "deposit:1",
) -> Transfer:
    source, target = TRANSIT, wallet(person.id)
    if way == "out":
        source, target = target, source
    kind, reference = TransferType.TRANSFER, f"xfer:{way}:{sending}"
    metadata = {"to_user_id": other.id} if other else {}
    return Transfer(source, target, amount, reference, funding, kind, "", metadata, utcnow())


async def change(world: World, statement: str) -> None:
    async with transaction(world.database) as connection:
        assert await run(connection, sql(statement)) == 1


async def left(
    world: World, person: Person, reference_of: str, amount: int, other: Person | None = None
) -> None:
    """Coins leave for somebody, and nothing is on its way."""
    async with transaction(world.database) as connection:
        gone = between(person, "out", reference_of, amount, other)
        await post(connection, person.id % 64, [gone], utcnow())
        await count(connection, person, amount)


async def test_what_arrives_without_having_left_is_found(world: World) -> None:
    _, other = await pair(world)
    await enter(world, between(other, "in", str(UUID(int=1)), 5))
    assert await wrong(world) == [WHOLE]


@pytest.mark.parametrize("way", ["in", "back"])
async def test_what_arrives_at_a_third_or_goes_back_to_them_is_found(
    world: World, way: str
) -> None:
    person, other = await pair(world)
    sending = str(UUID(int=1))
    await left(world, person, sending, 5, other)
    await enter(world, between(await world.person(), way, sending, 5))
    assert await wrong(world) == [WHOLE]


@pytest.mark.parametrize("way", ["in", "back"])
async def test_what_arrives_where_it_belongs_is_right(world: World, way: str) -> None:
    person, other = await pair(world)
    sending = str(UUID(int=1))
    await left(world, person, sending, 5, other)
    await enter(world, between(other if way == "in" else person, way, sending, 5))
    assert await wrong(world) == []


async def test_what_has_arrived_and_come_back_is_found(world: World) -> None:
    person, other = await pair(world)
    sending = await sent(world, person, other)
    await enter(
        world,
        between(person, "back", sending, 50),
    )
    assert await wrong(world) == [WHOLE]


@pytest.mark.parametrize(("funding", "amount"), [("deposit:1", 49), ("direct:1", 50)])
async def test_what_arrives_in_part_or_as_somebody_elses_money_is_found(
    world: World, funding: str, amount: int
) -> None:
    person, other = await pair(world)
    sending = str(UUID(int=1))
    await left(world, person, sending, 50, other)
    assert await wrong(world) == [ON_ITS_WAY]
    await enter(world, between(other, "in", sending, amount, funding=funding))
    assert await wrong(world) == [WHOLE]


async def test_a_funding_that_did_not_arrive_with_the_others_is_found(world: World) -> None:
    person, other = await pair(world)
    sending = str(UUID(int=1))
    async with transaction(world.database) as connection:
        gone = [between(person, "out", sending, 5, other)]
        second = between(person, "out", sending, 5, other, funding="sponsor:1")
        gone.append(
            Transfer(**{f: getattr(second, f) for f in second.__struct_fields__} | {"part": 1})
        )
        await post(connection, person.id % 64, gone, utcnow())
        await count(connection, person, 10)
    await enter(world, between(other, "in", sending, 5))
    assert await wrong(world) == [WHOLE]


async def test_what_is_lost_on_its_way_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> list[object]:
        return []

    person, other = await pair(world)
    with monkeypatch.context() as patch:
        patch.setattr("workers.apply.deliver", nothing)
        await sent(world, person, other)
    await change(world, "DELETE FROM follow_ups")
    assert await wrong(world) == [ON_ITS_WAY]
    world.move_to(utcnow() + timedelta(days=32))  # what is older than a month was checked
    assert ON_ITS_WAY not in await wrong(world)


async def test_a_dead_letter_is_on_its_way_and_an_applied_one_is_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, other = await pair(world)
    await asked_to_send(world, person, other.id, 100)
    with monkeypatch.context() as patch:
        patch.setattr("engine.ledger.rules._arrived", None)
        patch.setattr("models.intents.queue.ATTEMPTS_MAX", 1)
        await world.drain()
    assert await world.value("SELECT kind FROM intents WHERE status = 'FAILED'") == "coins.receive"
    assert await wrong(world) == []
    await change(
        world,
        """UPDATE intents SET status = 'APPLIED', outcome = '{"status": "APPLIED", "result": {}}'
           WHERE status = 'FAILED'""",
    )
    assert await wrong(world) == [APPLIED, ON_ITS_WAY]


async def test_an_applied_sending_that_moved_another_amount_is_found(world: World) -> None:
    person, other = await pair(world)
    await sent(world, person, other)
    await change(
        world,
        """UPDATE intents SET payload = payload || '{"amount_micro": 99}'
           WHERE kind = 'coins.send'""",
    )
    assert await wrong(world) == [APPLIED]


async def test_a_reference_that_says_another_way_is_found(world: World) -> None:
    person, other = await pair(world)
    async with transaction(world.database) as connection:
        gone = between(person, "out", "nowhere", 5)
        await post(connection, person.id % 64, [gone], utcnow())
        await count(connection, person, 5)
    assert NAMED in await wrong(world)
    await enter(world, between(other, "in", str(UUID(int=2)), 5))
    assert NAMED in await wrong(world)
