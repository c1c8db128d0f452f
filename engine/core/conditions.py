"""What holds for everybody in one bucket while a batch is decided."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from msgspec import Struct

from engine.core.timeline import Timetable
from engine.core.versions import Rates, Version, in_force

T = TypeVar("T")


class Conditions(Struct, frozen=True):
    """The timetable, the settings, and what each domain has to offer: one object a type."""

    table: Timetable
    credited_through: Mapping[int, datetime]  # by group: how far its sessions have been paid
    lot: str = ""  # the installation's own, told to nobody: what is drawn cannot be foreseen
    versions: tuple[Version[Rates], ...] = ()
    offers: dict[type[Any], Any] = {}

    def of(self, offer: type[T]) -> T:
        """A domain's offer; an empty one if no intent of the batch needs it."""
        found = self.offers.get(offer)
        if found is None:
            found = self.offers[offer] = offer()
        assert isinstance(found, offer)
        return found

    def configuration(self, at: datetime) -> Rates:
        """What held when an intent was recorded."""
        return in_force(self.versions, at)
