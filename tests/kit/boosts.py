"""Boosts as members make them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from models.base.db import run, sql, transaction
from runtime.clock import utcnow
from tests.kit.day import beat, fetch_question, start_watch, videos, watch
from tests.kit.words import at
from tests.kit.world import Person, World

TOMORROW = "2026-03-02T00:00:00Z"


async def miner(world: World) -> Person:
    """Somebody whose session mines from 00:06 to 04:06."""
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    await person.mine()
    return person


async def asked(world: World, person: Person) -> dict[str, Any]:
    """A boost whose question was fetched at this instant."""
    begun = await start_watch(person, (await videos(world))[0])
    await watch(person, begun)
    await fetch_question(person, begun)
    return begun


async def refused(person: Person, video_id: str, **body: Any) -> tuple[str, str | None]:
    """Why a start is refused, and when to come back."""
    outcome = await person.ask("/v1/boosts", {"video_id": video_id} | body)
    assert outcome["status"] == "REJECTED", outcome
    return outcome["problem"]["reason"], outcome["problem"].get("retry_at")


async def change(world: World, statement: str, **params: Any) -> None:
    """What an operator changes."""
    async with transaction(world.database) as connection:
        assert await run(connection, sql(statement), params) > 0


async def paid(world: World) -> list[tuple[str, int, str]]:
    """Boosts in the ledger."""
    found = await world.rows(
        "SELECT reference, amount, funding FROM transactions WHERE type = 'BOOST' ORDER BY id"
    )
    return [(row.reference, row.amount, row.funding) for row in found]


async def shown_to_the_end(person: Person, begun: dict[str, Any]) -> None:
    """Watch the whole video, while the workers rest."""
    for seconds in range(5, 65, 5):
        person.world.move_to(utcnow() + timedelta(seconds=5))
        shown = await beat(person, begun, seconds)
    assert shown["is_complete"] is True


async def status_of(world: World, begun: dict[str, Any]) -> tuple[str, str | None]:
    """What has become of a boost."""
    [row] = await world.rows(
        "SELECT status, failure FROM boosts WHERE id = :id", id=UUID(begun["boost_id"])
    )
    return row.status, row.failure
