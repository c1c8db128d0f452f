"""Coins moved by hand: proposed, and judged."""

from typing import Any

import httpx

from engine.core.role import Role
from tests.kit.staff import staff
from tests.kit.world import Person, World


async def propose(
    by: Person, user: Person, direction: str = "CREDIT", amount: str = "12.5", **headers: str
) -> httpx.Response:
    """Propose to move coins by hand."""
    body = {"direction": direction, "amount": amount, "reason": "a callback was lost"}
    return await by.post(f"/v1/admin/users/{user.id}/adjustments", body, **headers)


async def judge(by: Person, proposal: dict[str, Any], verdict: str = "approve") -> httpx.Response:
    """Approve or reject it."""
    path = f"/v1/admin/users/{proposal['user_id']}/adjustments/{proposal['id']}/{verdict}"
    return await by.post(path, {"note": "looked at it"})


async def move(world: World, person: Person, amount: str, direction: str = "CREDIT") -> None:
    """Coins by hand."""
    one, other = await staff(world, Role.ADMIN), await staff(world, Role.ADMIN)
    proposal = (await propose(one, person, direction, amount)).json()
    assert (await judge(other, proposal)).status_code == 200
    await world.drain()
