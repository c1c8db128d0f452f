"""Dead letters that an operator revives."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from models.base.trail import OPERATOR
from models.operations.operations import revive
from runtime.clock import utcnow
from tests.kit.boosts import change
from tests.kit.world import Person, World


async def revived(world: World, person: Person, letter_id: UUID) -> bool:
    """Whether there was such a dead letter; it gets another try."""
    bucket = person.id % 64
    return await revive(world.database, OPERATOR, bucket, letter_id, "", utcnow()) is not None


async def dead_letter(world: World, kind: str) -> UUID:
    """Make an intent that waits a dead letter, as five faults of ours would."""
    await change(
        world,
        """UPDATE intents SET status = 'FAILED', attempts = 5, error = 'a fault', applied_at = :now
           WHERE kind = :kind AND status = 'RECORDED'""",
        kind=kind,
        now=utcnow(),
    )
    found: UUID = await world.value("SELECT id FROM intents WHERE status = 'FAILED'")
    return found


async def revive_later(
    world: World, person: Person, intent_id: UUID, when: datetime
) -> tuple[str, Any]:
    """Put a dead letter back in the queue. Return what becomes of it."""
    await world.live_until(when, timedelta(hours=4))
    assert await revived(world, person, intent_id)
    await world.drain()
    outcome = (await person.get(f"/v1/intents/{intent_id}")).json()
    return outcome["status"], outcome["result"] or outcome["problem"]["reason"]
