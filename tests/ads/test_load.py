"""The plan of a day's ads."""

from itertools import cycle, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.core.timeline import DEVELOPMENT, PRODUCTION, Timing, timetable
from engine.mining.load_curve import planned_shares

SIZES = st.lists(st.integers(0, 10**6), min_size=10, max_size=10).filter(sum)


def test_even_groups_make_an_even_day() -> None:
    shares = planned_shares(timetable(PRODUCTION), [7] * 10, PRODUCTION.window_seconds)
    assert shares == pytest.approx([1 / 60] * 60)


def test_half_an_hour_apart_two_windows_carry_double() -> None:
    timing = replace(PRODUCTION, stagger_seconds=1_800, window_seconds=1_800)
    shares = planned_shares(timetable(timing), [7] * 10, 1_800)
    assert max(shares) / (sum(shares) / len(shares)) == pytest.approx(1.6)


def test_each_slot_has_the_share_of_the_group_whose_turn_it_is() -> None:
    sizes = list(range(1, 11))
    shares = planned_shares(timetable(PRODUCTION), sizes, PRODUCTION.window_seconds)
    assert shares == pytest.approx([size / 330 for size in islice(cycle(sizes), 60)])


@given(SIZES, st.sampled_from([PRODUCTION, DEVELOPMENT]), st.integers(600, 86_400))
def test_a_days_shares_are_one(sizes: list[int], timing: Timing, slot_seconds: int) -> None:
    assert sum(planned_shares(timetable(timing), sizes, slot_seconds)) == pytest.approx(1)


def test_nobody_makes_no_plan() -> None:
    assert set(planned_shares(timetable(PRODUCTION), [0] * 10, 1_440)) == {0.0}
