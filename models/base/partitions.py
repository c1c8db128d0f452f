"""Partitions by day and by month: made ahead, archived whole, dropped in time (decision 0024).

Whatever has no partition yet rests in its table's default partition: nothing is ever refused.
"""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import TypeVar

from models.base.columns import Partitioned, partitioned_tables
from models.base.db import Connection, Database, connected, rows, run, sql
from models.base.patience import patiently
from models.base.shards import GROUND

# Shorter than the server's deadlock check (1 s): whoever works goes first, upkeep comes again.
LOCK_WAIT = sql("SET LOCAL lock_timeout = '200ms'")
# Personal data is kept for two years at most (blueprint, "Privacy").
KEPT_YEARS_MAX = 2

_Result = TypeVar("_Result")

TABLES = sql("""
    SELECT c.relname AS name, c.relispartition AS is_attached FROM pg_class c
    WHERE c.relnamespace = CAST(:schema AS regnamespace) AND c.relkind = 'r'
      AND c.relname ~ :pattern
    ORDER BY c.relname
""")

KEPT = sql("""
    SELECT n.nspname AS schema, c.relname AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relname ~ :pattern AND n.nspname IN ('public', 'archive')
    ORDER BY c.relname
""")

FOREIGN_KEYS = sql("""
    SELECT conname AS name, CAST(CAST(confrelid AS regclass) AS text) AS referenced,
           pg_get_constraintdef(oid) AS definition
    FROM pg_constraint
    WHERE conrelid = CAST(:table AS regclass) AND contype = 'f' ORDER BY conname
""")


async def prepare_partitions(database: Database, today: date) -> list[str]:
    """Create the partitions of the present and of what comes, and of what rests. Return them."""
    made = []
    for kind in partitioned_tables():
        wanted = {kind.start(today, ahead) for ahead in range(kind.ahead + 1)}
        present = await _names(database, "public", kind)
        archived = await _names(database, "archive", kind)
        resting = await _resting(database, kind)
        for start in sorted(wanted | resting):
            name = kind.name(start)
            if name in archived:
                if start in resting:
                    await _patiently(database, _move_rested, kind, start, f"archive.{name}")
            elif name not in present and await _patiently(
                database, _make, kind, start, database.is_cluster
            ):
                made.append(name)
    return made


async def archive_partitions(database: Database, today: date) -> list[str]:
    """Move partitions whose time is over into the schema `archive`. Return their names.

    Their number of rows does not matter. What an earlier run left half done is finished.
    """
    archived = []
    for kind in partitioned_tables():
        for name, is_attached in (await _names(database, "public", kind)).items():
            if kind.start_of(name) < kind.start(today, -kind.kept):
                await _patiently(database, _archive, kind, name, is_attached)
                archived.append(name)
    return archived


async def drop_archived(database: Database, today: date) -> list[str]:
    """Drop what begins two years ago or earlier from the archive. Return the names."""
    dropped = []
    for kind in partitioned_tables():
        for name in await _names(database, "archive", kind):
            if is_too_old(kind.start_of(name), today):
                await _patiently(database, _drop, name)
                dropped.append(name)
    return dropped


async def archived_names(database: Database, kind: Partitioned) -> list[str]:
    """The partitions of a table that were moved into the archive."""
    return list(await _names(database, "archive", kind))


async def relations(connection: Connection, table: str) -> list[tuple[str, date | None]]:
    """Where a table's rows are, archived ones too: relations, each with its one day if it has one.

    In partitions of a day the day stands before the user in the key, so a search has to name it.
    """
    kind = next((kind for kind in partitioned_tables() if kind.table == table), None)
    if kind is None:
        return [(table, None)]
    found = await rows(connection, KEPT, {"pattern": kind.pattern})
    found_in: list[tuple[str, date | None]] = [
        (f"{row.schema}.{row.name}", kind.start_of(row.name) if kind.is_daily else None)
        for row in found
        if kind.is_daily or row.schema == "archive"
    ]
    return [*found_in, (f"{table}_default" if kind.is_daily else table, None)]


async def _resting(database: Database, kind: Partitioned) -> set[date]:
    """The periods that have rows in the default partition."""
    unit = "day" if kind.is_daily else "month"
    found = sql(f"""
        SELECT DISTINCT CAST(date_trunc('{unit}', {kind.column}) AS date) AS start
        FROM {kind.table}_default
    """)
    async with connected(database) as connection:
        return {row.start for row in await rows(connection, found)}


async def _names(database: Database, schema: str, kind: Partitioned) -> dict[str, bool]:
    """The partitions in a schema, each with whether it is attached to its table."""
    params = {"schema": schema, "pattern": kind.pattern}
    async with connected(database) as connection:
        return {row.name: row.is_attached for row in await rows(connection, TABLES, params)}


async def _patiently(
    database: Database, step: Callable[..., Awaitable[_Result]], *args: object
) -> _Result:
    """Run a step in a transaction that waits only briefly for its locks, several times if need be.

    Whoever queues for a table's exclusive lock holds up everybody who comes after.
    """
    return await patiently(database, step, *args, opening=LOCK_WAIT)


async def _make(connection: Connection, kind: Partitioned, start: date, is_cluster: bool) -> bool:
    """Create and attach a partition, taking along what rested in the default partition.

    It has its keys before it is attached, named after itself: those that a cluster copies from
    the table bear the name of another shard, and cannot be dropped when it is archived.
    Return False if somebody else has made it meanwhile.
    """
    table, name = kind.table, kind.name(start)
    # The default partition alone: rows of periods that exist are written all the while.
    await run(connection, sql(f"LOCK TABLE {table}_default IN ACCESS EXCLUSIVE MODE"))
    if await rows(connection, TABLES, {"schema": "public", "pattern": f"^{name}$"}):
        return False
    await run(connection, sql(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)"))
    if is_cluster and await _is_spread(connection, table):
        lay = f"SELECT create_distributed_table('{name}', 'bucket', colocate_with => '{GROUND}')"
        await run(connection, sql(lay))
    for key in await rows(connection, FOREIGN_KEYS, {"table": table}):
        own = own_key(name, table, key.name)
        await run(connection, sql(f"ALTER TABLE {name} ADD CONSTRAINT {own} {key.definition}"))
    await _move_rested(connection, kind, start, name)
    first, last = kind.bounds(start)
    attach = f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({last})"
    await run(connection, sql(attach))
    return True


async def _is_spread(connection: Connection, table: str) -> bool:
    """Whether `table` has been spread: one that grew up on one server waits for that."""
    # No statement of one server: only a cluster has this table.
    found = sql("SELECT FROM pg_dist_partition WHERE logicalrelid = CAST(:table AS regclass)")
    return bool(await rows(connection, found, {"table": table}))


async def _move_rested(connection: Connection, kind: Partitioned, start: date, target: str) -> None:
    """Move a period's rows from the default partition to another table."""
    first, last = kind.bounds(start)
    move = f"""
        WITH rested AS (
            DELETE FROM {kind.table}_default
            WHERE {kind.column} >= {first} AND {kind.column} < {last} RETURNING *)
        INSERT INTO {target} SELECT * FROM rested
    """
    await run(connection, sql(move))


async def _archive(connection: Connection, kind: Partitioned, name: str, is_attached: bool) -> None:
    """Detach a partition and move it, whole. Its rows are not touched, so the cost is constant."""
    if is_attached:
        # In the order in which batches lock: a user first, then what the user has.
        for key in await rows(connection, FOREIGN_KEYS, {"table": kind.table}):
            await run(connection, sql(f"LOCK TABLE {key.referenced} IN ACCESS EXCLUSIVE MODE"))
        await run(connection, sql(f"ALTER TABLE {kind.table} DETACH PARTITION {name}"))
    # Detached, each would watch the users with triggers of its own, and slow every change of one.
    for key in await rows(connection, FOREIGN_KEYS, {"table": name}):
        await run(connection, sql(f"ALTER TABLE {name} DROP CONSTRAINT {key.name}"))
    await run(connection, sql(f"ALTER TABLE {name} SET SCHEMA archive"))


async def _drop(connection: Connection, name: str) -> None:
    await run(connection, sql(f"DROP TABLE archive.{name}"))


def own_key(name: str, table: str, key: str) -> str:
    """What the foreign key `key` of `table` is called on its partition `name`."""
    return f"{name}{key.removeprefix(table)}"


def is_too_old(start: date, today: date) -> bool:
    """Whether what begins then has to go: two years ago, also if there is no such 29th."""
    ends = (start.year + KEPT_YEARS_MAX, start.month, start.day)
    return ends <= (today.year, today.month, today.day)
