"""Everything that is kept about a person, as one JSON document (GDPR, articles 15 and 20).

Which tables that are is read from their description: a new table with a user's rows is exported
without anybody's doing. What is left out is named here, with its reason, and in the document.
"""

from collections.abc import AsyncIterator
from datetime import date, datetime

import msgspec
from sqlalchemy import Table

from engine.core.timeline import bucket_of
from models.base.columns import sealed_columns
from models.base.db import Connection, Database, Statement, snapshot, sql, stream
from models.base.encoding import encode
from models.base.partitions import relations
from models.intents.record import own_origins
from models.tables import metadata
from runtime.pii import Keyring, open_fields

FORMAT = "twtc-export/1"
NOTES = {
    "amounts": "in micro-TWTC: 1,000,000 are 1 TWTC",
    "logs": "older than six months are kept without addresses and devices, as archives",
}


def personal_tables() -> list[Table]:
    """The tables that hold users' rows, by name."""
    return sorted((table for table in metadata.tables.values() if owner_column(table)), key=str)


async def export_account(
    database: Database, keyring: Keyring, user_id: int, now: datetime
) -> AsyncIterator[bytes]:
    """The document in pieces, as it was at one instant: {"format", "tables": {name: [row]}, …}."""
    withheld = {str(t.name): w for t in personal_tables() if (w := t.info["withheld"])}
    head = {"format": FORMAT, "exported_at": now, "notes": NOTES, "withheld": withheld}
    yield encode(head)[:-1].encode() + b',"tables":{'
    async with snapshot(database) as connection:
        for number, table in enumerate(personal_tables()):
            yield (b"," if number else b"") + encode(str(table.name)).encode() + b":["
            separator = b""
            async for row in _rows_of(connection, keyring, table, user_id):
                yield separator + row
                separator = b","
            yield b"]"
    yield b"}}\n"


async def _rows_of(
    connection: Connection, keyring: Keyring, table: Table, user_id: int
) -> AsyncIterator[bytes]:
    sealed = sealed_columns(table)
    params = {"bucket": bucket_of(user_id), "user_id": user_id, "origins": own_origins(user_id)}
    for source, day in await relations(connection, table.name):
        statement = _statement(table, source, day)
        async for row in stream(connection, statement, params | {"day": day}):
            document: str = row.document
            if sealed:
                fields = msgspec.json.decode(document)
                document = encode(open_fields(keyring, user_id, fields, sealed))
            yield document.encode()


def _statement(table: Table, source: str, day: date | None) -> Statement:
    withheld = table.info["withheld"]
    columns = ", ".join(column.name for column in table.columns if column.name not in withheld)
    order = ", ".join(column.name for column in table.primary_key)
    condition = f"{owner_column(table)} = :user_id" + (" AND day = :day" if day else "")
    if table.name == "intents":  # what an index finds: the user's own, not the networks' proofs
        condition += " AND origin = ANY(CAST(:origins AS text[]))"
    return sql(
        f"SELECT CAST(row_to_json(r) AS text) AS document FROM ("
        f"SELECT {columns} FROM {source} WHERE bucket = :bucket AND {condition}"
        f" ORDER BY {order}) r"
    )


def owner_column(table: Table) -> str | None:
    """The column that names the user, or None if the table holds no users' rows."""
    if "bucket" not in table.columns:
        return None
    if table.name == "users":
        return "id"
    return "user_id" if "user_id" in table.columns else None
