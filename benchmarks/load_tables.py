"""What the load benchmark prints: latencies against the targets, and what became of too much."""

import statistics
from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from benchmarks.load_mix import KINDS, members_served
from benchmarks.load_open import Hit, Volley
from benchmarks.support import show

# Served: answered without an error within a second, the blueprint's p99.
IN_TIME_SECONDS = 1.0


class Phase(Struct, frozen=True):
    """Some seconds at one rate."""

    name: str
    per_second: float
    volley: Volley

    @property
    def goodput(self) -> float:
        """Requests a second that were served."""
        return sum(_is_served(hit) for hit in self.volley.hits) / self.volley.seconds


def _is_served(hit: Hit) -> bool:
    return 0 < hit.status < 400 and hit.seconds <= IN_TIME_SECONDS


def joined(phases: Sequence[Phase]) -> Phase:
    """All turns at one rate as one."""
    volleys = [phase.volley for phase in phases]
    hits = [hit for volley in volleys for hit in volley.hits]
    seconds, busy = sum(volley.seconds for volley in volleys), max(v.busy for v in volleys)
    return Phase(phases[0].name, phases[0].per_second, Volley(hits, seconds, busy))


def show_latencies(shares: Sequence[Sequence[Phase]]) -> None:
    """Medians of the turns at each rate, and what each turn came to at p95."""
    targets: list[tuple[str | None, str]] = [
        (kind.name, f"< {kind.target_ms}" if kind.target_ms else "") for kind in KINDS
    ]
    targets.append((None, "p95 < 200, p99 < 1,000"))
    columns = [f"at {phases[0].name}" for phases in shares]
    show("Latency, from when a request was due; starts, tasks: until the outcome",
         ["p50 / p95 / p99 in ms", "target", *columns],
         [[name or "all", target, *(_percentiles(phases, name) for phases in shares)]
          for name, target in targets])  # fmt: skip
    show("p95 of each turn, in ms",
         ["", "target", *columns],
         [[name or "all", target, *(_p95s(phases, name) for phases in shares)]
          for name, target in targets if target])  # fmt: skip


def _percentiles(phases: Sequence[Phase], kind: str | None) -> str:
    return " / ".join(f"{typical_ms(phases, kind, percent):,.0f}" for percent in (50, 95, 99))


def _p95s(phases: Sequence[Phase], kind: str | None) -> str:
    return " ".join(f"{ms(_of(phase, kind), 95):,.0f}" for phase in phases)


def typical_ms(phases: Sequence[Phase], kind: str | None, percent: int) -> float:
    """The median of the turns' percentiles, of one kind of request or of all."""
    return statistics.median(ms(_of(phase, kind), percent) for phase in phases)


def _of(phase: Phase, kind: str | None) -> list[Hit]:
    return [hit for hit in phase.volley.hits if kind is None or hit.kind == kind]


def show_beyond(saturation: float, phases: Sequence[Phase]) -> None:
    """How much was served at each rate, and how the rest was refused."""
    lines = []
    for phase in phases:
        hits = phase.volley.hits
        statuses = Counter(hit.status for hit in hits)
        shed = [hit for hit in hits if hit.status in (429, 503)]
        lines.append(
            [
                phase.name,
                f"{phase.per_second:,.0f}/s",
                f"{phase.goodput:,.0f}/s ({phase.goodput / saturation:.0%})",
                f"{ms([hit for hit in hits if _is_served(hit)], 99):,.0f} ms",
                f"{len(shed) / len(hits):.0%}, p99 {ms(shed, 99):,.0f} ms",
                f"{sum(hit.has_retry_after for hit in shed)} of {len(shed)}",
                ", ".join(f"{status or 'none'}: {n:,}" for status, n in sorted(statuses.items())),
            ]
        )
    columns = ["", "asked", "served in time", "their p99", "shed", "Retry-After", "answers"]
    title = (f"Saturation: {saturation:,.0f} requests/s, the mean demand of "
             f"{members_served(saturation):,.0f} members")  # fmt: skip
    show(title, columns, lines)


def misses(phases: Sequence[Phase]) -> int:
    """How many of the blueprint's targets are missed at p95, or p99 for the last."""
    missed = [typical_ms(phases, None, 95) >= 200, typical_ms(phases, None, 99) >= 1000]
    missed += [
        typical_ms(phases, kind.name, 95) >= kind.target_ms for kind in KINDS if kind.target_ms
    ]
    return sum(missed)


def ms(hits: Sequence[Hit], percent: int) -> float:
    """A percentile of the latencies, in ms; 0 without any."""
    seconds = [hit.seconds for hit in hits]
    if len(seconds) < 2:
        return seconds[0] * 1000 if seconds else 0.0
    return statistics.quantiles(seconds, n=100, method="inclusive")[percent - 1] * 1000
