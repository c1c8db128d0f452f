"""A newcomer's group, and the weekly balance, as pure rules."""

from hypothesis import given
from hypothesis import strategies as st

from engine.core.timeline import GROUP_COUNT, PRODUCTION, timetable
from engine.mining.groups import assign, plan_moves, tolerance
from tests.kit.words import at

TABLE = timetable(PRODUCTION)
sizes_of_ten = st.lists(st.integers(0, 5_000), min_size=GROUP_COUNT, max_size=GROUP_COUNT)


def test_among_equal_groups_a_newcomer_gets_the_one_that_opens_next() -> None:
    assert assign([0] * 10, TABLE, at("00:00")) == 1
    assert assign([0] * 10, TABLE, at("00:01")) == 2
    assert assign([0] * 10, TABLE, at("03:40")) == 1


def test_a_group_well_above_the_smallest_gets_no_newcomer() -> None:
    sizes = [100, 5, 100, 100, 100, 100, 100, 100, 100, 100]
    assert assign(sizes, TABLE, at("02:00")) == 2


def test_the_tolerance_is_five_members_or_one_percent() -> None:
    assert tolerance([0] * 10) == 5
    assert tolerance([2_000] * 10) == 20
    assert assign([5, *[0] * 9], TABLE, at("00:00")) == 1
    assert assign([6, *[0] * 9], TABLE, at("00:00")) == 2


@given(sizes=sizes_of_ten)
def test_a_newcomer_never_joins_a_group_beyond_the_tolerance(sizes: list[int]) -> None:
    chosen = assign(sizes, TABLE, at("00:00"))
    assert sizes[chosen - 1] <= min(sizes) + tolerance(sizes)


@given(sizes=sizes_of_ten)
def test_moves_even_out_the_groups_and_are_as_few_as_possible(sizes: list[int]) -> None:
    moves = plan_moves(sizes)
    after = list(sizes)
    for move in moves:
        assert move.member_count > 0
        after[move.from_group - 1] -= move.member_count
        after[move.to_group - 1] += move.member_count
    assert sum(after) == sum(sizes)
    if moves:
        assert max(after) - min(after) <= 1
        most = -(-sum(sizes) // len(sizes))
        least = sum(sizes) // len(sizes)
        too_many = sum(max(0, size - most) for size in sizes)
        too_few = sum(max(0, least - size) for size in sizes)
        assert sum(move.member_count for move in moves) == max(too_many, too_few)
    else:
        assert max(sizes) - min(sizes) <= tolerance(sizes)


def test_groups_within_the_tolerance_are_left_alone() -> None:
    assert plan_moves([105, *[100] * 9]) == []
    assert plan_moves([106, *[100] * 9]) != []
