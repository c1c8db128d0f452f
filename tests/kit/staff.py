"""People with a role."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
from msgspec.structs import replace

from engine.core.role import Role
from models.admin.roles import set_role
from models.base.db import transaction
from models.base.trail import OPERATOR
from models.installation.configuration import add_version, read_versions, version_of
from runtime.clock import utcnow
from tests.kit.world import Person, World


async def staff(world: World, role: Role, group_number: int | None = None) -> Person:
    """A new member with a role."""
    person = await world.person(group_number)
    await promote(world, person, role)
    return person


async def promote(world: World, person: Person, role: Role) -> None:
    """Give somebody a role, as the command line does; they are signed in."""
    copies = world.services.copies
    await set_role(world.database, copies, OPERATOR, person.id, role, "test", utcnow())
    await sign_in(world, person)


async def sign_in(world: World, person: Person) -> None:
    """Let the sign-in be there that the person's tokens are of: for longer than any story."""
    await world.rows(
        """INSERT INTO sign_ins (bucket, id, user_id, user_agent, created_at, seen_at, expires_at)
           VALUES (:b, CAST(:id AS uuid), :u, '', :now, :now, CAST(:until AS timestamptz))
           ON CONFLICT (bucket, id) DO NOTHING RETURNING 1""",
        b=person.id % 64,
        id=UUID(int=person.id),
        u=person.id,
        until=utcnow() + timedelta(days=1_000),
    )


async def judge_pay(by: Person, proposal: dict[str, Any], what: str = "approve") -> httpx.Response:
    """Decide about a change of what is paid."""
    path = f"/v1/admin/pay-proposals/{proposal['id']}/{what}"
    return await by.post(path, {"note": "looked it up"})


async def configure(world: World, **changes: Any) -> None:
    """Change the configuration as two superadmins do; it holds five minutes later."""
    now = utcnow()
    last = (await read_versions(world.database))[-1]
    settings = replace(version_of(last).settings, **changes)
    async with transaction(world.database) as connection:
        await add_version(connection, 1, OPERATOR, last.version, settings, "test", None, now)
    for held in (world.services.configurations, world.shop.configurations):
        held.forget()
