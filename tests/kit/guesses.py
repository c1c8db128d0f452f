"""Guesses at passwords and codes, from wherever."""

from datetime import timedelta
from typing import Any

import httpx

from tests.kit.accounts import ANN, PASSWORD
from tests.kit.world import World

WRONG = ANN | {"password": "not the right one"}


async def ask(
    world: World, what: str, ip: str = "198.51.100.1", known: str = "", **body: Any
) -> httpx.Response:
    """POST to an account route from an address, with a device's token if one is given."""
    headers = {"X-Forwarded-For": ip} | ({"Known-Device": known} if known else {})
    answer = await world.http.post(f"/v1/auth/{what}", json=body, headers=headers)
    await world.services.background.finished()
    return answer


def wrong(code: str) -> str:
    """A code that is not this one."""
    return f"{(int(code) + 1) % 10**6:06}"


def networks(number: int) -> list[str]:
    """Addresses in networks of their own."""
    return [f"203.0.{n}.7" for n in range(number)]


async def asked(world: World, ip: str = "198.51.100.1", email: str = ANN["email"]) -> str:
    """The ticket of whoever asks for a new password, from an address."""
    answer = await ask(world, "password/forgotten", ip, email=email)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["ticket"])


async def chosen(world: World, given: str, code: str, **more: Any) -> httpx.Response:
    """Choose a new password."""
    body = {"ticket": given, "code": code, "password": "another password"}
    return await ask(world, "password/reset", **body, **more)


def short(code: str) -> str:
    """Six digits, whatever was sent."""
    return wrong(code.replace(" ", "")[:6])


MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
KNOWN, UNKNOWN = ANN["email"], "bob@example.com"
OWN = "198.51.100.1"


def is_long(code: str) -> bool:
    return len(code.replace(" ", "")) == 16


async def registers(world: World, ip: str, email: str = UNKNOWN) -> str:
    answer = await ask(world, "register", ip, email=email, password=PASSWORD)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["ticket"])


async def verifies(world: World, given: str, code: str, ip: str = OWN) -> httpx.Response:
    return await ask(world, "verify", ip, ticket=given, code=code)
