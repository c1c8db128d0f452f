"""A member as the rules see one: made of parts, of which each belongs to one domain."""

from collections.abc import Hashable
from typing import Any, Protocol, TypeVar

from msgspec import Struct

K = TypeVar("K")
V = TypeVar("V")


class Part(dict[K, V]):
    """What a batch knows of one domain's entities of a member, by their keys."""


class Entity(Protocol):
    """Something of a member that rules change: a new version takes the place of the one before."""

    @property
    def part(self) -> type[Part[Any, Any]]: ...

    @property
    def user_id(self) -> int: ...

    @property
    def key(self) -> Hashable: ...


P = TypeVar("P", bound=Part[Any, Any])


class Member(Struct):
    """A user, with what bears on the intents that are decided now."""

    user_id: int
    is_active: bool
    parts: dict[type[Part[Any, Any]], Part[Any, Any]] = {}

    def of(self, part: type[P]) -> P:
        """What is known of a domain's entities; empty if nothing was loaded."""
        found = self.parts.get(part)
        if found is None:
            found = self.parts[part] = part()
        assert isinstance(found, part)
        return found

    def put(self, entity: Entity) -> None:
        """Later intents of the batch see this version."""
        self.of(entity.part)[entity.key] = entity
