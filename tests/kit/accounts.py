"""Signing up and in, as tests do it."""

import re
from pathlib import Path
from typing import Any

import httpx

from api.identity.passwords import hash_password
from models.accounts.register import Newcomer, register
from models.base.db import connected, run, sql
from runtime.clock import utcnow
from runtime.environment import Config
from tests.kit.processes import until
from tests.kit.world import Person, World

PASSWORD = "correct horse battery"
ANN = {"email": "ann@example.com", "password": PASSWORD}
CLAIM = sql("""
    INSERT INTO identities (kind, value, user_id, created_at)
    VALUES ('email', :value, :user_id, :now)
""")


async def reclaim(world: World, user_id: int, value: str) -> None:
    """Somebody's address is found by another value. Rows are spread by it: it is no UPDATE."""
    async with connected(world.database) as connection:
        gone = "DELETE FROM identities WHERE user_id = :user_id"
        await run(connection, sql(gone), {"user_id": user_id})
        params = {"value": value, "user_id": user_id, "now": utcnow()}
        await run(connection, CLAIM, params)


async def auth(world: World, what: str, token: str = "", **body: Any) -> httpx.Response:
    """POST to an account route, signed with an access token if one is given.

    What is done after the answer is done, too.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = await world.http.post(f"/v1/auth/{what}", json=body, headers=headers)
    await world.services.background.finished()
    return answer


async def registered(world: World, email: str = "ann@example.com", **more: Any) -> str:
    """The ticket of somebody who has registered; there is no account yet."""
    answer = await auth(world, "register", email=email, password=PASSWORD, **more)
    assert answer.status_code == 202, answer.text
    ticket: str = answer.json()["ticket"]
    return ticket


async def signed_up(
    world: World, email: str = "ann@example.com", **more: Any
) -> tuple[Person, dict[str, Any]]:
    """Somebody who has registered and sent the code of our message, and their tokens."""
    ticket = await registered(world, email, **more)
    answer = await auth(world, "verify", ticket=ticket, code=sent_code(world, email))
    assert answer.status_code == 200, answer.text
    return await _newest(world), answer.json()


async def from_before(
    world: World, email: str = "ann@example.com"
) -> tuple[Person, dict[str, Any]]:
    """Somebody of an earlier release, which made accounts at once; the address is not verified."""
    newcomer = Newcomer("email", email, await hash_password(PASSWORD))
    await register(world.database, world.config.keyring, world.table, newcomer, utcnow())
    answer = await auth(world, "login", email=email, password=PASSWORD)
    sent = await auth(world, "verification-code", answer.json()["access_token"])
    assert sent.status_code == 204, sent.text
    return await _newest(world), answer.json()


async def _newest(world: World) -> Person:
    user_id = await world.value("SELECT max(id) FROM users")
    group = await world.value("SELECT group_number FROM users WHERE id = :u", u=user_id)
    return Person(world, user_id, group)


async def forgotten(world: World, email: str = "ann@example.com") -> str:
    """The ticket of whoever forgot a password."""
    answer = await auth(world, "password/forgotten", email=email)
    assert answer.status_code == 202, answer.text
    ticket: str = answer.json()["ticket"]
    return ticket


def sent_code(world: World, address: str = "ann@example.com") -> str:
    """The code of the last message to an address."""
    return last_code(world.config, address)


def sent_text(world: World, address: str = "ann@example.com") -> str:
    """The last message to an address."""
    return (Path(world.config.outbox_dir) / address).read_text()


def last_code(config: Config, address: str) -> str:
    """The code of the last message that was left in the outbox for an address."""
    text = (Path(config.outbox_dir) / address).read_text()
    [code] = re.findall(r"\b[0-9]{6}\b|\b[0-9]{4}(?: [0-9]{4}){3}\b", text)
    return str(code)


def settle(http: httpx.Client, config: Config, email: str, password: str = PASSWORD) -> str:
    """Register with real processes, and send the code. Return the access token."""
    account = {"email": email, "password": password}
    answer = http.post("/v1/auth/register", json=account)
    assert answer.status_code == 202, answer.text
    until((Path(config.outbox_dir) / email).exists, "the message")
    given = {"ticket": answer.json()["ticket"], "code": last_code(config, email)}
    verified = http.post("/v1/auth/verify", json=given)
    assert verified.status_code == 200, verified.text
    token: str = verified.json()["access_token"]
    return token


async def verify(world: World, token: str, address: str = "ann@example.com") -> None:
    """Send the code of the message, for an account that is signed in."""
    answer = await auth(world, "verify", token, code=sent_code(world, address))
    assert answer.status_code == 204, answer.text
