"""A tick pays all groups of a bucket, each from where it was paid last."""

from typing import Any

from engine.core.piece import Piece
from engine.core.timeline import GROUP_COUNT, tick_group
from engine.mining.actions import CreditMining
from models.base.db import connected, run, sql
from models.intents.queue import record_due
from runtime.clock import utcnow
from tests.kit.words import at
from tests.kit.world import Person, World
from workers.apply import drain

DONE = "SELECT count(*) FROM intents WHERE kind = 'mining.credit' AND status = 'APPLIED'"
THROUGH = "SELECT DISTINCT credited_through FROM credit_watermarks WHERE bucket = :b"
MOVE = "UPDATE credit_watermarks SET credited_through = :t WHERE bucket = :b AND group_number = :g"
SET = "UPDATE wallets SET balance = :m WHERE bucket = :b AND user_id = :u"


async def execute(world: World, statement: str, **params: Any) -> None:
    async with connected(world.database) as connection:
        assert await run(connection, sql(statement), params) == 1


async def two_miners(world: World) -> list[Person]:
    """Of one bucket and two groups, both mining from 00:06 or a little later."""
    people = await world.people(2, group_number=1)
    assert people[0].id % 64 == people[1].id % 64
    world.move_to(at("00:05"))
    for person in people:
        await person.mine()
    other = people[1]
    await world.regroup(other, 4)
    await execute(
        world, "UPDATE mining_sessions SET group_number = 4 WHERE user_id = :u", u=other.id
    )
    return people


def test_each_group_has_its_share_of_the_ticks() -> None:
    groups = [tick_group(bucket) for bucket in range(64)]
    assert set(groups) == set(range(1, GROUP_COUNT + 1))
    assert max(map(groups.count, groups)) - min(map(groups.count, groups)) <= 1


async def test_one_intent_pays_every_group_of_a_bucket(world: World) -> None:
    one, other = await two_miners(world)
    await world.go_to(at("00:20"))
    assert await world.value(DONE) == 1
    assert (await one.balance(), await other.balance()) == ("5.833333", "5.416666")
    assert await world.value(THROUGH, b=one.id % 64) == at("00:20")  # all of them


async def test_a_group_that_was_left_behind_is_caught_up(world: World) -> None:
    one, other = await two_miners(world)
    await world.go_to(at("00:10"))
    bucket = one.id % 64
    # As a tick leaves it that could pay all but this group.
    await execute(world, MOVE, t=at("00:00"), b=bucket, g=4)
    await execute(world, SET, m=0, b=bucket, u=other.id)
    await world.go_to(at("00:20"))
    assert (await one.balance(), await other.balance()) == ("5.833333", "5.416666")


async def test_what_an_older_clock_recorded_for_a_group_pays_that_group(world: World) -> None:
    one, other = await two_miners(world)
    bucket = one.id % 64
    pieces = [Piece(group, bucket) for group in (1, 4) if group != tick_group(bucket)]
    world.move_to(at("00:20"))
    action = CreditMining(at("00:20"))
    for piece in pieces:
        await record_due(world.database, action, "old:{group}", at("00:20"), [piece], utcnow())
        await drain(world.shop, piece)
    expected = {1: (one, "5.833333"), 4: (other, "5.416666")}
    for group, (person, paid) in expected.items():
        wanted = paid if Piece(group, bucket) in pieces else "0.000000"
        assert await person.balance() == wanted
    await world.go_to(at("00:20"))
    assert (await one.balance(), await other.balance()) == ("5.833333", "5.416666")
