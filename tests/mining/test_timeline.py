"""Windows tile the cycle; boundaries, phases and schedules are exact."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.core.timeline import (
    DEVELOPMENT,
    EPOCH,
    GROUP_COUNT,
    PRODUCTION,
    PROFILES,
    Timing,
    TimingError,
    boundary_at_or_before,
    bucket_of,
    check_timing,
    current_window,
    daily_schedule,
    next_opening,
    phase_in_window,
    phase_seconds,
    read_schedule,
    timetable,
    user_id_of,
    utc_day,
)
from tests.kit.words import MICROSECOND, at

GROUPS = range(1, GROUP_COUNT + 1)
instants = st.integers(0, 4_000_000_000_000_000).map(lambda us: EPOCH + timedelta(microseconds=us))


@pytest.mark.parametrize("timing", PROFILES.values(), ids=PROFILES)
@given(instant=instants)
def test_exactly_one_group_is_open_at_any_instant(timing: Timing, instant: datetime) -> None:
    table = timetable(timing)
    assert [current_window(table, group, instant) is not None for group in GROUPS].count(True) == 1


@given(instant=instants)
def test_the_blueprints_stagger_opens_two_groups_in_two_slots(instant: datetime) -> None:
    timing = replace(PRODUCTION, stagger_seconds=1800, window_seconds=1800)
    check_timing(timing)
    table = timetable(timing)
    is_open = [group for group in GROUPS if current_window(table, group, instant)]
    assert is_open in ([1, 9], [2, 10], [3], [4], [5], [6], [7], [8])


def test_the_load_curve_is_flat_by_default_and_peaks_at_1_6_with_the_blueprints_stagger() -> None:
    def peak_over_mean(stagger_minutes: int) -> float:
        timing = replace(
            PRODUCTION, stagger_seconds=stagger_minutes * 60, window_seconds=stagger_minutes * 60
        )
        slots = Counter(phase_seconds(timing, group) for group in GROUPS)
        return max(slots.values()) * (timing.cycle_seconds / timing.stagger_seconds) / GROUP_COUNT

    assert peak_over_mean(24) == 1.0
    assert peak_over_mean(30) == 1.6


@given(instant=instants, group=st.sampled_from(GROUPS))
def test_a_window_is_half_open_and_the_next_one_a_cycle_later(
    instant: datetime, group: int
) -> None:
    table = timetable(PRODUCTION)
    opens = next_opening(table, group, instant)
    assert opens > instant
    assert next_opening(table, group, opens - MICROSECOND) == opens
    assert next_opening(table, group, opens) == opens + timedelta(hours=4)
    assert current_window(table, group, opens - MICROSECOND) is None
    window = current_window(table, group, opens)
    assert window is not None
    assert window.opens_at == opens
    assert current_window(table, group, window.closes_at - MICROSECOND) == window
    assert current_window(table, group, window.closes_at) is None


def test_group_ten_opens_at_03_36_and_again_every_four_hours() -> None:
    schedule = ["03:36:00", "07:36:00", "11:36:00", "15:36:00", "19:36:00", "23:36:00"]
    assert daily_schedule(timetable(PRODUCTION), 10) == schedule


@pytest.mark.parametrize("timing", PROFILES.values(), ids=PROFILES)
def test_a_stored_schedule_is_read_back(timing: Timing) -> None:
    for group in GROUPS:
        schedule = daily_schedule(timetable(timing), group)
        assert len(schedule) == 86_400 // timing.cycle_seconds
        assert read_schedule(timing, schedule) == phase_seconds(timing, group)


@pytest.mark.parametrize(
    "schedule",
    [[], ["00:00:00"], ["00:00:00", "04:00:00"], ["nonsense"], ["1:2"]],
)
def test_a_schedule_with_gaps_or_nonsense_is_refused(schedule: list[str]) -> None:
    with pytest.raises(TimingError):
        read_schedule(PRODUCTION, schedule)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"tick_seconds": 700}, "tick_seconds=700 must divide"),
        ({"stagger_seconds": 1700}, "stagger_seconds=1700 must divide"),
        ({"stagger_seconds": 60, "window_seconds": 60}, "at most 10 slots"),
        ({"window_seconds": 1000}, "window_seconds=1000 must be a multiple"),
        ({"cycle_seconds": 5 * 3600}, "must divide a day"),
        ({"ad_seconds": 900}, "must be shorter than"),
        ({"proof_seconds": 7200}, "must fit into cycle_seconds"),
        ({"tick_seconds": 0}, "tick_seconds must be at least 1 second"),
    ],
)
def test_contradictory_timing_is_refused_by_name(change: dict[str, int], named: str) -> None:
    with pytest.raises(TimingError, match=named):
        check_timing(replace(PRODUCTION, **change))


def test_both_profiles_are_sound_and_alike() -> None:
    for timing in PROFILES.values():
        check_timing(timing)
    assert DEVELOPMENT.cycle_seconds * 60 == PRODUCTION.cycle_seconds


@given(instant=instants, period=st.integers(1, 10**6), offset=st.integers(0, 10**6))
def test_boundaries_lie_on_their_grid(instant: datetime, period: int, offset: int) -> None:
    boundary = boundary_at_or_before(instant, period, offset)
    assert boundary <= instant < boundary + timedelta(seconds=period)
    assert (boundary - EPOCH - timedelta(seconds=offset)) % timedelta(seconds=period) == timedelta()


def test_phases_are_stable_and_spread_evenly_over_the_window() -> None:
    window = PRODUCTION.window_seconds
    phases = [phase_in_window(window, user_id) for user_id in range(1, 10_001)]
    assert phases == [phase_in_window(window, user_id) for user_id in range(1, 10_001)]
    tenths = Counter(int(phase.total_seconds() * 10 // window) for phase in phases)
    assert set(tenths) == set(range(10))
    assert max(tenths.values()) < 1.15 * min(tenths.values())


def test_user_ids_are_unique_and_fill_the_buckets_in_runs() -> None:
    ids = [user_id_of(number) for number in range(1, 3 * 64 * 64 + 1)]
    assert len(set(ids)) == len(ids)
    assert min(ids) > 0
    buckets = [bucket_of(user_id) for user_id in ids]
    assert buckets[:64] == [0] * 64
    assert buckets[64:128] == [1] * 64
    assert set(Counter(buckets).values()) == {3 * 64}


def test_on_a_cluster_newcomers_in_a_row_have_buckets_of_their_own() -> None:
    ids = [user_id_of(number, on_cluster=True) for number in range(1, 2 * 64 * 64 + 1)]
    assert [bucket_of(user_id) for user_id in ids] == 2 * 64 * list(range(64))
    for first in (1, 64 * 64 + 1):  # either way a round of numbers makes the same ids
        numbers = range(first, first + 64 * 64)
        assert {user_id_of(n, on_cluster=True) for n in numbers} == {*map(user_id_of, numbers)}


def test_midnight_belongs_to_the_day_it_begins() -> None:
    assert utc_day(at("2026-03-02T00:00Z") - MICROSECOND).isoformat() == "2026-03-01"
    assert utc_day(at("2026-03-02T00:00Z")).isoformat() == "2026-03-02"
