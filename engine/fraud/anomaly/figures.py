"""Small statistics over plain lists; None where there is too little to say anything."""

import math
from bisect import bisect_right
from collections.abc import Sequence


def quantile(values: Sequence[float], share: float) -> float | None:
    """The value below which that share lies, interpolated; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def median(values: Sequence[float]) -> float | None:
    """The middle one."""
    return quantile(values, 0.5)


def mean(values: Sequence[float]) -> float | None:
    """The arithmetic mean."""
    return math.fsum(values) / len(values) if values else None


def deviation(values: Sequence[float], at_least: int = 3) -> float | None:
    """The standard deviation of the population."""
    if len(values) < at_least:
        return None
    centre = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - centre) ** 2 for value in values) / len(values))


def variation(values: Sequence[float], at_least: int = 4) -> float | None:
    """The coefficient of variation: the standard deviation as a share of the mean."""
    spread = deviation(values, at_least)
    centre = mean(values)
    return None if spread is None or not centre else spread / abs(centre)


def logarithms(values: Sequence[float]) -> list[float]:
    """Natural logarithms; nothing is shorter than a millisecond."""
    return [math.log(max(value, 0.001)) for value in values]


def equal_share(values: Sequence[float], tolerance: float, at_least: int = 6) -> float | None:
    """The largest share of the values that lie within `tolerance`, as a ratio, of the least."""
    if len(values) < at_least:
        return None
    ordered = sorted(max(value, 0.001) for value in values)
    best = max(bisect_right(ordered, v * (1 + tolerance)) - i for i, v in enumerate(ordered))
    return best / len(ordered)


def entropy(counts: Sequence[int]) -> float | None:
    """Of a histogram, in bits."""
    total = sum(counts)
    if not total:
        return None
    return math.fsum(-n / total * math.log2(n / total) for n in counts if n)


def correlation(pairs: Sequence[tuple[float, float]], at_least: int = 8) -> float | None:
    """Pearson's; None if either side does not vary."""
    if len(pairs) < at_least:
        return None
    n = len(pairs)
    x_mean, y_mean = math.fsum(x for x, _ in pairs) / n, math.fsum(y for _, y in pairs) / n
    xx = math.fsum((x - x_mean) ** 2 for x, _ in pairs)
    yy = math.fsum((y - y_mean) ** 2 for _, y in pairs)
    if xx < 1e-12 or yy < 1e-12:
        return None
    return math.fsum((x - x_mean) * (y - y_mean) for x, y in pairs) / math.sqrt(xx * yy)


def share(part: float, whole: float, at_least: int = 1) -> float | None:
    """A share of something."""
    return part / whole if whole >= at_least and whole else None
