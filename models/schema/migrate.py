"""Bring a database to the newest revision."""

from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from models.base.shards import lay_ground

# For Citus (decision 0009); on plain PostgreSQL these are placeholders without effect.
CITUS_SETTINGS: tuple[str, ...] = (
    "SET citus.multi_shard_modify_mode = 'sequential'",
    "SET citus.enable_unsafe_triggers = 'on'",
    "SET citus.propagate_set_commands = 'local'",
    # A table has its keys to tables of both kinds before it is spread itself.
    "SET citus.enable_local_reference_table_foreign_keys = 'off'",
    "SET citus.override_table_visibility = 'off'",
)
# What was restored from one server stays as it is until `twtc distribute` spreads all of it.
GREW_UP_ALONE = """
    SELECT to_regclass('users') IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_dist_partition WHERE logicalrelid = to_regclass('users'))
"""
HAS_CITUS = "SELECT 1 FROM pg_extension WHERE extname = 'citus'"
# Two releases at once: the second waits for the first, then finds nothing to do.
_RELEASE_LOCK = 0x54575443


def alembic_config(connection: Connection | None = None) -> AlembicConfig:
    """Alembic's configuration, without an ini file."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations"))
    config.attributes["connection"] = connection
    return config


def driver_url(url: str) -> str:
    """A PostgreSQL URL as SQLAlchemy wants it."""
    return url.replace("postgresql://", "postgresql+asyncpg://", 1)


async def migrate(url: str) -> None:
    """Run the outstanding migrations; safe to run again and from several places."""
    database = create_async_engine(driver_url(url))
    try:
        async with database.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _RELEASE_LOCK})
            for statement in CITUS_SETTINGS:
                await connection.execute(text(statement))
            is_cluster = await connection.scalar(text(HAS_CITUS))
            if is_cluster and not await connection.scalar(text(GREW_UP_ALONE)):
                await connection.commit()
                await connection.run_sync(lay_ground)
            await connection.commit()
            await connection.run_sync(lambda c: command.upgrade(alembic_config(c), "head"))
            await connection.commit()
    finally:
        await database.dispose()
