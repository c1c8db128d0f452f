"""What goes wrong in a seed. Each seed draws which faults it has, and how often (swarm testing)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from random import Random

from msgspec import Struct

# The largest chance of each fault. Of a statement: before it is sent, or after it took effect.
STATEMENT_FAULTS = {
    "process killed": 0.012,
    "connection lost": 0.012,
    "transaction refused": 0.006,
    "batch poisoned": 0.003,
}
OTHER_FAULTS = {
    "statement slow": 0.02,
    "bell lost": 0.5,
    "bell doubled": 0.4,
    "bell late": 0.4,
    "request lost": 0.15,
    "request doubled": 0.3,
    "reply lost": 0.2,
    "callback lost": 0.15,
    "callback doubled": 0.4,
    "callback late": 0.3,
    "callback repeated as another": 0.2,
    "callback early": 0.3,
    "clock stalled": 0.05,
    "clock jumped": 0.05,
    "timetable asleep": 0.1,
    "copies flushed": 0.03,
}
# What is refused has had no effect.
MAY_TAKE_EFFECT = frozenset({"process killed", "connection lost"})
# Every process keeps its clock within this; the product allows a minute (models.intents.record).
SKEW_SECONDS_MAX = 25.0
POISONED_MAX = 3  # or an intent could fail five times, and rest


class Profile(Struct, frozen=True):
    """The chances of one seed."""

    chances: dict[str, float]
    skew_seconds: float
    statement_seconds: float


def draw_profile(random: Random) -> Profile:
    """About half of all faults, some rare and some frequent; one seed in twelve has none."""
    everything = STATEMENT_FAULTS | OTHER_FAULTS
    if random.random() < 1 / 12:
        return Profile(dict.fromkeys(everything, 0.0), 0.0, 0.002)
    chances = {
        kind: most * random.choice((0.0, 0.0, 0.2, 0.5, 1.0)) for kind, most in everything.items()
    }
    skew = random.choice((0.0, 0.5, 5.0, SKEW_SECONDS_MAX))
    return Profile(chances, skew, random.choice((0.001, 0.02, 0.3)))


class Faults:
    """Draws faults and counts them. `is_calm` ends them all."""

    def __init__(self, profile: Profile, random: Random) -> None:
        self.profile = profile
        self.counts: Counter[str] = Counter()
        self.is_calm = False
        self._random = random

    def happens(self, kind: str) -> bool:
        """Whether this fault happens here."""
        chance = self.profile.chances[kind]
        if self.is_calm or not chance or self._random.random() >= chance:
            return False
        self.counts[kind] += 1
        return True

    def of_statement(self, *, in_worker: bool) -> tuple[str, bool] | None:
        """What befalls a statement, and whether it took effect before; None for nothing."""
        if self.is_calm:
            return None
        point = self._random.random()
        for kind in STATEMENT_FAULTS:
            point -= self.profile.chances[kind]
            if point < 0:
                if kind == "batch poisoned" and (
                    not in_worker or self.counts[kind] >= POISONED_MAX
                ):
                    return None
                self.counts[kind] += 1
                return kind, kind in MAY_TAKE_EFFECT and self._random.random() < 0.5
        return None

    def statement_seconds(self) -> float:
        """How long a statement takes."""
        seconds = self._random.expovariate(1 / self.profile.statement_seconds)
        return seconds + (self._random.uniform(2, 20) if self.happens("statement slow") else 0)


def total(counters: Iterable[Mapping[str, int]]) -> Counter[str]:
    """The sum of some counts."""
    summed: Counter[str] = Counter()
    for counter in counters:
        summed.update(counter)
    return summed
