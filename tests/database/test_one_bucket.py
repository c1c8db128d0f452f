"""One transaction, one bucket: watched on the wire while people earn and a day passes."""

from collections.abc import Iterator
from typing import Any, ClassVar

import asyncpg
import pytest

from tests.kit.statements import PIECED, statements, tables_of
from tests.kit.words import at
from tests.kit.world import World


class Watched(asyncpg.Connection):  # type: ignore[misc]
    """A connection that notes which buckets each of its transactions names."""

    seen: ClassVar[dict[str, Any]] = {}

    def note(self, query: str, args: tuple[Any, ...]) -> None:
        named = self.seen["by_text"].get(query)
        transaction = self._top_xact
        if transaction is None or named is None:
            return
        self.seen["statements"].add(named[0])
        for name, value in zip(named[1].names, args, strict=True):
            if name == "bucket" and tables_of(named[1]) & PIECED:
                found = self.seen["buckets"].setdefault(transaction, {})
                found.setdefault(value, named[0])

    async def fetch(self, query: str, *args: Any, **options: Any) -> Any:
        self.note(query, args)
        return await super().fetch(query, *args, **options)

    async def execute(self, query: str, *args: Any, **options: Any) -> Any:
        self.note(query, args)
        return await super().execute(query, *args, **options)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Statements seen in transactions, and the buckets of each transaction."""
    by_text = {statement.numbered: (name, statement) for name, statement in statements().items()}
    Watched.seen = {"by_text": by_text, "statements": set(), "buckets": {}}
    create_pool = asyncpg.create_pool

    def create(*args: Any, **options: Any) -> Any:
        return create_pool(*args, **options | {"connection_class": Watched})

    monkeypatch.setattr(asyncpg, "create_pool", create)
    yield Watched.seen


async def test_every_transaction_stays_in_one_bucket(watched: dict[str, Any], world: World) -> None:
    first = await world.person(group_number=1)
    await world.value("SELECT setval('user_ids', 64)")  # the next newcomers' bucket is another
    people = [first, await world.person(group_number=1)]
    assert len({person.id % 64 for person in people}) == 2
    watched["buckets"].clear()
    world.move_to(at("00:05"))
    for person in people:
        await person.mine()
    await world.go_to(at("00:20"))
    await world.go_to(at("04:10"))
    for day in (2, 3):  # the night's upkeep, the weekly rebalancing
        await world.go_to(at(f"2026-03-0{day}T03:10Z"))
    assert len(watched["buckets"]) > 20
    for buckets in watched["buckets"].values():
        assert len(buckets) <= 1, buckets
    assert {"intents.queue.CLAIM", "mining.credit.CREDIT_RUNNING"} <= watched["statements"]
