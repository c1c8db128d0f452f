"""Who may come from a domain that is not widely known, as they register."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from runtime.clock import utcnow
from runtime.environment import Config
from tests.kit.accounts import PASSWORD, auth, registered, signed_up
from tests.kit.problems import problem_of
from tests.kit.world import World

OVER_AN_HOUR = timedelta(minutes=61)


@pytest.fixture
def config(config: Config) -> Config:
    """With limits."""
    return replace(config, has_limits=True)


async def test_a_domain_is_used_up_by_accounts_and_not_by_who_asks_for_them(world: World) -> None:
    """A stranger registers addresses of it that they cannot read."""
    for number in range(3):
        await registered(world, f"nobody{number}@company.example")
    world.move_to(utcnow() + OVER_AN_HOUR)
    for number in range(3):
        await signed_up(world, f"u{number}@company.example")
    world.move_to(utcnow() + OVER_AN_HOUR)
    late = {"email": "late@company.example", "password": PASSWORD}
    problem_of(await auth(world, "register", **late), 429, "domain-limited")
