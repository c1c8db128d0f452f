"""Changing an address: asked for, confirmed, waited for, taken back."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.kit.accounts import PASSWORD, auth, sent_code
from tests.kit.world import Person, World

ANN, NEW = "ann@example.com", "ann.new@example.com"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WAIT, BACK = 2 * DAY, 7 * DAY


async def told(world: World) -> None:
    """Let the messages leave."""
    await world.services.background.finished()


async def want(person: Person, address: str = NEW, **more: Any) -> httpx.Response:
    """Ask for another address."""
    kind = "email" if "@" in address else "phone"
    answer = await person.post("/v1/me/contact", {kind: address, "password": PASSWORD} | more)
    await told(person.world)
    return answer


async def confirm(person: Person, side: str, address: str) -> httpx.Response:
    """Send the code that went to one side."""
    body = {"address": side, "code": sent_code(person.world, address)}
    answer = await person.post("/v1/me/contact/confirm", body)
    await told(person.world)
    return answer


async def waits(person: Person, address: str = NEW) -> dict[str, Any]:
    """A change that waits."""
    asked = await want(person, address)
    assert asked.status_code == 201, asked.text
    confirmed = await confirm(person, "new", address)
    assert confirmed.status_code == 200, confirmed.text
    found: dict[str, Any] = confirmed.json()
    assert found["status"] == "WAITING"
    return found


def message(world: World, address: str) -> str:
    """The last message to an address."""
    return (Path(world.config.outbox_dir) / address).read_text()


def token(world: World, address: str = ANN) -> str:
    """The word that takes a change back."""
    [found] = re.findall(r"^[0-9]+\.\S{20,}$", message(world, address), re.MULTILINE)
    return str(found)


async def undo(world: World, word: str) -> httpx.Response:
    """Say no, with the link that the former address got."""
    return await world.http.post("/v1/auth/contact/undo", json={"token": word})


async def signs_in(world: World, email: str, password: str = PASSWORD) -> bool:
    """Whether an address signs in."""
    return (await auth(world, "login", email=email, password=password)).status_code == 200


async def emails(person: Person) -> str | None:
    """The address that the profile shows."""
    answer: str | None = (await person.get("/v1/me")).json()["email"]
    return answer


async def claimed(world: World) -> set[tuple[str, int]]:
    """Who has which mailbox."""
    found = await world.rows("SELECT value, user_id FROM mailboxes")
    names = (ANN, NEW, "bob@example.com", "carl@example.com")
    by_index = {world.config.keyring.index("mailbox", name): name for name in names}
    return {(by_index[row.value], row.user_id) for row in found if row.value in by_index}


async def claimed_all(world: World) -> list[Any]:
    """Everything that is claimed."""
    return list(await world.rows("SELECT 1 FROM mailboxes"))
