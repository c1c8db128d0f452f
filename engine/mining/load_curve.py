"""The plan that the stagger makes of a day: how ads would fall if all members came evenly."""

from collections.abc import Sequence

from engine.core.timeline import DAY_SECONDS, Timetable


def planned_shares(table: Timetable, sizes: Sequence[int], slot_seconds: int) -> list[float]:
    """The share of a UTC day's ads that falls into each of its slots; they sum to 1, or to 0.

    Each group's members are spread evenly over each of its windows. `sizes[0]` is group 1's.
    """
    timing = table.timing
    shares = [0.0] * -(-DAY_SECONDS // slot_seconds)
    whole = sum(sizes) * (DAY_SECONDS // timing.cycle_seconds) * timing.window_seconds
    for first, size in zip(table.phases_seconds, sizes, strict=True):
        for opening in range(first, first + DAY_SECONDS, timing.cycle_seconds):
            at, closing = opening, opening + timing.window_seconds
            while at < closing and size:
                second = at % DAY_SECONDS
                slot = second // slot_seconds
                end = min((slot + 1) * slot_seconds, DAY_SECONDS)
                taken = min(closing - at, end - second)
                shares[slot] += size * taken / whole
                at += taken
    return shares
