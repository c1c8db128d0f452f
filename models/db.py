"""Connections and transactions. Nothing outside models/ begins or commits one."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Row, TextClause
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

# SCALE, rule 13: serialization failure, deadlock, connection lost, server stopping, lock timeout.
RETRYABLE_SQLSTATES = frozenset({"40001", "40P01", "08006", "08001", "57P01", "57P03", "55P03"})
LOCK_TIMEOUT_MS = 5_000
STATEMENT_TIMEOUT_MS = 60_000

Params = Mapping[str, Any]


def open_database(url: str, *, pool_size: int, application_name: str) -> AsyncEngine:
    """An engine of at most `pool_size` connections. Opens no socket until it is used."""
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        json_deserializer=str,  # JSON stays text: msgspec decodes it, into the type that is meant
        connect_args={
            "server_settings": {
                "application_name": application_name,
                "timezone": "UTC",
                "jit": "off",
                "lock_timeout": str(LOCK_TIMEOUT_MS),
                "statement_timeout": str(STATEMENT_TIMEOUT_MS),
                "citus.propagate_set_commands": "local",
            },
            "timeout": 10,
        },
    )


@asynccontextmanager
async def transaction(database: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction on one connection: committed at the end, rolled back on any error."""
    async with database.begin() as connection:
        yield connection


@asynccontextmanager
async def reading(database: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection for reads, each statement on its own."""
    async with database.connect() as connection:
        yield await connection.execution_options(isolation_level="AUTOCOMMIT")


async def rows(
    connection: AsyncConnection, statement: TextClause, params: Params | None = None
) -> Sequence[Row[Any]]:
    """All rows of a statement."""
    return (await connection.execute(statement, params)).all()


def sqlstate(error: BaseException) -> str | None:
    """The SQLSTATE of a database error, if it has one."""
    if isinstance(error, DBAPIError):
        return getattr(error.orig, "sqlstate", None)
    return None


def is_retryable(error: BaseException) -> bool:
    """Whether the same transaction may succeed if it is run again."""
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or isinstance(error, OSError) or sqlstate(error) in RETRYABLE_SQLSTATES
