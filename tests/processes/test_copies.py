"""Copies of the database: a standby that serves histories, a dump, a restore to any moment.

The commands are those of docs/backup.md, run as they stand there.
"""

import asyncio
import shutil
from pathlib import Path

from freezegun.api import FrozenDateTimeFactory
from msgspec.structs import replace

from engine.core.timeline import PRODUCTION
from models.base.db import Database, connected, open_database, rows, run, sql
from models.base.partitions import prepare_partitions
from models.operations.invariants import audit
from models.schema.migrate import migrate
from models.schema.seed import seed
from runtime.environment import Config
from tests.kit.databases import empty_database
from tests.kit.sites import Server, execute, standby_of
from tests.kit.words import START, at
from tests.kit.world import World, open_world
from trials.chaos.nodes import halted

# Of the few that it takes to notice that a replica hangs, on a busy machine.
REPLICA_SECONDS_MAX = 10
LEDGER = sql("SELECT reference, amount FROM transactions ORDER BY reference")


async def ledger_of(database: Database) -> list[tuple[str, int]]:
    async with connected(database) as connection:
        return [(row.reference, row.amount) for row in await rows(connection, LEDGER)]


async def test_a_dump_brings_the_books_back(world: World, worker_id: str, tmp_path: Path) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    await person.mine()
    await world.go_to(at("04:10"))
    backup = tmp_path / "twtc.dump"
    execute("dump", DATABASE_URL=world.config.database_url, BACKUP=backup)
    async with empty_database(f"twtc_restored_{worker_id}") as url:
        execute("restore", DATABASE_URL=url, BACKUP=backup)
        restored = open_database(url, pool_size=1, application_name="test")
        assert await audit(restored) == []
        assert await ledger_of(restored) == await ledger_of(world.database) != []
        await restored.dispose()


async def test_a_standby_serves_histories_and_any_moment_comes_back(
    clock: FrozenDateTimeFactory, config: Config, tmp_path: Path
) -> None:
    primary = Server(tmp_path / "primary", tmp_path / "archive")
    primary.found()
    base = tmp_path / "base"
    with primary.serving():
        await migrate(primary.url)
        database = primary.database()
        await seed(database, PRODUCTION, START)
        await prepare_partitions(database, START.date())
        execute("base", DATABASE_URL=primary.url, BASE=base)
        standby = standby_of(primary, tmp_path)
        own = replace(config, database_url=primary.url, database_read_url=standby.url)
        async with open_world(own, database, clock) as world:
            with standby.serving():
                await histories_come_from(standby, world)
                with halted(standby.pid):
                    await histories_while_it_hangs(world)
            await histories_without_a_standby(world)
            moment, ledger = await a_mistake_is_made(world)
        await database.dispose()
    shutil.rmtree(primary.data)

    restored = Server(tmp_path / "restored", primary.archive)
    execute("recover", BASE=base, PGDATA=restored.data, ARCHIVE=primary.archive, UNTIL=moment)
    with restored.serving():
        database = restored.database()
        async with connected(database) as connection:
            recovering = sql("SELECT pg_is_in_recovery() AS still")
            for _ in range(1000):
                if not (await rows(connection, recovering))[0].still:
                    break
                await run(connection, sql("SELECT pg_sleep(0.01)"))
        assert await audit(database) == []
        assert await ledger_of(database) == ledger
        await database.dispose()


async def histories_come_from(standby: Server, world: World) -> None:
    """While the standby stands still, histories do too; the poll and the wallet do not."""
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    await person.mine()
    replica = standby.database()
    async with connected(replica) as connection:
        await caught_up(world, connection)
        assert len((await person.get("/v1/mining/sessions")).json()["items"]) == 1
        await run(connection, sql("SELECT pg_wal_replay_pause()"))
        await world.go_to(at("04:10"))
        assert await person.balance() == "100.000000"
        assert (await person.get("/v1/wallet/transactions")).json()["items"] == []
        await run(connection, sql("SELECT pg_wal_replay_resume()"))
        await caught_up(world, connection)
        assert len((await person.get("/v1/wallet/transactions")).json()["items"]) == 1
    await replica.dispose()


async def caught_up(world: World, standby: object) -> None:
    """The standby has replayed what the primary has written."""
    written_to = await world.value("SELECT CAST(pg_current_wal_lsn() AS text)")
    replayed = sql("SELECT pg_last_wal_replay_lsn() >= CAST(CAST(:lsn AS text) AS pg_lsn) AS is_so")
    for _ in range(1000):
        if (await rows(standby, replayed, {"lsn": written_to}))[0].is_so:  # type: ignore[arg-type]
            return
        await run(standby, sql("SELECT pg_sleep(0.01)"))  # type: ignore[arg-type]
    raise AssertionError("the standby does not catch up")


async def histories_while_it_hangs(world: World) -> None:
    """The first request waits for a moment, the next ones do not; it is said where one looks."""
    person = await world.person(group_number=1)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for path in ("/v1/mining/sessions", "/v1/wallet/transactions", "/v1/mining/sessions"):
        answer = await person.get(path)
        assert (answer.status_code, answer.json()["items"]) == (200, [])
    assert loop.time() - began < REPLICA_SECONDS_MAX
    health = (await world.http.get("/readyz")).json()
    assert health["status"] == "degraded"
    assert "replica does not answer" in health["reasons"][0]


async def histories_without_a_standby(world: World) -> None:
    """The primary answers instead."""
    person = await world.person(group_number=1)
    answer = await person.get("/v1/mining/sessions")
    assert (answer.status_code, answer.json()["items"]) == (200, [])


async def a_mistake_is_made(world: World) -> tuple[str, list[tuple[str, int]]]:
    """Return the moment before it, and the ledger of then."""
    ledger = await ledger_of(world.database)
    assert ledger
    moment = await world.value("SELECT CAST(clock_timestamp() AS text)")
    await world.rows("UPDATE wallets SET settled_balance = 0, balance = 0")
    await world.value("SELECT CAST(pg_switch_wal() AS text)")
    archived = "SELECT archived_count > 0 AND last_archived_wal >= :wal FROM pg_stat_archiver"
    last = await world.value("SELECT max(name) FROM pg_ls_archive_statusdir()")
    wal = str(last).removesuffix(".ready").removesuffix(".done")
    for _ in range(1000):
        if await world.value(archived, wal=wal):
            break
        await world.rows("SELECT pg_sleep(0.01)")
    return str(moment), ledger
