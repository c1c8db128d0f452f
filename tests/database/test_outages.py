"""PostgreSQL goes away under the connections of a pool: every way of it is one that passes.

After a failover they lead to the former primary, which only reads: the pool of a program is brought
to that state session by session, while new ones are led to where can be written.
"""

from contextlib import AsyncExitStack

import asyncpg
import pytest

from models.base.db import (
    DATABASE_ERRORS,
    Database,
    connected,
    is_retryable,
    open_database,
    rows,
    run,
    sql,
    transaction,
)
from models.base.replica import open_replica
from tests.kit.words import at
from tests.kit.world import World

END_OTHERS = sql("""
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'idle'
""")

ONLY_READ = sql("SET default_transaction_read_only = on")


@pytest.mark.parametrize(
    "error",
    [
        OSError("reset"),
        asyncpg.InterfaceError("the connection is closed"),
        # Met in a chaos run: the session had been terminated while it lay idle in the pool.
        asyncpg.InternalClientError("cannot switch to state 12; another operation is in progress"),
        asyncpg.AdminShutdownError("terminating connection due to administrator command"),
        asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT in a read-only transaction"),
        asyncpg.PostgresIOError("a node was lost while rows were copied to it"),
        asyncpg.TargetServerAttributeNotMatched("None of the hosts match"),
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


async def fail_over(database: Database) -> None:
    """All connections of a pool lead to what was the primary; new ones do not."""
    async with AsyncExitStack() as held:
        for _ in range(database.pool_size):
            connection = await held.enter_async_context(connected(database))
            await run(connection, ONLY_READ)


async def test_after_a_failover_a_pool_is_replaced_at_the_first_refusal(world: World) -> None:
    person = await world.person(group_number=1)
    await world.go_to(at("00:05"))
    await fail_over(world.services.database)
    refused = await person.post("/v1/mining/sessions", key="start")
    assert refused.status_code == 503, refused.text
    assert refused.json()["type"] == "urn:twtc:problem:unavailable"
    assert int(refused.headers["Retry-After"]) >= 1
    answers = [await person.post("/v1/mining/sessions", key="start") for _ in range(12)]
    assert {answer.status_code for answer in answers} == {202}
    assert await world.value("SELECT count(*) FROM intents WHERE kind = 'mining.start'") == 1


async def test_after_a_failover_workers_apply_again(world: World) -> None:
    person = await world.person(group_number=1)
    await world.go_to(at("00:05"))
    recorded = await person.post("/v1/mining/sessions", key="start")
    await fail_over(world.shop.database)
    for _ in range(3):
        try:
            await world.drain()
        except DATABASE_ERRORS as error:
            assert is_retryable(error)
    outcome = await person.outcome(recorded)
    assert outcome["status"] == "APPLIED"
    assert await world.value("SELECT max(attempts) FROM intents WHERE kind = 'mining.start'") <= 1


async def test_nobody_is_led_to_a_server_that_only_reads(database: Database) -> None:
    name = database.url.rpartition("/")[2]
    async with connected(database) as connection:
        await run(connection, sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
    led = open_database(database.url, pool_size=1, application_name="led")
    with pytest.raises(asyncpg.TargetServerAttributeNotMatched):
        async with connected(led):
            pass
    for reading in (
        open_replica(database.url, pool_size=1, application_name="replica", primary=database),
        open_database(f"{database.url}?target_session_attrs=any", pool_size=1, application_name=""),
    ):
        async with connected(reading) as connection:
            assert (await rows(connection, sql("SELECT 1 AS one")))[0].one == 1
        await reading.dispose()
    # What was read only for a while can be written to again, by the same pool.
    async with connected(database) as connection:
        await run(connection, sql(f"ALTER DATABASE {name} RESET default_transaction_read_only"))
    async with transaction(led) as connection:
        await run(connection, sql("CREATE TABLE written (n int)"))
    await led.dispose()
