"""Whole columns as arrays: one INSERT for any number of rows of one bucket."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from models.db import Connection, Statement, run, sql


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
        f"SELECT :bucket, {values} FROM unnest({arrays}) AS d ({', '.join(types)}) {conflict}"
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
