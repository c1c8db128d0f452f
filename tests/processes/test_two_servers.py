"""Two PostgreSQL servers with streaming replication: a replica that hangs or lags, a failover."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from models.base.db import Database, Row, Statement, connected, open_database, rows, run, sql
from models.base.replica import open_replica
from ops.local.guard import Guard
from ops.local.servers import Servers
from runtime.environment import Config
from tests.kit.sites import Server, standby_of
from trials.chaos.faults import Fault
from trials.chaos.nodes import halted
from trials.chaos.run import storm
from trials.chaos.site import Site

RECOVERY_SECONDS_MAX = 15
HANGS_SECONDS_MAX = 10
TRIES = 500
WISHES_MIN = 6
HERE = sql("SELECT pg_is_in_recovery() AS here, (SELECT n FROM notes) AS n")
# Long at the replica, at once at the primary.
SLOW = sql("""
    SELECT pg_is_in_recovery() AS here,
           CASE WHEN pg_is_in_recovery() THEN pg_sleep(:seconds) END AS slept
""")
NOTE = sql("UPDATE notes SET n = n + 1")
WISHES = sql("SELECT count(*) AS n FROM intents WHERE user_id IS NOT NULL")
ONLY_READ = sql("ALTER SYSTEM SET default_transaction_read_only = on")
WRITING = sql("SELECT count(*) AS n FROM pg_stat_activity WHERE backend_xid IS NOT NULL")
WRITTEN = sql("SELECT CAST(pg_current_wal_lsn() AS text) AS lsn")
REPLAYED = sql("SELECT pg_last_wal_replay_lsn() >= CAST(CAST(:lsn AS text) AS pg_lsn) AS has_it")


@asynccontextmanager
async def two_servers(tmp_path: Path) -> AsyncIterator[tuple[Server, Server]]:
    """A primary and its standby."""
    primary = Server(tmp_path / "primary", tmp_path / "archive")
    primary.found()
    with primary.serving():
        standby = standby_of(primary, tmp_path)
        with standby.serving():
            yield primary, standby


async def ask(database: Database, statement: Statement, **params: object) -> Row:
    async with connected(database) as connection:
        return (await rows(connection, statement, params))[0]


class Reading:
    """A replica with short times and little patience, the primary, and the replica's server."""

    def __init__(self, primary: Server, standby: Server) -> None:
        self.standby = standby
        self.primary = open_database(primary.url, pool_size=4, application_name="test")
        self.replica = open_replica(
            standby.url, pool_size=4, application_name="reads", primary=self.primary
        )

    async def change(self, statement: Statement) -> None:
        async with connected(self.primary) as connection:
            await run(connection, statement)

    async def answers(self, *, here: bool) -> int:
        """Wait until the replica answers itself, or does not. Return the note."""
        for _ in range(TRIES):
            found = await ask(self.replica, HERE)
            if found.here == here:
                return int(found.n)
            await asyncio.sleep(0.02)
        raise AssertionError("the replica " + ("stays away" if here else "is asked on and on"))


@pytest.fixture
async def reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Reading]:
    """Of a primary with one note, which the replica has."""
    monkeypatch.setattr("models.base.replica.LOOK_SECONDS", 0.02)
    monkeypatch.setattr("models.base.replica.REST_SECONDS", 0.05)
    async with two_servers(tmp_path) as (primary, standby):
        opened = Reading(primary, standby)
        await opened.change(sql("CREATE TABLE notes AS SELECT 1 AS n"))
        # The table may not have got there yet: then the primary answers.
        assert await opened.answers(here=True) == 1
        yield opened
        await opened.replica.dispose()
        await opened.primary.dispose()


async def test_a_replica_that_hangs_holds_nobody_up(
    reading: Reading, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("models.base.replica.ANSWER_SECONDS_MAX", 0.3)
    loop = asyncio.get_running_loop()
    # What only takes long is waited for.
    assert (await ask(reading.replica, SLOW, seconds=1)).here
    under_way = asyncio.create_task(ask(reading.replica, SLOW, seconds=60))
    in_it = sql("SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
    while not (await ask(reading.replica, in_it)).n:
        assert not under_way.done()
    with halted(reading.standby.pid):
        began = loop.time()
        assert not (await under_way).here
        for _ in range(20):
            assert not (await ask(reading.replica, HERE)).here
        assert loop.time() - began < HANGS_SECONDS_MAX
    await reading.answers(here=True)
    told = [line for line in caplog.messages if "the replica" in line]
    assert ["again" in line for line in told] == [False, True], told


async def test_a_replica_that_lags_too_much_is_not_asked(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing may be late: then only a replica that lacks nothing is asked, as when all is quiet.
    monkeypatch.setattr("models.base.replica.LAG_SECONDS_MAX", 0)
    assert await reading.answers(here=True) == 1
    standby = reading.standby.database()
    await ask(standby, sql("SELECT pg_wal_replay_pause()"))
    await reading.change(NOTE)
    assert await reading.answers(here=False) == 2
    assert "behind" in reading.replica.fault
    await ask(standby, sql("SELECT pg_wal_replay_resume()"))
    assert await reading.answers(here=True) == 2
    await standby.dispose()


async def test_a_failover_under_load_loses_nothing(
    tmp_path: Path, config: Config, dashboard_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connections that exist still lead to the former primary, which only reads by now."""
    monkeypatch.setenv("DASHBOARD_URL", dashboard_url)
    loop, took = asyncio.get_running_loop(), 0.0
    async with two_servers(tmp_path) as (primary, standby):

        async def fail_over(site: Site, seconds: float) -> None:
            nonlocal took
            count = await asked(site, WISHES_MIN)
            began = loop.time()
            await promote(primary, standby)
            site.proxies["PostgreSQL"].target = standby.port
            await site.database.dispose()
            site.database = standby.database()
            await asked(site, count + 1)
            took = loop.time() - began

        servers = Servers(primary.url, config.redis_url)
        with Guard() as guard:
            site = Site(servers, tmp_path, None, guard, seed=1)
            fault = Fault("PostgreSQL: failover", fail_over)
            recoveries, tally, verdict = await storm(site, [(fault, 0)], number=4, seed=1)
        assert (verdict.lost, verdict.doubled, verdict.audit, tally.unexpected) == (0, 0, [], [])
        assert verdict.acknowledged > WISHES_MIN
        [recovery] = recoveries
        assert took + recovery.applied_seconds < RECOVERY_SECONDS_MAX
        assert not site.exits
        await nothing_is_read_from(primary, standby)


async def nothing_is_read_from(former: Server, primary: Server) -> None:
    """It answers, is no replica, and hears of nothing any more."""
    database = primary.database()
    replica = open_replica(former.url, pool_size=1, application_name="reads", primary=database)
    assert (await ask(replica, sql("SELECT inet_server_port() AS port"))).port == primary.port
    assert "behind" in replica.fault
    await replica.dispose()
    await database.dispose()


async def asked(site: Site, count: int) -> int:
    """Wait until phones have asked for so much. Return how much it is."""
    for _ in range(TRIES):
        found = int((await ask(site.database, WISHES)).n)
        if found >= count:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("nobody asks for anything")


async def promote(primary: Server, standby: Server) -> None:
    """The primary writes nothing any more, the standby has all of it, and becomes the primary."""
    former, latter = primary.database(), standby.database()
    for statement in (ONLY_READ, sql("SELECT pg_reload_conf()")):
        async with connected(former) as connection:
            await run(connection, statement)
    while (await ask(former, WRITING)).n:
        pass  # each look is a round trip; what is under way may commit
    lsn = (await ask(former, WRITTEN)).lsn
    while not (await ask(latter, REPLAYED, lsn=lsn)).has_it:
        pass
    assert (await ask(latter, sql("SELECT pg_promote() AS is_done"))).is_done
    await former.dispose()
    await latter.dispose()
