"""Signing up and in, as tests do it."""

import re
from pathlib import Path
from typing import Any

import httpx

from models.config import Config
from tests.world import Person, World

PASSWORD = "correct horse battery"


async def auth(world: World, what: str, token: str = "", **body: Any) -> httpx.Response:
    """POST to an account route, signed with an access token if one is given."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return await world.http.post(f"/v1/auth/{what}", json=body, headers=headers)


async def signed_up(
    world: World, email: str = "ann@example.com", **more: Any
) -> tuple[Person, dict[str, Any]]:
    """Somebody who has registered, and their tokens; the address is not verified."""
    answer = await auth(world, "register", email=email, password=PASSWORD, **more)
    assert answer.status_code == 201, answer.text
    user_id = await world.value("SELECT max(id) FROM users")
    group = await world.value("SELECT group_number FROM users WHERE id = :u", u=user_id)
    return Person(world, user_id, group), answer.json()


def sent_code(world: World, address: str = "ann@example.com") -> str:
    """The code of the last message to an address."""
    return last_code(world.config, address)


def last_code(config: Config, address: str) -> str:
    """The code of the last message that was left in the outbox for an address."""
    text = (Path(config.outbox_dir) / address).read_text()
    [code] = re.findall(r"\b[0-9]{6}\b", text)
    return str(code)


async def verify(world: World, token: str, address: str = "ann@example.com") -> None:
    """Send the code of the message."""
    answer = await auth(world, "verify", token, code=sent_code(world, address))
    assert answer.status_code == 204, answer.text
