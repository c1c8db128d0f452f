"""Behind PgBouncer in transaction mode, with the real program: decision 0040."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from msgspec.structs import replace

from models.base.db import POOLER, Database, connected, open_database, rows, sql, transaction
from ops.commands.release import release
from ops.local.daemon import free_port
from runtime.environment import Config
from tests.kit.needed import needed_server
from tests.kit.programs import program
from tests.kit.words import at
from tests.kit.world import World

SESSIONS = 3  # fewer than there are connections, so that they take turns

SETTINGS = """
[databases]
* = host={host} port={port} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {sessions}
"""


@pytest.fixture
def pooled_url(database_url: str, tmp_path: Path) -> Iterator[str]:
    """The test's database through a pooler."""
    pgbouncer = needed_server("pgbouncer", "pgbouncer")
    server = urlsplit(database_url)
    own_port = free_port()
    folder = tmp_path / "pooler"
    folder.mkdir()
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        SETTINGS.format(
            host=server.hostname,
            port=server.port or 5432,
            user=server.username,
            password=server.password,
            own_port=own_port,
            sessions=SESSIONS,
        )
    )
    settings.chmod(0o644)
    address = f"{server.username}:{server.password}@127.0.0.1:{own_port}"
    with program([pgbouncer, settings], folder, own_port):
        yield urlunsplit(server._replace(netloc=address, query=POOLER))


@pytest.fixture
def config(config: Config, pooled_url: str) -> Config:
    """Everything of the product's goes through the pooler."""
    return replace(config, database_url=pooled_url)


async def test_people_mine_behind_a_pooler(world: World) -> None:
    people = await world.people(6, group_number=1)
    world.move_to(at("00:05"))
    ads = await asyncio.gather(*(person.begin() for person in people))
    await world.go_to(at("00:07"))
    for person, ad in zip(people, ads, strict=True):
        assert (await person.report(ad["view_id"], "completed"))["status"] == "APPLIED"
        assert (await person.callback(ad["nonce"])).status_code == 200
    await world.go_to(at("00:20"))
    await world.go_to(at("04:10"))
    shown = await asyncio.gather(*(person.balance() for person in people * 3))
    assert set(shown) == {"100.000000"}


async def test_a_transaction_brings_its_limits_along_and_leaves_none_behind(
    database: Database,
) -> None:
    limits = sql("""SELECT current_setting('lock_timeout') AS lock_timeout,
                           current_setting('statement_timeout') AS statement_timeout,
                           current_setting('jit') AS jit, pg_backend_pid() AS session""")

    async def inside() -> tuple[str, ...]:
        async with transaction(database) as connection:
            [row] = await rows(connection, limits)
            return row.lock_timeout, row.statement_timeout, row.jit

    seen = await asyncio.gather(*(inside() for _ in range(20)))
    assert set(seen) == {("5s", "1min", "off")}
    async with connected(database) as connection:
        after = [(await rows(connection, limits))[0] for _ in range(5)]
    assert {row.lock_timeout for row in after} == {"0"}


async def test_a_pooler_has_to_be_named_as_one(
    pooled_url: str, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    unnamed = open_database(
        pooled_url.removesuffix(f"?{POOLER}"), pool_size=1, application_name="test"
    )
    with pytest.raises(asyncpg.PostgresError, match="unsupported startup parameter"):
        async with connected(unnamed):
            pass
    await unnamed.dispose()
    monkeypatch.setenv("DATABASE_URL", config.database_url)
    monkeypatch.setenv("REDIS_URL", config.redis_url)
    assert release() == 2
