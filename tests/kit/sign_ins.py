"""Somebody signed in, and their tokens."""

from typing import Any

from tests.kit.accounts import auth, signed_up
from tests.kit.problems import problem_of
from tests.kit.world import World


async def joined(world: World, email: str = "ann@example.com") -> dict[str, Any]:
    """The tokens of a new member."""
    return (await signed_up(world, email))[1]


async def refreshed(world: World, token: str) -> str | None:
    """The successor of a refresh token, or None if it was refused."""
    answer = await auth(world, "refresh", refresh_token=token)
    if answer.status_code != 200:
        problem_of(answer, 401, "unauthorized")
        return None
    successor: str = answer.json()["refresh_token"]
    return successor
