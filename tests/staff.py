"""People with a role."""

from engine.permissions import Role
from models.admin_log import OPERATOR
from models.clock import utcnow
from models.roles import set_role
from tests.world import Person, World


async def staff(world: World, role: Role, group_number: int | None = None) -> Person:
    """A new member with a role."""
    person = await world.person(group_number)
    await promote(world, person, role)
    return person


async def promote(world: World, person: Person, role: Role) -> None:
    """Give somebody a role, as the command line does."""
    copies = world.services.copies
    await set_role(world.database, copies, OPERATOR, person.id, role, "test", utcnow())
