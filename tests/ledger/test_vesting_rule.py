"""What may be spent until an account is proven, as arithmetic (decision 0047)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.core.money import MICRO_PER_TWTC
from engine.core.timeline import PRODUCTION, timetable
from engine.ledger.vesting import (
    ALLOWANCE_BEGINS,
    Holder,
    Missing,
    Proof,
    Vesting,
    allowance_day,
    prove,
    spendable_bound_micro,
    spendable_micro,
)
from schedules.timetable import entries

RULES = Vesting()
LIMIT = RULES.daily_limit_micro
PROVEN = Holder(
    settled_micro=500 * MICRO_PER_TWTC,
    spent_micro=0,
    days=7,
    has_email=True,
    has_phone=True,
    score=30,
)


def test_a_day_begins_when_the_nights_score_is_known() -> None:
    two = datetime(2026, 3, 5, 2, tzinfo=UTC)
    assert allowance_day(two) == date(2026, 3, 5)
    assert allowance_day(two - timedelta(microseconds=1)) == date(2026, 3, 4)
    [scored] = [entry for entry in entries(timetable(PRODUCTION)) if entry.name == "score"]
    assert timedelta(seconds=scored.offset_seconds) < ALLOWANCE_BEGINS


@pytest.mark.parametrize(
    ("changes", "missing", "needed"),
    [
        ({}, (), 7),
        ({"score": None}, (), 7),
        ({"days": 6}, (Missing.DAYS,), 7),
        ({"has_phone": False}, (Missing.DAYS, Missing.PHONE), 14),
        ({"has_phone": False, "days": 13}, (Missing.DAYS, Missing.PHONE), 14),
        ({"has_phone": False, "days": 14}, (), 14),
        ({"has_email": False}, (Missing.DAYS, Missing.EMAIL), 14),
        ({"has_email": False, "days": 14}, (), 14),
        ({"score": 31}, (Missing.SCORE,), 7),
        ({"score": 31, "has_phone": False, "days": 99}, (Missing.SCORE,), 14),
        (
            {"days": 0, "has_phone": False, "score": 100},
            (Missing.DAYS, Missing.PHONE, Missing.SCORE),
            14,
        ),
    ],
)
def test_an_account_is_proven_by_days_addresses_and_score(
    changes: dict[str, int | bool], missing: tuple[Missing, ...], needed: int
) -> None:
    holder = replace(PROVEN, **changes)
    assert prove(holder, RULES) == Proof(not missing, missing, holder.days, needed)


def test_an_address_that_would_not_help_is_not_missing() -> None:
    rules = replace(RULES, days_one_address=7)
    holder = replace(PROVEN, days=3, has_phone=False)
    assert prove(holder, rules).missing == (Missing.DAYS,)


def test_no_rules_prove_everybody() -> None:
    rules = Vesting(days=0, days_one_address=0, score_below=101)
    newcomer = Holder(5, 0, 0, True, False, 100)
    assert prove(newcomer, rules).is_proven and spendable_micro(newcomer, rules) == 5


@pytest.mark.parametrize(
    ("settled", "spent", "spendable"),
    [
        (0, 0, 0),
        (LIMIT - 1, 0, LIMIT - 1),
        (LIMIT + 1, 0, LIMIT),
        (5 * LIMIT, 1, LIMIT - 1),
        (5 * LIMIT, LIMIT, 0),
        (5 * LIMIT, 3 * LIMIT, 0),  # it was proven this morning
    ],
)
def test_an_unproven_account_spends_up_to_the_daily_limit(
    settled: int, spent: int, spendable: int
) -> None:
    holder = replace(PROVEN, days=0, settled_micro=settled, spent_micro=spent)
    assert spendable_micro(holder, RULES) == spendable
    assert spendable_micro(replace(holder, days=7), RULES) == settled


amounts = st.integers(0, 2_000 * MICRO_PER_TWTC)


@given(st.lists(amounts, max_size=20), st.lists(amounts, max_size=60), st.integers(0, 25))
def test_nobody_spends_more_than_the_bound(
    settled_by_day: list[int], wishes: list[int], proven_from: int
) -> None:
    """Whatever is asked for, in whatever portions: the rule itself never lets out more."""
    holder = replace(PROVEN, days=0, settled_micro=0)
    total, asked = 0, iter(wishes)
    for number, settled in enumerate(settled_by_day):
        days = RULES.days if number >= proven_from else 0
        holder = replace(
            holder, settled_micro=holder.settled_micro + settled, spent_micro=0, days=days
        )
        for wish in (next(asked, LIMIT) for _ in range(3)):
            amount = min(wish, spendable_micro(holder, RULES))
            total += amount
            holder = replace(
                holder,
                settled_micro=holder.settled_micro - amount,
                spent_micro=holder.spent_micro + amount,
            )
        if number < proven_from:
            assert holder.spent_micro <= LIMIT
        assert holder.settled_micro >= 0
    assert total <= spendable_bound_micro(settled_by_day, RULES, proven_from)


def test_the_bound_is_reached_and_grows_with_the_days_only() -> None:
    rich = [1_000 * MICRO_PER_TWTC] * 3
    assert spendable_bound_micro(rich, RULES) == 300 * MICRO_PER_TWTC
    assert spendable_bound_micro([*rich, 0, 0], RULES) == 500 * MICRO_PER_TWTC
    assert spendable_bound_micro([*rich, 0], RULES, proven_from=3) == sum(rich)
    assert spendable_bound_micro([7, 0, 5], RULES) == 12
    assert spendable_bound_micro([], RULES) == 0
