"""The migrations make the tables that the code describes, and keep what older ones hold."""

from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from engine.core.timeline import PRODUCTION
from models.accounts.sealing import seal_all
from models.base.db import connected, open_database, rows, sql
from models.base.partitions import prepare_partitions
from models.ledger.fold import fold_all
from models.operations.invariants import audit
from models.operations.mailboxes import index_mailboxes
from models.schema.migrate import alembic_config
from models.schema.readiness import revisions
from models.schema.seed import seed
from models.tables import metadata
from runtime.environment import Config
from tests.kit import history
from tests.kit.databases import empty_database
from tests.kit.words import START


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


async def test_the_ledger_of_before_says_whose_money_coins_are(worker_id: str) -> None:
    """Corrections and spendings named nobody: in their order, they took the most restricted."""
    async with empty_database(f"twtc_history_{worker_id}") as url:
        engine = create_async_engine(url.replace("postgresql:", "postgresql+asyncpg:", 1))
        database = open_database(url, pool_size=1, application_name="test")
        await _upgrade_alone(engine, "0028")
        async with connected(database) as plain:
            for user_id, settled in ((5, 90), (69, 25), (70, 0)):
                await history.insert_owner(plain, user_id, settled)
            await history.insert_ledger(
                plain,
                5,
                ("TASK", 60, "admob"),
                ("TASK", 50, "house"),
                ("ADJUSTMENT", -100, "adjustment"),  # all of admob's, and 40 of the house's
                ("TASK", 100, "admob"),
                ("WITHDRAWAL", -20, "wallet"),
            )
            # By another clock, what was taken lies before what had been given.
            await history.insert_ledger(
                plain, 69, ("ADJUSTMENT", -5, "adjustment"), ("ADJUSTMENT", 30, "adjustment")
            )
        await _upgrade_alone(engine, "0029")
        async with connected(database) as plain:  # a worker of the release before goes on
            await history.insert_ledger(plain, 70, ("TASK", 7, "unity"))
        await _upgrade_alone(engine, "head")
        await engine.dispose()
        async with connected(database) as plain:
            funds = "SELECT user_id, funding, balance, earned FROM wallet_funds ORDER BY 1, 2"
            found = [tuple(row) for row in await rows(plain, sql(funds))]
            parts = "SELECT user_id, funding, amount FROM entry_parts ORDER BY 1, 2, 3"
            kept = [tuple(row) for row in await rows(plain, sql(parts))]
        assert found == [(5, "admob", 80, 100), (5, "house", 10, 10), (69, "promotion", 25, 25)]
        assert kept == [
            (5, "admob", 20),
            (5, "admob", 60),
            (5, "house", 40),
            (69, "promotion", 5),
            (69, "promotion", 30),
        ]
        await seed(database, PRODUCTION, START)
        assert await fold_all(database) == 1
        async with connected(database) as plain:
            found = [tuple(row) for row in await rows(plain, sql(funds))]
        await database.dispose()
    assert found[-1] == (70, "unity", 7, 7)


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
