"""On a real cluster: where tables lie, and what only a cluster refuses.

With CITUS_URL the whole suite runs there (tests/kit/cluster.py); without, this is skipped.
Building a cluster is no part of this repository.
"""

import asyncio

import pytest

from engine.core.piece import Piece
from models.base.db import Database, connected, rows, sql
from models.schema import citus
from tests.kit import cluster
from tests.kit.words import at
from tests.kit.world import World
from workers.apply import drain

pytestmark = pytest.mark.skipif(
    not cluster.URL,
    reason="needs CITUS_URL, a cluster that may be emptied: none comes with the packages here",
)

LAID = sql("""
    SELECT CAST(logicalrelid AS text) AS name, partmethod, colocationid FROM pg_dist_partition
""")
BUCKETS = sql("""
    SELECT get_shard_id_for_distribution_column('users', CAST(b AS smallint)) AS shard,
           count(*) AS buckets
    FROM generate_series(0, 63) AS b (b) GROUP BY 1
""")


async def test_every_table_lies_where_it_should(database: Database) -> None:
    async with connected(database) as connection:
        found = {row.name: row for row in await rows(connection, LAID)}
    for place in citus.places():
        assert found[place.table].partmethod == ("n" if place.column is None else "h").encode()
    beside = {p.table for p in citus.places() if p.column == "bucket"}
    assert len({found[name].colocationid for name in beside}) == 1


async def test_no_shard_is_empty_and_none_has_more_than_another(database: Database) -> None:
    async with connected(database) as connection:
        found = [row.buckets for row in await rows(connection, BUCKETS)]
    assert found == [64 // cluster.SHARDS] * cluster.SHARDS


async def test_people_earn_on_a_cluster(world: World) -> None:
    people = await world.people(4, group_number=1)
    world.deliveries = 2
    world.move_to(at("00:05"))
    for person in people:
        await person.mine()
    await world.go_to(at("00:20"))
    pieces = [Piece(1, person.id % 64) for person in people]
    await asyncio.gather(*(drain(world.shop, piece) for piece in pieces * 3))
    # Each of them watched for a minute, one after the other.
    paid = [await person.balance() for person in people]
    assert paid == ["5.833333", "5.416666", "5.000000", "4.583333"]
    await world.go_to(at("04:10"))
    assert {await person.balance() for person in people} == {"100.000000"}
