"""Whole columns as arrays: one INSERT for any number of rows of one bucket.

A cluster copies the rows of arrays alone through its coordinator, and loses the state of their
errors on the way. Beside a row of the bucket they are sent whole to its shard (decision 0050).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from models.base.db import Connection, Statement, run, sql

_POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]

# Before and after the arrays: a row that every bucket has.
ROUTED = "credit_watermarks m CROSS JOIN"
AT_BUCKET = "m.bucket = :bucket AND m.group_number = 1"


def types_of(table: Table, names: Iterable[str]) -> dict[str, str]:
    """Columns of a table, with the names of their types: said once, where the table is."""
    return {name: str(table.c[name].type.compile(_POSTGRESQL)).lower() for name in names}


def insert(
    table: str,
    types: Mapping[str, str],
    updated: Collection[str] = (),
    key: Collection[str] = ("id",),
) -> Statement:
    """INSERT of columns given as arrays; rows that are there already get the `updated` columns."""
    # An array of jsonb would go through a text codec each way: cast the elements instead.
    arrays = ", ".join(
        f"CAST(:{name} AS {'text' if kind == 'jsonb' else kind}[])" for name, kind in types.items()
    )
    values = ", ".join(
        f"CAST(d.{name} AS jsonb)" if kind == "jsonb" else f"d.{name}"
        for name, kind in types.items()
    )
    conflict = ""
    if updated:
        sets = ", ".join(f"{name} = excluded.{name}" for name in updated)
        conflict = f"ON CONFLICT (bucket, {', '.join(key)}) DO UPDATE SET {sets}"
    return sql(
        f"INSERT INTO {table} (bucket, {', '.join(types)}) "
        f"SELECT m.bucket, {values} FROM {ROUTED} unnest({arrays}) AS d ({', '.join(types)}) "
        f"WHERE {AT_BUCKET} {conflict}"
    )


async def store(
    connection: Connection,
    statement: Statement,
    bucket: int,
    items: Sequence[Mapping[str, Any]],
    types: Mapping[str, str],
) -> None:
    """Run such a statement with rows as mappings. No rows: no statement."""
    if not items:
        return
    columns = {name: [item[name] for item in items] for name in types}
    await run(connection, statement, {"bucket": bucket} | columns)
