"""Dead letters that an operator revives."""

from uuid import UUID

from models.admin_log import OPERATOR
from models.operations import revive
from runtime.clock import utcnow
from tests.world import Person, World


async def revived(world: World, person: Person, letter_id: UUID) -> bool:
    """Whether there was such a dead letter; it gets another try."""
    bucket = person.id % 64
    return await revive(world.database, OPERATOR, bucket, letter_id, "", utcnow()) is not None
