"""On a real Citus cluster: migrations, ticks, settlement, claims and the audit.

CITUS_URL names a database with the extension in which our tables may be dropped; without, this is
skipped. Building a cluster is no part of this repository.
"""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from engine.timeline import PRODUCTION
from models import citus
from models.config import Config, postgresql_url
from models.db import Database, connected, open_database, rows, run, sql
from models.migrate import migrate
from models.partitions import prepare_partitions
from models.queue import Piece
from models.settings import seed
from models.tables import metadata
from tests.words import START, at
from tests.world import World
from workers.apply import drain

URL = os.environ.get("CITUS_URL", "")
pytestmark = pytest.mark.skipif(
    not URL,
    reason="needs CITUS_URL, a cluster that may be emptied: none comes with the packages here",
)

LAID = sql("""
    SELECT CAST(logicalrelid AS text) AS name, partmethod, colocationid FROM pg_dist_partition
""")


@pytest.fixture
async def config(config: Config) -> AsyncIterator[Config]:
    """A released installation on the cluster."""
    url = postgresql_url(URL)
    database = open_database(url, pool_size=1, application_name="test")
    async with connected(database) as connection:
        for table in [*reversed(metadata.sorted_tables), "alembic_version"]:
            await run(connection, sql(f"DROP TABLE IF EXISTS {table} CASCADE"))
        await run(connection, sql("DROP SEQUENCE IF EXISTS user_ids"))
        await run(connection, sql("DROP SCHEMA IF EXISTS archive CASCADE"))
        functions = """SELECT proname AS name FROM pg_proc WHERE proname LIKE '%append_only'"""
        for row in await rows(connection, sql(functions)):
            await run(connection, sql(f"DROP FUNCTION {row.name}"))
    await migrate(url)
    await seed(database, PRODUCTION, START)
    await prepare_partitions(database, START.date())
    await database.dispose()
    yield replace(config, database_url=url)


async def test_every_table_lies_where_it_should(database: Database) -> None:
    async with connected(database) as connection:
        found = {row.name: row for row in await rows(connection, LAID)}
    for place in citus.places():
        assert found[place.table].partmethod == ("n" if place.column is None else "h").encode()
    beside = {p.table for p in citus.places() if p.column == "bucket"}
    assert len({found[name].colocationid for name in beside}) == 1


async def test_people_earn_on_a_cluster(world: World) -> None:
    people = await world.people(4, group_number=1)
    world.deliveries = 2
    world.move_to(at("00:05"))
    for person in people:
        await person.mine()
    await world.go_to(at("00:20"))
    pieces = [Piece(1, person.id % 64) for person in people]
    await asyncio.gather(*(drain(world.shop, piece) for piece in pieces * 3))
    assert {await person.balance() for person in people} == {"5.833333"}
    await world.go_to(at("04:10"))
    assert {await person.balance() for person in people} == {"100.000000"}
