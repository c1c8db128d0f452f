"""The traits of an account: what one program would do alike for many (decision 0049).

Each is a value with its error, the variance that so few observations leave. All are kept side by
side in flat arrays, so that a million accounts need little room.
"""

import math
from array import array
from collections.abc import Iterable, Sequence

from msgspec import Struct

from engine.fraud.anomaly.acts import Day
from engine.fraud.anomaly.features import DAYS_MAX
from engine.fraud.anomaly.figures import logarithms, quantile

# The middle and the spread of each: logarithms of seconds, but for the phases, which are shares.
_PACES = ("gaps", "ad_lags", "reads", "answers", "phases")
_PHASE_SECONDS = 500.0
_OTHERS = ("tasks_left", "wrong", "boosts", "in_order", "visit_acts")
# The middles come first: by them accounts are sorted into cells.
NAMES = (*_PACES, *(f"{name}.spread" for name in _PACES), *_OTHERS)
WORDS = {
    "gaps": "pauses before acts",
    "ad_lags": "pauses after ads",
    "reads": "time for articles",
    "answers": "time for answers",
    "phases": "start within the window",
    "tasks_left": "tasks left out",
    "wrong": "wrong answers",
    "boosts": "videos watched",
    "in_order": "tasks taken in their order",
    "visit_acts": "acts a visit",
}
WIDTH = len(NAMES)
_COUNTED = ("tasks_left", "tasks", "wrong", "right", "boosts", "acts", "steps_in_order", "steps")
_LEAST = 6  # observations, for a middle or a spread
_VISITS_LEAST = 4
_VISIT_VARIANCE = 0.2  # of the logarithm of one visit's acts, about
# What the same program differs by at least: its settings, the phone, the network.
_FLOOR = 0.03**2


class Trait(Struct, frozen=True):
    """The traits of one account, and what it may share with others.

    `registered` counts in days since any day. A variance is infinite where nothing is known.
    """

    user_id: int
    registered: float
    values: Sequence[float]
    variances: Sequence[float]
    networks: Sequence[str] = ()
    referrer: int | None = None


def trait_of(
    user_id: int, days: Sequence[Day], registered: float, referrer: int | None = None
) -> Trait:
    """The traits of an account by its last days."""
    recent = days[-DAYS_MAX:]
    middles, spreads = zip(*(_pace(_seen(recent, name)) for name in _PACES), strict=True)
    total = {name: sum(getattr(day, name) for day in recent) for name in _COUNTED}
    others = (
        _share(total["tasks_left"], total["tasks"]),
        _share(total["wrong"], total["right"] + total["wrong"]),
        _share(total["boosts"], total["acts"]),
        _share(total["steps_in_order"], total["steps"]),
        _size(total["acts"], sum(len(day.visits) for day in recent)),
    )
    values, variances = zip(*middles, *spreads, *others, strict=True)
    networks = sorted({network for day in recent for network in day.networks or ()})
    return Trait(user_id, registered, values, variances, networks, referrer)


def _seen(days: Sequence[Day], name: str) -> list[float]:
    seen = [value for day in days for value in getattr(day, name)]
    return [value / _PHASE_SECONDS for value in seen] if name == "phases" else logarithms(seen)


def _pace(seen: Sequence[float]) -> tuple[tuple[float, float], tuple[float, float]]:
    """The middle, and the logarithm of the spread, each with its variance."""
    n = len(seen)
    high, middle, low = quantile(seen, 0.75), quantile(seen, 0.5), quantile(seen, 0.25)
    if n < _LEAST or high is None or middle is None or low is None:
        return (0.0, math.inf), (0.0, math.inf)
    spread = max((high - low) / 1.349, 0.01)
    return (middle, 1.57 * spread**2 / n + _FLOOR), (math.log(spread), 1.36 / n + _FLOOR)


def _share(part: int, whole: int) -> tuple[float, float]:
    """A share, on the scale on which its error depends on the number alone."""
    if whole < _LEAST:
        return 0.0, math.inf
    return 2 * math.asin(math.sqrt((part + 0.375) / (whole + 0.75))), 1 / (whole + 0.5) + _FLOOR


def _size(acts: int, visits: int) -> tuple[float, float]:
    """How much is done on a visit, as a logarithm."""
    if visits < _VISITS_LEAST:
        return 0.0, math.inf
    return math.log(acts / visits), _VISIT_VARIANCE / visits + _FLOOR


class Gallery:
    """Traits of many accounts, side by side; an account is meant by its place."""

    def __init__(self, found: Iterable[Trait] = ()) -> None:
        self.users = array("q")
        self.values = array("f")
        self.variances = array("f")
        for each in found:
            self.add(each)

    def __len__(self) -> int:
        return len(self.users)

    def add(self, found: Trait) -> int:
        """Keep an account's traits. Return its place."""
        self.users.append(found.user_id)
        self.values.extend(found.values)
        self.variances.extend(found.variances)
        return len(self.users) - 1

    def row(self, place: int) -> tuple[tuple[float, float], ...]:
        """An account's values with their variances."""
        first = place * WIDTH
        last = first + WIDTH
        return tuple(zip(self.values[first:last], self.variances[first:last], strict=True))


def variety(gallery: Gallery, places: Sequence[int]) -> tuple[float, ...]:
    """How much people differ in each trait: the variance between them, without their errors'."""
    found = []
    for name in range(WIDTH):
        known = [
            (gallery.values[at], gallery.variances[at])
            for at in (place * WIDTH + name for place in places)
            if gallery.variances[at] < math.inf
        ]
        values = [value for value, _ in known]
        high, low = quantile(values, 0.75), quantile(values, 0.25)
        error = quantile([variance for _, variance in known], 0.5)
        if high is None or low is None or error is None:
            found.append(0.0)
            continue
        whole = ((high - low) / 1.349) ** 2
        found.append(max(whole - error, whole / 10))
    return tuple(found)
