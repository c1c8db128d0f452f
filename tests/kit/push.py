"""Phones that are told."""

from collections.abc import AsyncIterator

import msgspec.structs
import pytest

from models.base.db import sql
from models.inbox.notes import telling_sql
from models.intents.errands import pieces_with_errands
from runtime.clock import utcnow
from tests.kit.fcm_google import Google, google
from tests.kit.words import at
from tests.kit.world import Person, World
from workers.apply import drain

TOKEN = "a-registration-token-of-fcm"
OTHER = "another-registration-token"


@pytest.fixture
async def fcm(world: World) -> AsyncIterator[Google]:
    """The worker sends to a Google of this test's own."""
    with google() as (there, client):
        world.shop = msgspec.structs.replace(world.shop, sender=client)
        yield there
        await client.close()


async def with_phone(world: World, token: str = TOKEN, language: str = "en") -> Person:
    person = await world.person(group_number=1)
    await register(person, token, language)
    return person


async def register(person: Person, token: str = TOKEN, language: str = "en") -> str:
    body = {"token": token, "platform": "ANDROID", "language": language}
    answer = await person.post("/v1/devices", body)
    assert answer.status_code == 200, answer.text
    id_: str = answer.json()["id"]
    return id_


async def push(world: World) -> None:
    """Do what the relay and the workers of the queue `errands` do."""
    for piece in await pieces_with_errands(world.database, utcnow()):
        await drain(world.shop, piece)


async def mine_a_cycle(world: World, person: Person) -> None:
    world.move_to(at("00:05"))
    await person.mine()
    await world.go_to(at("04:10"))


async def due(world: World) -> int:
    found: int = await world.value("SELECT count(*) FROM errands")
    return found


async def tell_again(world: World, person: Person) -> None:
    """As if their phones had not been told yet."""
    await world.rows(sql(telling_sql("notifications")), bucket=person.id % 64)
