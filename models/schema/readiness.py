"""Whether this database takes what this release writes."""

from contextlib import suppress
from enum import StrEnum
from functools import cache
from pathlib import Path

from models.base.db import DATABASE_ERRORS, Database, connected, rows, sql
from models.base.nodes import nodes_away
from models.mining.groups import group_sizes

WRITABLE = sql("""
    SELECT current_setting('transaction_read_only') = 'off' AND NOT pg_is_in_recovery()
           AND has_table_privilege('intents', 'INSERT') AS is_writable
""")
HAS_MIGRATIONS = sql("SELECT to_regclass('alembic_version') IS NOT NULL AS has_any")
REVISIONS = sql("SELECT version_num FROM alembic_version")


class Migrations(StrEnum):
    """Where the database stands. Ahead is well: a release works on the next one's schema."""

    CURRENT = "current"
    BEHIND = "behind"
    AHEAD = "ahead"


@cache
def revisions() -> tuple[str, ...]:
    """Those that this release knows, the newest last: they stand in the names of their files."""
    folder = Path(__file__).parents[1] / "migrations" / "versions"
    return tuple(sorted(path.stem.partition("_")[0] for path in folder.glob("[0-9]*.py")))


async def read_migrations(database: Database) -> Migrations:
    """Compare the database with this release. Raise a database error."""
    async with connected(database) as connection:
        if not (await rows(connection, HAS_MIGRATIONS))[0].has_any:
            return Migrations.BEHIND
        found = {row.version_num for row in await rows(connection, REVISIONS)}
    if found == {revisions()[-1]}:
        return Migrations.CURRENT
    return Migrations.BEHIND if found <= set(revisions()) else Migrations.AHEAD


async def can_record(database: Database) -> bool:
    """Whether an intent could be recorded: the server writes, and we may. Raise its errors."""
    async with connected(database) as connection:
        return bool((await rows(connection, WRITABLE))[0].is_writable)


async def count_nodes_away(database: Database) -> int:
    """How many nodes of a cluster do not answer; of one server none."""
    if database.is_cluster:
        with suppress(*DATABASE_ERRORS):  # it raises if none answers
            await group_sizes(database)
    return len(nodes_away(database))
