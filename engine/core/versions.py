"""Settings in versions, each of which holds from an instant on (decision 0028)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Generic, TypeVar

from msgspec import Struct

from engine.core.money import BASE_RATE_MICRO_PER_HOUR, HOURS_PER_CYCLE


class Rates(Struct, frozen=True, forbid_unknown_fields=True):
    """What the rules pay by."""

    base_rate_micro_per_hour: int = BASE_RATE_MICRO_PER_HOUR
    boosts_per_day: int = 3

    @property
    def reward_micro(self) -> int:
        """What a whole session earns: base_reward = BASE_RATE x 4 (blueprint, "Mining cycle")."""
        return self.base_rate_micro_per_hour * HOURS_PER_CYCLE


S_co = TypeVar("S_co", bound=Rates, covariant=True)


class Version(Struct, Generic[S_co], frozen=True):
    """Settings, and from when on they hold."""

    number: int
    effective_from: datetime
    settings: S_co


def in_force(versions: Sequence[Version[S_co]], at: datetime) -> S_co:
    """What holds at an instant: the highest version whose time has come. `versions` by number."""
    for version in reversed(versions):
        if version.effective_from <= at:
            return version.settings
    return versions[0].settings
