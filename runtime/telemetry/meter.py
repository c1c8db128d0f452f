"""Counting within one process: plain numbers, so that an event costs less than a microsecond.

`prometheus_client` needs six to observe one, a seventh of an answer to the poll; so it writes what
is counted here, when somebody asks (decision 0036).
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from enum import StrEnum

from msgspec import Struct

Labels = tuple[str, ...]


class Kind(StrEnum):
    """What a figure does: it only rises, it is as it is now, or it is spread over buckets."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Metric(Struct, frozen=True):
    """A figure by name, and what its labels are.

    Of several processes a gauge is their sum, or the largest of them; the others are summed.
    """

    name: str
    kind: Kind
    help: str
    labels: Labels = ()
    bounds: tuple[float, ...] = ()
    is_max: bool = False


class Spread(Struct):
    """A histogram's figures: how many up to each bound, of which the last is infinity."""

    counts: list[int]
    total: float = 0.0

    def add(self, other: "Spread") -> None:
        """Add another process's figures."""
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.total += other.total


class Figures(Struct):
    """All figures of a process, by metric and labels."""

    numbers: list[tuple[str, Labels, float]] = []
    spreads: list[tuple[str, Labels, Spread]] = []


class Meter:
    """The figures of this process, counted on its event loop; any thread may read them."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, Labels], float] = {}
        self._spreads: dict[tuple[str, Labels], Spread] = {}

    def count(self, metric: Metric, *labels: str, by: float = 1) -> None:
        """Something happened, `by` times."""
        key = metric.name, labels
        self._numbers[key] = self._numbers.get(key, 0) + by

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        """It is so much now."""
        self._numbers[metric.name, labels] = value

    def value(self, metric: Metric, *labels: str) -> float:
        """How much it is now."""
        return self._numbers.get((metric.name, labels), 0)

    def replace(self, metric: Metric, values: Mapping[Labels, float]) -> None:
        """It is so much now for these labels, and nothing for any other."""
        for key in [key for key in self._numbers if key[0] == metric.name]:
            del self._numbers[key]
        self._numbers.update({(metric.name, labels): value for labels, value in values.items()})

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """One more of this size."""
        spread = self.spread(metric, *labels)
        spread.counts[bisect_left(metric.bounds, value)] += 1
        spread.total += value

    def spread(self, metric: Metric, *labels: str) -> Spread:
        """The figures of a histogram, to be kept by whoever observes often."""
        found = self._spreads.get((metric.name, labels))
        if found is None:
            found = Spread([0] * (len(metric.bounds) + 1))
            self._spreads[metric.name, labels] = found
        return found

    def figures(self) -> Figures:
        """What has been counted, to be written down or merged."""
        return Figures(
            [(name, labels, value) for (name, labels), value in list(self._numbers.items())],
            [(name, labels, spread) for (name, labels), spread in list(self._spreads.items())],
        )

    def adopt(self, figures: Figures, metrics: Iterable[Metric]) -> None:
        """Go on from the figures of a process that is no more: counters never fall."""
        known = {metric.name: metric for metric in metrics}
        for name, labels, value in figures.numbers:
            if name in known and known[name].kind is Kind.COUNTER:
                self.count(known[name], *labels, by=value)
        for name, labels, spread in figures.spreads:
            if name in known and len(spread.counts) == len(known[name].bounds) + 1:
                self.spread(known[name], *labels).add(spread)


meter = Meter()
