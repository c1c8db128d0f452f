"""Spreading the tables over a Citus cluster: which table lies where, and adopting one later.

Migrations spread each table right after they create it. A database that grew up on one server is
spread by `adopt`, once (decision 0040).
"""

from msgspec import Struct
from sqlalchemy import Connection, TextClause, text
from sqlalchemy.ext.asyncio import create_async_engine

from engine.timeline import NEWCOMERS_IN_ROUND
from models.migrate import CITUS_SETTINGS, HAS_CITUS, driver_url
from models.shards import GROUND, lay_ground
from models.tables import metadata

# Tables that must be unique over all users are spread by a value of their own.
KEYED = {
    "identities": "value",
    "mailboxes": "value",
    "bans": "value",
    "device_owners": "id",
    "ad_requests": "ad_id",
    "ad_events": "event_id",
    "fingerprints": "fingerprint",
    "guesses": "key",
    "registrations": "id",
    "address_codes": "value",
}


NEXT_ROUND = """
    SELECT setval('user_ids', (last_value / :round + 1) * :round) FROM user_ids WHERE is_called
"""


class Place(Struct, frozen=True):
    """Where a table lies: spread by `column`, beside another table; or copied to every node."""

    table: str
    column: str | None = None
    beside: str = "none"


class NoClusterError(RuntimeError):
    """The database has no Citus extension."""


def places() -> list[Place]:
    """Every table, in an order in which each refers only to those before it."""
    tables = [table.name for table in metadata.sorted_tables]
    spread = [name for name in tables if "bucket" in metadata.tables[name].columns]
    copied = [name for name in tables if name not in spread and name not in KEYED]
    spread.sort(key=lambda name: name != "users")  # the others lie beside them
    return [
        *(Place(name) for name in copied),
        *(Place(name, "bucket", GROUND) for name in spread),
        *(Place(name, column) for name, column in KEYED.items()),
    ]


def laid(place: Place) -> TextClause:
    """The statement that puts a table in its place."""
    if place.column is None:
        return text("SELECT create_reference_table(:t)").bindparams(t=place.table)
    return text(
        "SELECT create_distributed_table(:t, :column, colocate_with => :beside)"
    ).bindparams(t=place.table, column=place.column, beside=place.beside)


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
    foreign = connection.execute(
        text("""
            SELECT CAST(c.conrelid AS regclass) AS table_name, quote_ident(c.conname) AS name,
                   pg_get_constraintdef(c.oid) AS definition
            FROM pg_constraint c
            WHERE c.contype = 'f' AND c.conparentid = 0
              AND c.connamespace = CAST('public' AS regnamespace)
            ORDER BY c.conname
        """)
    ).all()
    for key in foreign:
        connection.execute(text(f"ALTER TABLE {key.table_name} DROP CONSTRAINT {key.name}"))
    for place in waiting:
        connection.execute(laid(place))
    # Newcomers' ids come in another order from now on: in a round of its own (engine.timeline).
    connection.execute(text(NEXT_ROUND), {"round": NEWCOMERS_IN_ROUND})
    for key in foreign:
        connection.execute(
            text(f"ALTER TABLE {key.table_name} ADD CONSTRAINT {key.name} {key.definition}")
        )
    return [place.table for place in waiting]
