"""PostgreSQL goes away under the connections of a pool: every way of it is one that passes."""

import asyncpg
import pytest

from models.db import (
    DATABASE_ERRORS,
    Database,
    connected,
    is_retryable,
    open_database,
    rows,
    run,
    sql,
)

END_OTHERS = sql("""
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'idle'
""")


@pytest.mark.parametrize(
    "error",
    [
        OSError("reset"),
        asyncpg.InterfaceError("the connection is closed"),
        # Met in a chaos run: the session had been terminated while it lay idle in the pool.
        asyncpg.InternalClientError("cannot switch to state 12; another operation is in progress"),
        asyncpg.AdminShutdownError("terminating connection due to administrator command"),
    ],
)
def test_a_lost_connection_is_an_outage_and_no_bug(error: Exception) -> None:
    assert isinstance(error, DATABASE_ERRORS)
    assert is_retryable(error)


async def test_a_session_that_is_ended_while_it_is_idle_costs_one_try(database: Database) -> None:
    idle = open_database(database.url, pool_size=1, application_name="idle")
    for _ in range(20):
        async with connected(idle) as connection:
            await run(connection, sql("SELECT 1"))
        async with connected(database) as connection:
            await rows(connection, END_OTHERS)
        try:
            async with connected(idle) as connection:
                await run(connection, sql("SELECT 1"))
        except DATABASE_ERRORS as error:
            assert is_retryable(error)
            async with connected(idle) as connection:
                assert (await rows(connection, sql("SELECT 1 AS one")))[0].one == 1
    await idle.dispose()
