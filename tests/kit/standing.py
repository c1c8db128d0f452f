"""Who is staff, and what ends it."""

from typing import Any

import httpx

from engine.core.role import Role
from models.admin.roles import set_active
from models.base.trail import OPERATOR, Actor
from models.fraud.review import suspend as suspend_user
from runtime.clock import utcnow
from tests.kit.staff import promote, sign_in
from tests.kit.world import Person, World


async def disable(world: World, person: Person) -> None:
    """Switch an account off."""
    copies = world.services.copies
    await set_active(world.database, copies, OPERATOR, person.id, False, "test", utcnow())


async def suspend(world: World, person: Person) -> None:
    """As a colleague's judgement, or the rules, leave an account."""
    chief = Actor(person.id + 1, Role.SUPERADMIN, None)
    copies = world.services.copies
    assert await suspend_user(world.database, copies, chief, person.id, "stolen?", utcnow())


async def demote(world: World, person: Person) -> None:
    """Take the role away."""
    await promote(world, person, Role.USER)


async def propose_role(by: Person, user: Person, role: str = "admin") -> httpx.Response:
    """Propose to give somebody a role."""
    body = {"role": role, "reason": "joins the team"}
    return await by.post(f"/v1/admin/users/{user.id}/role-proposals", body)


async def judge_role(by: Person, proposal: dict[str, Any], what: str = "approve") -> httpx.Response:
    """Approve or reject it."""
    path = f"/v1/admin/users/{proposal['user_id']}/role-proposals/{proposal['id']}/{what}"
    return await by.post(path, {"note": "met them"})


async def join(world: World, proposer: Person, approver: Person, role: str = "admin") -> Person:
    """A new member of the staff, proposed by one and approved by another."""
    person = await world.person()
    proposal = (await propose_role(proposer, person, role)).json()
    assert (await judge_role(approver, proposal)).json()["status"] == "GRANTED"
    await sign_in(world, person)
    return person
