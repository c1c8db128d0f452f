"""Ad units as an operator switches them."""

from models.base.db import run, sql, transaction
from tests.kit.world import World


async def enable(world: World, changes: str = "is_active = true", where: str = "true") -> None:
    """Change ad units."""
    async with transaction(world.database) as connection:
        assert await run(connection, sql(f"UPDATE ads SET {changes} WHERE {where}")) > 0
