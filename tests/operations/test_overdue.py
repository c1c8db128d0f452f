"""What should have been done by now, and what is only being made up for."""

from datetime import timedelta

from engine.core.piece import Lane, Piece
from engine.operations.actions import PruneIntents
from models.intents.queue import record_due
from models.operations.invariants import find_overdue
from runtime.clock import utcnow
from tests.kit.world import World


async def test_what_is_made_up_for_has_its_quarter_of_an_hour_too(world: World) -> None:
    """A new installation, or one after an outage, begins with boundaries that are long gone."""
    now = utcnow()
    boundary, pieces = now - timedelta(hours=3), [Piece(Lane.UPKEEP, 0)]
    assert await record_due(world.database, PruneIntents(), "late", boundary, pieces, now)
    assert await find_overdue(world.database, now + timedelta(minutes=14)) == []
    [found] = await find_overdue(world.database, now + timedelta(minutes=16))
    assert found.invariant == "intents are applied in time"
