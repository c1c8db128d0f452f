"""Writing figures down as Prometheus reads them, those of several processes as one."""

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from runtime.telemetry.meter import Figures, Kind, Labels, Metric, Spread


class _Merged(Collector):
    """The figures of several processes, those of dead ones without their gauges."""

    def __init__(
        self, metrics: Sequence[Metric], live: Iterable[Figures], dead: Iterable[Figures]
    ) -> None:
        self._metrics = {metric.name: metric for metric in metrics}
        self._numbers: dict[tuple[str, Labels], float] = {}
        self._spreads: dict[tuple[str, Labels], Spread] = {}
        for figures in live:
            self._add(figures, is_dead=False)
        for figures in dead:
            self._add(figures, is_dead=True)

    def _add(self, figures: Figures, *, is_dead: bool) -> None:
        for name, labels, value in figures.numbers:
            metric = self._metrics.get(name)
            if metric is None or (is_dead and metric.kind is Kind.GAUGE):
                continue
            before = self._numbers.get((name, labels))
            if before is None:
                self._numbers[name, labels] = value
            else:
                merged = max(before, value) if metric.is_max else before + value
                self._numbers[name, labels] = merged
        for name, labels, spread in figures.spreads:
            metric = self._metrics.get(name)
            if metric is not None and len(spread.counts) == len(metric.bounds) + 1:
                empty = Spread([0] * len(spread.counts))
                self._spreads.setdefault((name, labels), empty).add(spread)

    def collect(self) -> Iterator[Family]:
        """Each metric, also one that has no figures yet."""
        for metric in self._metrics.values():
            yield self._family(metric)

    def _family(self, metric: Metric) -> Family:
        if metric.kind is Kind.HISTOGRAM:
            family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
            for (name, labels), spread in self._spreads.items():
                if name == metric.name:
                    family.add_metric(labels, _cumulated(metric, spread), spread.total)
            return family
        family_type = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
        numbers = family_type(metric.name, metric.help, labels=metric.labels)
        for (name, labels), value in self._numbers.items():
            if name == metric.name:
                numbers.add_metric(labels, value)
        return numbers


def _cumulated(metric: Metric, spread: Spread) -> list[tuple[str, float]]:
    buckets, count = [], 0
    bounds = [f"{bound:g}" for bound in metric.bounds] + ["+Inf"]
    for bound, here in zip(bounds, spread.counts, strict=True):
        count += here
        buckets.append((bound, float(count)))
    return buckets


def expose(
    metrics: Sequence[Metric], live: Iterable[Figures], dead: Iterable[Figures], accept: str
) -> tuple[bytes, str]:
    """The text for an Accept header, and its media type."""
    encode, media_type = choose_encoder(accept)
    return encode(_Merged(metrics, live, dead)), media_type
