"""The migrations make the tables that the code describes."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from models.tables import metadata


def _is_described(_object: Any, name: str | None, kind: str, *_: Any) -> bool:
    return kind != "table" or name in metadata.tables


def _differences(connection: Connection) -> list[Any]:
    options = {"include_object": _is_described, "compare_server_default": True}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


async def test_the_migrated_tables_are_those_of_the_metadata(database_url: str) -> None:
    engine = create_async_engine(database_url.replace("postgresql:", "postgresql+asyncpg:", 1))
    async with engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
    await engine.dispose()
