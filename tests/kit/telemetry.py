"""What has been counted."""

from runtime.telemetry.meter import Labels, Metric, meter


class Since:
    """What has been counted since a moment."""

    def __init__(self) -> None:
        self._before = meter.figures()
        self._counts = {
            (name, labels): sum(spread.counts) for name, labels, spread in self._before.spreads
        }

    def count(self, metric: Metric, *labels: str) -> float:
        before = {(name, at): value for name, at, value in self._before.numbers}
        return meter.value(metric, *labels) - before.get((metric.name, labels), 0)

    def observed(self, metric: Metric, *labels: str) -> int:
        key: tuple[str, Labels] = (metric.name, labels)
        return sum(meter.spread(metric, *labels).counts) - self._counts.get(key, 0)
