"""What every transaction is bounded by."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from models.base import connections
from models.base.db import Database, connected, open_database, rows, run, snapshot, sql, transaction
from runtime.environment import Config


@pytest.mark.parametrize(("is_cluster", "source"), [(False, "client"), (True, "session")])
async def test_a_transaction_waits_for_locks_for_a_while_only(
    config: Config, database: Database, is_cluster: bool, source: str
) -> None:
    """A cluster passes on only what is local to a transaction, with its own setting at `local`."""
    limits = sql("SELECT setting, source FROM pg_settings WHERE name = 'lock_timeout'")
    shown = sql("SELECT current_setting('citus.propagate_set_commands') AS passes_on")
    if is_cluster:  # known by its own tables
        async with connected(database) as connection:
            await run(connection, sql("CREATE TABLE pg_dist_node ()"))
    pool = open_database(config.database_url, pool_size=1, application_name="test")
    for opened in (transaction, snapshot):
        async with opened(pool) as connection:
            [limit] = await rows(connection, limits)
            assert (limit.setting, limit.source) == ("5000", source)
            assert (await rows(connection, shown))[0].passes_on == "local"
    await pool.dispose()


async def test_types_are_looked_up_once_a_process(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    look_up = asyncpg.Connection._introspect_types

    async def counted(self: Any, typeoids: Any, timeout: float | None) -> Any:  # noqa: ASYNC109
        asked.append(len(typeoids))
        return await look_up(self, typeoids, timeout)

    monkeypatch.setattr(asyncpg.Connection, "_introspect_types", counted)
    monkeypatch.setattr(connections, "_known", {})
    query = sql("SELECT CAST(:ids AS uuid[]) AS ids, CAST(:texts AS text[]) AS texts")
    for _ in range(3):
        async with connected(database) as connection:
            [row] = await rows(connection, query, {"ids": [UUID(int=1)], "texts": ["x"]})
            assert row.ids == [UUID(int=1)] and row.texts == ["x"]
        await database.dispose()
    assert len(asked) == 1


async def test_a_cluster_does_not_check_every_hidden_shard(database: Database) -> None:
    async with connected(database) as connection:
        seen = "SELECT current_setting('citus.override_table_visibility') AS seen"
        assert (await rows(connection, sql(seen)))[0].seen == "off"
