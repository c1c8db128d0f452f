"""The suite on a cluster: one database for the whole run, emptied between tests.

CITUS_URL names a database with the extension, on a cluster made for tests. Nothing is cloned there:
what a new installation holds is kept as rows, and put back before each test.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from msgspec import Struct
from sqlalchemy import Table

import models.accounts.register
import models.base.shards
import models.schema.migrate
from engine.core.timeline import user_id_of
from models.base.columns import partitioned_tables
from models.base.db import open_database
from models.base.partitions import prepare_partitions
from models.base.shards import GROUND
from models.tables import metadata
from runtime.environment import postgresql_url
from tests.kit.words import START

URL = postgresql_url(os.environ["CITUS_URL"], "CITUS_URL") if os.environ.get("CITUS_URL") else ""

TRIGGER = "replaces a trigger of its database, which is all tests'"
# What cannot be asked there, and why.
EXCEPTIONS = {
    "test_a_transaction_waits_for_locks_for_a_while_only": "plays a cluster on one server",
    "test_every_statement_finds_its_rows_by_an_index": "reads the plans of one server",
    "test_no_parameter_takes_a_table_with_it_when_it_is_null": "reads the plans of one server",
    "test_one_server_is_no_cluster": "needs one server",
    "test_nobody_is_led_to_a_server_that_only_reads": "changes its database, which is all tests'",
    "test_a_dump_brings_the_books_back": "goes to a server that lacks the extension of its dump",
    "test_worlds_that_fail_are_right_in_the_end_and_the_same_each_time": TRIGGER,
    "test_planted_bugs_are_seen": TRIGGER,
    "test_no_code_works_for_an_address_that_is_taken_meanwhile": "moves rows by hand by their key",
}
SHARDS = 4
SETTINGS = {
    "citus.override_table_visibility": "off",
    "citus.propagate_set_commands": "local",
    "timezone": "UTC",
}
# On each node for itself. What has no pages is empty already, as most shards are.
EMPTY = """
    SELECT success, result FROM run_command_on_all_nodes($cmd$
        DO $node$
        DECLARE names text;
        BEGIN
            SET LOCAL citus.enable_manual_changes_to_shards = on;
            SET LOCAL citus.override_table_visibility = off;
            SET LOCAL session_replication_role = replica;
            SELECT string_agg(CAST(CAST(c.oid AS regclass) AS text), ', ') INTO names
            FROM pg_class c
            WHERE c.relkind = 'r' AND pg_relation_size(c.oid) > 0
              AND c.relnamespace IN (SELECT oid FROM pg_namespace
                                     WHERE nspname IN ('public', 'archive'))
              AND EXISTS (SELECT FROM pg_dist_shard s WHERE c.relname LIKE '%\\_' || s.shardid);
            IF names IS NOT NULL THEN
                EXECUTE 'TRUNCATE ' || names || ' CASCADE';
            END IF;
        END $node$
    $cmd$)
"""
PARTITIONS = """
    SELECT n.nspname || '.' || c.relname FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname IN ('public', 'archive') AND c.relname ~ $1
"""
FUNCTIONS = "SELECT CAST(oid AS regprocedure) FROM pg_proc WHERE proname LIKE '%append_only'"


class Contents(Struct, frozen=True):
    """What an installation holds: rows by table, and where its sequence stands."""

    rows: dict[str, list[tuple[Any, ...]]]
    sequence: tuple[int, bool]
    partitions: frozenset[str]


# What a new installation holds, by the fixture that made it.
HELD: dict[str, Contents] = {}


@asynccontextmanager
async def on_cluster() -> AsyncIterator[Any]:
    """A connection of its own to the cluster."""
    connection = await asyncpg.connect(URL, server_settings=SETTINGS)
    try:
        yield connection
    finally:
        await connection.close()


async def clear() -> None:
    """Drop everything of ours, and see that it is laid in few shards: what a cluster refuses does
    not depend on their number, and what everything costs does."""
    models.base.shards.SHARDS = SHARDS
    # Tests are about neighbours: newcomers share a bucket as they do on one server.
    models.accounts.register.user_id_of = _in_runs  # type: ignore[attr-defined]
    models.schema.migrate.CITUS_SETTINGS += (f"SET citus.shard_count = {SHARDS}",)
    async with on_cluster() as connection:
        await connection.execute("SET client_min_messages = warning")
        for table in [*reversed(metadata.sorted_tables), "alembic_version", GROUND]:
            await connection.execute(f"DROP TABLE IF EXISTS {table} CASCADE")
        for (name,) in await connection.fetch(PARTITIONS, _partitions()):
            await connection.execute(f"DROP TABLE {name} CASCADE")
        await connection.execute("DROP SEQUENCE IF EXISTS user_ids")
        await connection.execute("DROP SCHEMA IF EXISTS archive CASCADE")
        for (name,) in await connection.fetch(FUNCTIONS):
            await connection.execute(f"DROP FUNCTION {name}")


def _in_runs(number: int, *, on_cluster: bool = False) -> int:
    return user_id_of(number)


async def keep() -> Contents:
    """What the database holds now."""
    async with on_cluster() as connection:
        held = {}
        for table in metadata.sorted_tables:
            found = await connection.fetch(f"SELECT {', '.join(_columns(table))} FROM {table.name}")
            if found:
                held[table.name] = [tuple(row) for row in found]
        sequence = await connection.fetchrow("SELECT last_value, is_called FROM user_ids")
        return Contents(held, tuple(sequence), await _existing(connection))


async def put_back(contents: Contents) -> None:
    """Empty the database, and fill it with what was kept."""
    async with on_cluster() as connection:
        for success, result in await connection.fetch(EMPTY):
            assert success, result
        existing = await _existing(connection)
        for name in existing - contents.partitions:
            await connection.execute(f"DROP TABLE {name}")
        # In the order in which each table refers to those before it.
        for table, kept in contents.rows.items():
            columns = _columns(metadata.tables[table])
            await connection.copy_records_to_table(table, records=kept, columns=columns)
        await connection.fetch("SELECT setval('user_ids', $1, $2)", *contents.sequence)
    if contents.partitions - existing:
        database = open_database(URL, pool_size=1, application_name="tests")
        await prepare_partitions(database, START.date())
        await database.dispose()


async def _existing(connection: Any) -> frozenset[str]:
    return frozenset(name for (name,) in await connection.fetch(PARTITIONS, _partitions()))


def _partitions() -> str:
    return "|".join(kind.pattern for kind in partitioned_tables())


def _columns(table: Table) -> list[str]:
    return [column.name for column in table.columns if column.computed is None]
