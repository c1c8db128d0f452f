"""What a member is refused, and what has been noticed."""

from tests.kit.world import Person, World


async def refusal(person: Person) -> str | None:
    status = await person.status()
    found = status["refusal"]
    return found["reason"] if found else None


async def logged(world: World) -> list[tuple[str, str]]:
    found = await world.rows("SELECT event_type, severity FROM fraud_logs ORDER BY created_at, id")
    return [(row.event_type, row.severity) for row in found]
