"""Spreading the tables over a Citus cluster: which table lies where (decision 0040).

Migrations spread each table right after they create it. A database that grew up on one server is
spread by `models.schema.adoption`, once.
"""

from msgspec import Struct
from sqlalchemy import TextClause, text

from models.base.shards import GROUND
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


class Place(Struct, frozen=True):
    """Where a table lies: spread by `column`, beside another table; or copied to every node."""

    table: str
    column: str | None = None
    beside: str = "default"  # those of a column of the same type


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
