"""The migrations make the tables that the code describes, and keep what older ones hold."""

from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from engine.timeline import PRODUCTION
from models.db import connected, open_database, rows, sql
from models.invariants import audit
from models.mailboxes import index_mailboxes
from models.migrate import alembic_config
from models.partitions import prepare_partitions
from models.readiness import revisions
from models.sealing import seal_all
from models.settings import seed
from models.tables import metadata
from runtime.environment import Config
from tests import history
from tests.conftest import empty_database
from tests.words import START


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


def test_readiness_knows_the_revisions_that_alembic_knows() -> None:
    scripts = ScriptDirectory.from_config(alembic_config())
    known = [script.revision for script in scripts.walk_revisions()]
    assert list(revisions()) == known[::-1]


def _upgrade(connection: Connection, revision: str) -> None:
    command.upgrade(alembic_config(connection), revision)


async def _upgrade_alone(engine: AsyncEngine, revision: str) -> None:
    async with engine.connect() as connection:
        await connection.run_sync(_upgrade, revision)
        await connection.commit()


async def test_every_earlier_revision_with_data_becomes_the_newest(
    config: Config, worker_id: str
) -> None:
    """Members of each revision live through all that follow; then the books are right."""
    script = ScriptDirectory.from_config(alembic_config())
    revisions = [found.revision for found in script.walk_revisions()][::-1]
    async with empty_database(f"twtc_history_{worker_id}") as url:
        engine = create_async_engine(url.replace("postgresql:", "postgresql+asyncpg:", 1))
        database = open_database(url, pool_size=1, application_name="test")
        for number, revision in enumerate(revisions, start=1):
            await _upgrade_alone(engine, revision)
            async with connected(database) as plain:
                if number == 1:
                    await history.insert_shared(plain)
                if revision == "0003":
                    await history.insert_video(plain)
                await history.insert_member(plain, number)
        await engine.dispose()
        await seed(database, PRODUCTION, START)
        await prepare_partitions(database, START.date())
        assert await seal_all(database, config.keyring, START, again=False) > 0
        assert await index_mailboxes(database, config.keyring, START) == {}
        assert await audit(database) == []
        async with connected(database) as plain:
            people = "SELECT count(*) AS n, count(verified_at) AS verified FROM users"
            [counted] = await rows(plain, sql(people))
            signed_in = await rows(plain, sql("SELECT DISTINCT user_id FROM sign_ins"))
        await database.dispose()
    assert counted.n == counted.verified == len(revisions)
    assert len(signed_in) == revisions.index("0007")  # those of before; the others sign in anew


async def test_staff_of_before_stand_in_the_line_that_the_trail_tells(worker_id: str) -> None:
    """The command line made one, who made a second, who made a third; a fourth has no trail."""
    async with empty_database(f"twtc_history_{worker_id}") as url:
        engine = create_async_engine(url.replace("postgresql:", "postgresql+asyncpg:", 1))
        database = open_database(url, pool_size=1, application_name="test")
        grants = ((1, None), (2, 1), (3, 2), (4, None))
        await _upgrade_alone(engine, "0001")
        async with connected(database) as plain:
            await history.insert_shared(plain)
            for number, _ in grants:
                await history.insert_member(plain, number)
        await _upgrade_alone(engine, "0016")
        async with connected(database) as plain:
            for number, actor in grants:
                await history.insert_grant(plain, number, actor, is_logged=number != 4)
        await _upgrade_alone(engine, "head")
        await engine.dispose()
        async with connected(database) as plain:
            staff = "SELECT user_id, granted_by, line FROM staff ORDER BY user_id"
            found = [tuple(row) for row in await rows(plain, sql(staff))]
        await database.dispose()
    assert found == [(1, None, [1]), (2, 1, [1, 2]), (3, 2, [1, 2, 3]), (4, None, [4])]
