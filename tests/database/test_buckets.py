"""What is found in all buckets: in one statement of one server, or one after the other."""

import re

import pytest

from models.base.buckets import _any, _at_once, buckets_with, rows_of_buckets
from models.base.db import Database, connected, sql
from tests.kit.statements import statements
from tests.kit.world import World

OF_USERS = sql("SELECT bucket, id FROM users WHERE bucket = :bucket AND id > :after ORDER BY id")
READS = {
    label: statement
    for label, statement in statements().items()
    if "bucket" in statement.names
    and not re.search(r"(?i)\bFOR\b|INSERT|UPDATE|DELETE", statement.source)
}


async def test_one_server_finds_what_each_bucket_has(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = await world.people(5)
    at_once = await rows_of_buckets(world.database, OF_USERS, {"after": 0})
    assert {row.id for row in at_once} == {person.id for person in people}
    some = await rows_of_buckets(world.database, OF_USERS, {"after": 0}, [people[0].id % 64])
    assert {row.bucket for row in some} == {people[0].id % 64}
    busy = await buckets_with(world.database, OF_USERS, {"after": 0})
    assert busy == sorted({person.id % 64 for person in people})
    monkeypatch.setattr(world.database, "is_cluster", True)
    assert await rows_of_buckets(world.database, OF_USERS, {"after": 0}) == at_once
    assert await buckets_with(world.database, OF_USERS, {"after": 0}) == list(range(64))


async def test_whatever_asks_for_one_bucket_may_ask_for_all(database: Database) -> None:
    assert len(READS) > 50
    async with connected(database) as connection:
        for label, statement in READS.items():
            for asked in (_at_once(statement), _any(statement)):
                try:
                    await connection.prepare(asked.numbered)  # type: ignore[attr-defined]
                except Exception as error:
                    raise AssertionError(f"{label}: {error}") from error
