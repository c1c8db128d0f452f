"""One node of a cluster is away: the members of the others are served.

The database is one server; what lies on which node, and which one does not answer, is played.
"""

from collections.abc import Mapping
from typing import Any

import asyncpg
import pytest

from models.base import nodes
from models.base.db import Connection, Database, Row, Statement, rows
from models.intents import queue
from models.intents.queue import overdue_pieces
from models.mining.due import pieces_to_credit, pieces_to_settle
from models.mining.groups import group_sizes
from models.operations.operations import read_ticks
from tests.kit.words import at
from tests.kit.world import World

AWAY, HERE = 2, 3


class Cluster:
    """Two nodes with half of the buckets each; statements that one of them answers fail."""

    def __init__(self, away: set[int]) -> None:
        self.away = away
        self.asked: list[int | None] = []

    async def placed(self, database: Database) -> dict[int, list[int]]:
        return {AWAY: list(range(0, 64, 2)), HERE: list(range(1, 64, 2))}

    async def rows(
        self, connection: Connection, statement: Statement, params: Mapping[str, Any] | None = None
    ) -> list[Row]:
        bucket = (params or {}).get("bucket")
        self.asked.append(bucket)
        if self.away and (bucket is None or (AWAY, HERE)[bucket % 2] in self.away):
            raise asyncpg.ConnectionFailureError("connection to the remote node failed")
        return list(await rows(connection, statement, params))


@pytest.fixture
def cluster(world: World, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The world's database, as if it were a cluster that lacks a node."""
    played = Cluster({AWAY})
    for database in (world.database, world.services.database):
        monkeypatch.setattr(database, "is_cluster", True)
    monkeypatch.setattr(nodes, "rows", played.rows)
    monkeypatch.setattr(queue, "rows", played.rows)
    monkeypatch.setattr(nodes, "buckets_by_node", played.placed)
    return played


async def two_people(world: World) -> list[int]:
    """The buckets of two who mine: of the node that will be away, and of the other one."""
    first = await world.person(group_number=1)
    await world.value("SELECT setval('user_ids', 64)")
    people = [first, await world.person(group_number=1)]
    world.move_to(at("00:05"))
    for person in people:
        await person.mine()
    return [person.id % 64 for person in people]


async def test_who_lies_elsewhere_is_paid_while_a_node_is_away(
    world: World, request: pytest.FixtureRequest
) -> None:
    buckets = await two_people(world)
    assert [bucket % 2 for bucket in buckets] == [0, 1]
    cluster: Cluster = request.getfixturevalue("cluster")
    for find in (pieces_to_credit, pieces_to_settle):
        assert [p.bucket for p in await find(world.database, at("05:00"))] == buckets[1:]
    assert [tick.pieces for tick in await read_ticks(world.database, world.table, at("02:00"))]
    assert sum(await group_sizes(world.database)) == 1
    cluster.away.clear()
    world.database.away.clear()
    assert [p.bucket for p in await pieces_to_credit(world.database, at("05:00"))] == buckets
    assert sum(await group_sizes(world.database)) == 2


async def test_a_node_that_is_away_is_left_alone_for_a_while(
    world: World, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("models.base.nodes.time.monotonic", lambda: now)
    await group_sizes(world.database)
    assert nodes.nodes_away(world.database) == [AWAY]
    assert cluster.asked[:2] == [None, 0]  # all at once, and one of the node's buckets
    cluster.asked.clear()
    await group_sizes(world.database)
    assert cluster.asked == list(range(1, 64, 2))
    now += nodes.REST_SECONDS
    cluster.away.clear()
    await group_sizes(world.database)
    assert cluster.asked[-1] is None
    assert nodes.nodes_away(world.database) == []


async def test_work_is_recorded_where_it_can_be_and_asked_for_again(
    world: World, request: pytest.FixtureRequest
) -> None:
    await two_people(world)
    cluster: Cluster = request.getfixturevalue("cluster")
    world.move_to(at("00:30"))
    cluster.away.clear()  # it goes after the clock has looked what is due

    async def failing(*args: Any) -> list[Row]:
        cluster.away = {AWAY} if args[1] is queue.RECORD_DUE else set()
        return await cluster.rows(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queue, "rows", failing)
        pieces = await world.due_work.record(at("00:30"))
    ticks = "SELECT bucket FROM intents WHERE kind = 'mining.credit' AND recorded_at = :t"
    assert [row.bucket for row in await world.rows(ticks, t=at("00:30"))] == [1]
    assert {piece.bucket for piece in pieces if piece.group_number} == {1}
    cluster.away.clear()
    world.database.away.clear()
    await world.due_work.record(at("00:30"))
    assert {row.bucket for row in await world.rows(ticks, t=at("00:30"))} == {0, 1}


async def test_readiness_says_that_a_node_is_away(world: World, cluster: Cluster) -> None:
    answer = await world.http.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert "nodes of the cluster that do not answer: 1" in answer.json()["reasons"][0]


async def test_a_cluster_of_which_no_node_answers_is_an_outage(
    world: World, cluster: Cluster
) -> None:
    cluster.away.add(HERE)
    with pytest.raises(asyncpg.ConnectionFailureError):
        await overdue_pieces(world.database, at("01:00"))


async def test_one_server_is_asked_once(world: World, cluster: Cluster) -> None:
    world.database.is_cluster = False
    with pytest.raises(asyncpg.ConnectionFailureError):
        await group_sizes(world.database)
    assert cluster.asked == [None]
