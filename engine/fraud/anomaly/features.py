"""The features of an account on a day: what its last seven days have in common.

A feature is None where there is too little to say anything; the model knows what that means.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from engine.fraud.anomaly.acts import Day
from engine.fraud.anomaly.figures import (
    correlation,
    deviation,
    entropy,
    equal_share,
    logarithms,
    mean,
    median,
    quantile,
    share,
    variation,
)

DAYS_MAX = 7
ACTS_MIN = 30
DAYS_MIN = 3
# What a user is compared with the population in, by the logarithm of their median.
NORMED = ("reads", "answers", "gaps")
_EARLY_SECONDS = 5.0
_ECHO_SECONDS = 1.0
_QUIET_SHARE = 0.05

Features = Mapping[str, float | None]


class Norm(Struct, frozen=True):
    """A day's population: the median of the users' medians, and of their distances from it.

    Both of logarithms of seconds.
    """

    centre: float
    distance: float


class Feature(Struct, frozen=True):
    """A feature: what a moderator reads, and which way it points.

    `sign` is 1 if more of it can only speak for a program, -1 if less of it can; 0 if either may.
    """

    words: str
    sign: int
    of: Callable[[Sequence[Day], Mapping[str, Norm]], float | None]


def features(days: Sequence[Day], norms: Mapping[str, Norm]) -> dict[str, float | None]:
    """The features of an account by its days, the oldest first; at most seven."""
    recent = days[-DAYS_MAX:]
    return {name: feature.of(recent, norms) for name, feature in FEATURES.items()}


def is_enough(days: Sequence[Day]) -> bool:
    """Whether there is enough to say anything: some acts, on some days.

    Who does so little does little harm, and nobody's first days are their habits.
    """
    recent = days[-DAYS_MAX:]
    return len(recent) >= DAYS_MIN and sum(day.acts for day in recent) >= ACTS_MIN


def weeks_of(days: Sequence[Day]) -> list[Sequence[Day]]:
    """What a score looks back on, on each of the nights after these days."""
    return [days[max(0, night - DAYS_MAX) : night] for night in range(1, len(days) + 1)]


def own_centre(values: Sequence[float]) -> float | None:
    """The logarithm of a user's median, by which users are compared; None of too few."""
    return median(logarithms(values)) if len(values) >= 3 else None


def norm_of(centres: Sequence[float]) -> Norm | None:
    """The norm of a population by its users' centres."""
    centre = median(centres)
    if centre is None:
        return None
    distance = median([abs(value - centre) for value in centres])
    return Norm(centre, max(distance or 0.0, 0.05))


def _pool(days: Sequence[Day], name: str) -> list[float]:
    return [value for day in days for value in getattr(day, name)]


def _total(days: Sequence[Day], name: str) -> int:
    return sum(getattr(day, name) for day in days)


def _spread(name: str) -> Callable[[Sequence[Day], Mapping[str, Norm]], float | None]:
    """How far the middle half of the values lies apart, in logarithms."""

    def spread(days: Sequence[Day], norms: Mapping[str, Norm]) -> float | None:
        values = logarithms(_pool(days, name))
        high, low = quantile(values, 0.75), quantile(values, 0.25)
        return None if len(values) < 5 or high is None or low is None else high - low

    return spread


def _against(name: str) -> Callable[[Sequence[Day], Mapping[str, Norm]], float | None]:
    """The user's median against the population's, in distances of the population."""

    def against(days: Sequence[Day], norms: Mapping[str, Norm]) -> float | None:
        own, norm = own_centre(_pool(days, name)), norms.get(name)
        if own is None or norm is None:
            return None
        return max(-20.0, min(20.0, (own - norm.centre) / norm.distance))

    return against


def _ratio(part: str, whole: str, at_least: int) -> Callable[..., float | None]:
    def ratio(days: Sequence[Day], norms: Mapping[str, Norm]) -> float | None:
        return share(_total(days, part), _total(days, whole), at_least)

    return ratio


def _a_day(name: str) -> Callable[[Sequence[Day], Mapping[str, Norm]], float | None]:
    return lambda days, norms: share(_total(days, name), len(days))


def _tail(days: Sequence[Day], norms: Mapping[str, Norm]) -> float | None:
    """How far the slowest tenth of the pauses lies beyond the middle one, in logarithms."""
    values = logarithms(_pool(days, "gaps"))
    high, middle = quantile(values, 0.95), median(values)
    return None if len(values) < 15 or high is None or middle is None else high - middle


def _gap_equal(days: Sequence[Day], norms: Mapping[str, Norm]) -> float | None:
    return equal_share(_pool(days, "gaps"), 0.1, at_least=15)


def _gap_variation(days: Sequence[Day], norms: Mapping[str, Norm]) -> float | None:
    return variation(_pool(days, "gaps"), at_least=15)


def _visit_intervals(days: Sequence[Day]) -> list[float]:
    return [
        after - before
        for day in days
        for before, after in zip(day.visits, day.visits[1:], strict=False)
    ]


def _visit_equal(days: Sequence[Day], norms: Mapping[str, Norm]) -> float | None:
    return equal_share(_visit_intervals(days), 0.01)


def _visit_variation(days: Sequence[Day], norms: Mapping[str, Norm]) -> float | None:
    return variation(_visit_intervals(days))


def _phase_early(days: Sequence[Day], norms: Mapping[str, Norm]) -> float | None:
    phases = _pool(days, "phases")
    return share(sum(phase < _EARLY_SECONDS for phase in phases), len(phases), 8)


def _phase_spread(days: Sequence[Day], norms: Mapping[str, Norm]) -> float | None:
    return deviation(_pool(days, "phases"), at_least=8)


def _hours(days: Sequence[Day]) -> list[int]:
    return [sum(day.hours[hour] for day in days) for hour in range(24)]


def _hours_entropy(days: Sequence[Day], norms: Mapping[str, Norm]) -> float | None:
    return entropy(_hours(days))


def _hours_active(days: Sequence[Day], norms: Mapping[str, Norm]) -> float | None:
    return mean([float(sum(count > 0 for count in day.hours)) for day in days])


def _rest(days: Sequence[Day], norms: Mapping[str, Norm]) -> float | None:
    """The longest stretch of the clock, in hours, in which next to nothing ever happens."""
    counts = _hours(days)
    allowed, longest = sum(counts) * _QUIET_SHARE, 0
    for first in range(24):
        seen = length = 0
        while length < 24 and seen + counts[(first + length) % 24] <= allowed:
            seen += counts[(first + length) % 24]
            length += 1
        longest = max(longest, length)
    return float(longest) if sum(counts) else None


def _same_hours(days: Sequence[Day], norms: Mapping[str, Norm]) -> float | None:
    """How much of one day's active hours is active on the next day too."""
    active = [{hour for hour, count in enumerate(day.hours) if count} for day in days]
    pairs = [(a, b) for a, b in itertools.pairwise(active) if a and b]
    return mean([len(a & b) / len(a | b) for a, b in pairs])


def _phase_drift(days: Sequence[Day], norms: Mapping[str, Norm]) -> float | None:
    """How far the days' median phases lie apart, in seconds."""
    if sum(len(day.phases) for day in days) < 8:
        return None
    medians = [median(day.phases) for day in days]
    return deviation([value for value in medians if value is not None])


def _replay(days: Sequence[Day], norms: Mapping[str, Norm]) -> float | None:
    """How well one day's pauses predict the next day's, place by place."""
    found = [
        correlation(list(zip(logarithms(a.gaps), logarithms(b.gaps), strict=False)))
        for a, b in itertools.pairwise(days)
    ]
    return mean([value for value in found if value is not None])


def _echo(days: Sequence[Day], norms: Mapping[str, Norm]) -> float | None:
    """The share of visits that begin at the very second at which one began the day before."""
    found = [
        any(abs(visit - other) <= _ECHO_SECONDS for other in before.visits)
        for before, day in itertools.pairwise(days)
        for visit in day.visits
    ]
    return share(sum(found), len(found), 4)


def _answer_least(days: Sequence[Day], norms: Mapping[str, Norm]) -> float | None:
    values = logarithms(_pool(days, "answers"))
    return quantile(values, 0.1) if len(values) >= 3 else None


def _right(days: Sequence[Day], norms: Mapping[str, Norm]) -> float | None:
    right, wrong = _total(days, "right"), _total(days, "wrong")
    # As if two more had been answered, one of them rightly: few answers say little.
    return (right + 1) / (right + wrong + 2) if right + wrong >= 3 else None


def _distinct(name: str) -> Callable[[Sequence[Day], Mapping[str, Norm]], float | None]:
    """How many different ones over the days, by day: many on every day is more than once a trip."""

    def distinct(days: Sequence[Day], norms: Mapping[str, Norm]) -> float | None:
        known = [set(getattr(day, name)) for day in days if getattr(day, name) is not None]
        if not known:
            return None
        return math.log(len(set().union(*known)))

    return distinct


def _ips_a_day(days: Sequence[Day], norms: Mapping[str, Norm]) -> float | None:
    return mean([float(len(day.ips)) for day in days if day.ips is not None])


FEATURES: Mapping[str, Feature] = {
    "gap_centre": Feature("usual pause before an act, against everybody's", -1, _against("gaps")),
    "gap_spread": Feature("how much the pauses vary", -1, _spread("gaps")),
    "gap_variation": Feature("how much the pauses vary, long ones included", -1, _gap_variation),
    "gap_tail": Feature("how far the long pauses exceed the usual one", -1, _tail),
    "gap_equal": Feature("share of pauses that are nearly equal", 1, _gap_equal),
    "visit_equal": Feature("share of visits at nearly equal intervals", 1, _visit_equal),
    "visit_variation": Feature("how much the time between visits varies", -1, _visit_variation),
    "phase_early": Feature("share of sessions started as the window opens", 1, _phase_early),
    "phase_spread": Feature("how much the start within the window varies", -1, _phase_spread),
    "phase_drift": Feature("how the start within the window changes by day", -1, _phase_drift),
    "hours_entropy": Feature("how evenly activity covers the clock", 1, _hours_entropy),
    "hours_active": Feature("hours of the day with activity", 1, _hours_active),
    "rest_hours": Feature("longest nightly rest", -1, _rest),
    "same_hours": Feature("likeness of one day's hours and the next day's", 1, _same_hours),
    "read_centre": Feature("time for an article, against everybody's", -1, _against("reads")),
    "read_spread": Feature("how much the time for an article varies", -1, _spread("reads")),
    "ad_lag_spread": Feature("how much the end of an ad varies", -1, _spread("ad_lags")),
    "answer_centre": Feature("time for an answer, against everybody's", -1, _against("answers")),
    "answer_least": Feature("the quickest answers", -1, _answer_least),
    "answer_spread": Feature("how much the time for an answer varies", -1, _spread("answers")),
    "right_rate": Feature("share of right answers", 1, _right),
    "refused_rate": Feature("share of acts that were refused", 1, _ratio("refused", "acts", 8)),
    "ads_failed": Feature(
        "share of ads that failed or were cut", 1, _ratio("ads_failed", "ads", 4)
    ),
    "boosts_left": Feature("share of videos left", 0, _ratio("boosts_left", "boosts", 3)),
    "tasks_left": Feature("share of tasks left", 0, _ratio("tasks_left", "tasks", 5)),
    "in_order": Feature("tasks taken in their order", 1, _ratio("steps_in_order", "steps", 5)),
    "replay": Feature("likeness of one day's pauses and the next day's", 1, _replay),
    "visit_echo": Feature("visits begun at the second of the day before's", 1, _echo),
    "acts_a_day": Feature("acts a day", 1, _a_day("acts")),
    "devices": Feature("different devices", 1, _distinct("devices")),
    "ips_a_day": Feature("different addresses a day", 1, _ips_a_day),
}
NAMES: tuple[str, ...] = tuple(FEATURES)
