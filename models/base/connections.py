"""PostgreSQL connections that know the types of arrays without asking for them again."""

from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

import asyncpg

# Below it are PostgreSQL's own types: the same in every database.
_FIRST_OF_OTHERS = 16_384
_known: dict[frozenset[int], Any] = {}


class KnowingConnection(asyncpg.Connection):  # type: ignore[misc]
    """Looks a set of built-in types up once a process, not once a connection.

    The look-up is a recursive query over the catalogue, and a catalogue with many shards is slow.
    """

    async def _introspect_types(self, typeoids: Collection[int], timeout: float | None) -> Any:  # noqa: ASYNC109
        key = frozenset(typeoids)
        if key in _known:
            # Nothing was prepared, so nothing has to be prepared anew.
            return _known[key], SimpleNamespace(name="known")
        types, statement = await super()._introspect_types(typeoids, timeout)
        if max(key) < _FIRST_OF_OTHERS:
            _known[key] = types
        return types, statement
