"""The status poll, and what a process holds of it."""

import asyncio
from typing import Any

from models.base.db import run, sql, transaction
from models.intents.members import raise_versions
from runtime.clock import utcnow
from tests.kit.world import Person, World

POLL = "/v1/mining/status"
PATIENCE_SECONDS = 20


async def held_status(person: Person) -> dict[str, Any]:
    """The poll, asked until it comes from what the process holds: PostgreSQL, Redis, process."""
    held = person.world.services.held
    async with asyncio.timeout(PATIENCE_SECONDS):  # a feed that was silent for long begins anew
        while held.find(person.id, utcnow()) is None:
            await person.status()
    return await person.status()


async def disable(world: World, person: Person, *, told: bool = True) -> None:
    """Switch an account off, as whoever changes a member must: versions, mark, copy."""
    bucket = person.id % 64
    async with transaction(world.database) as connection:
        statement = sql("UPDATE users SET is_active = false WHERE bucket = :b AND id = :u")
        await run(connection, statement, {"b": bucket, "u": person.id})
        versions = await raise_versions(connection, bucket, [person.id])
        if told:
            await world.shop.copies.mark_changing(versions)
    if told:
        await world.shop.copies.refresh(world.database, bucket, [person.id])
