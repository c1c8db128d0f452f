"""What the audit finds of sessions."""

from models.operations.invariants import audit
from tests.kit.boosts import change
from tests.kit.words import at
from tests.kit.world import World


async def test_a_session_that_was_paid_with_other_money_is_found(world: World) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    await person.mine()
    await world.go_to(at("04:20"))
    assert await audit(world.database) == []
    await change(world, "UPDATE ad_views SET funding = 'admob'")
    [found] = await audit(world.database)
    assert found.invariant == "a session is paid with the money of its ad"
    await change(world, "UPDATE ad_views SET funding = NULL")
