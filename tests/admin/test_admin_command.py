"""`./run admin grant`, beside a running system that only its announcement names."""

from pathlib import Path

import pytest

from engine.core.role import Role
from models.admin.roles import NoSuchUserError
from ops.commands.admin import _grant
from ops.running import announced, with_addresses
from runtime.environment import load_config
from tests.kit.accounts import signed_up
from tests.kit.processes import Processes
from tests.kit.world import World


async def grant(world: World, folder: Path, who: str) -> int:
    """As `twtc admin grant` does it in an environment that says nothing."""
    with announced(folder, Processes(world.config, {}).env):
        config = load_config(with_addresses({"HOME": "/"}, folder))
        return await _grant(config, who, Role.SUPERADMIN, "the first one")


@pytest.mark.parametrize("typed", ["ann@example.com", " Ann@Example.COM", "id"])
async def test_whoever_is_named_gets_the_role(world: World, tmp_path: Path, typed: str) -> None:
    person, tokens = await signed_up(world, "ann@example.com")
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await world.http.get("/v1/admin/log", headers=headers)).status_code == 403
    assert await grant(world, tmp_path, str(person.id) if typed == "id" else typed) == 0
    assert (await world.http.get("/v1/admin/log", headers=headers)).status_code == 200


@pytest.mark.parametrize("typed", ["bob@example.com", "640000000", "nobody"])
async def test_who_is_not_there_gets_none(world: World, tmp_path: Path, typed: str) -> None:
    with pytest.raises(NoSuchUserError):
        await grant(world, tmp_path, typed)
