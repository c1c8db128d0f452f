"""Databases that are made for a while, by tests and benchmarks."""

import asyncpg

from models.base.db import Connection, run, sql


async def drop_database(connection: Connection, name: str) -> None:
    """Drop a database with whoever is connected, if there is one.

    A forced drop may not end the server's own autovacuum, which only gives way to a plain one.
    """
    try:
        await run(connection, sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
    except asyncpg.InsufficientPrivilegeError:
        await run(connection, sql(f"DROP DATABASE IF EXISTS {name}"))
