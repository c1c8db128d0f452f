"""Spreading a database that grew up on one server over a Citus cluster, once (decision 0040)."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from engine.core.timeline import NEWCOMERS_IN_ROUND
from models.base.columns import partitioned_tables
from models.base.partitions import own_key
from models.base.shards import GROUND, lay_ground
from models.schema.citus import Place, laid, places
from models.schema.migrate import CITUS_SETTINGS, HAS_CITUS, driver_url

NEXT_ROUND = """
    SELECT setval('user_ids', (last_value / :round + 1) * :round) FROM user_ids WHERE is_called
"""
FOREIGN_KEYS = """
    SELECT CAST(c.conrelid AS regclass) AS table_name, quote_ident(c.conname) AS name,
           pg_get_constraintdef(c.oid) AS definition
    FROM pg_constraint c
    WHERE c.contype = 'f' AND c.conparentid = 0
      AND c.connamespace = CAST('public' AS regnamespace)
    ORDER BY c.conname
"""
# Those of a day or a month: attached to their table, or whole in the archive.
PARTITIONS = """
    SELECT CAST(c.oid AS regclass) AS name, CAST(i.inhparent AS regclass) AS table_name,
           pg_get_expr(c.relpartbound, c.oid) AS bounds
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
    WHERE c.relkind = 'r' AND n.nspname IN ('public', 'archive') AND c.relname ~ :pattern
    ORDER BY 1
"""


class NoClusterError(RuntimeError):
    """The database has no Citus extension."""


async def adopt(url: str) -> list[str]:
    """Spread the tables of a populated database, all or none. Return those that were not yet.

    Nothing else may use the database meanwhile. Raise NoClusterError without the extension.
    """
    database = create_async_engine(driver_url(url))
    try:
        async with database.connect() as connection:
            for setting in CITUS_SETTINGS:
                await connection.execute(text(setting))
            if not await connection.scalar(text(HAS_CITUS)):
                raise NoClusterError("this database has no extension citus")
            await connection.commit()
            await connection.run_sync(lay_ground)
            spread = await connection.run_sync(_adopt)
            await connection.commit()
            return spread
    finally:
        await database.dispose()


def _adopt(connection: Connection) -> list[str]:
    spread = set(
        connection.scalars(text("SELECT CAST(logicalrelid AS text) FROM pg_dist_partition"))
    )
    waiting = [place for place in places() if place.table not in spread]
    if not waiting:
        return []
    # No foreign key leads from one node to many while the tables move.
    foreign = connection.execute(text(FOREIGN_KEYS)).all()
    for key in foreign:
        connection.execute(text(f"ALTER TABLE {key.table_name} DROP CONSTRAINT {key.name}"))
    pattern = "|".join(kind.pattern for kind in partitioned_tables())
    partitions = connection.execute(text(PARTITIONS), {"pattern": pattern}).all()
    for part in partitions:
        if part.table_name is not None:
            connection.execute(text(f"ALTER TABLE {part.table_name} DETACH PARTITION {part.name}"))
    for place in waiting:
        connection.execute(laid(place))
    # Newcomers' ids come in another order from now on, in a round of its own.
    connection.execute(text(NEXT_ROUND), {"round": NEWCOMERS_IN_ROUND})
    for key in foreign:
        connection.execute(
            text(f"ALTER TABLE {key.table_name} ADD CONSTRAINT {key.name} {key.definition}")
        )
    for part in partitions:
        _lay_partition(connection, part, foreign)
    return [place.table for place in waiting]


def _lay_partition(connection: Connection, part: Any, foreign: Sequence[Any]) -> None:
    """With keys of its own before it is attached again, as each that is made on a cluster."""
    connection.execute(laid(Place(part.name, "bucket", GROUND)))
    if part.table_name is None:
        return
    for key in foreign:
        if key.table_name == part.table_name:
            own = own_key(part.name, key.table_name, key.name)
            add = f"ALTER TABLE {part.name} ADD CONSTRAINT {own} {key.definition}"
            connection.execute(text(add))
    attach = f"ALTER TABLE {part.table_name} ATTACH PARTITION {part.name} {part.bounds}"
    connection.execute(text(attach))
