"""Accrual: the same integers in Python and SQL; any sequence of ticks pays exactly the reward."""

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.timeline import EPOCH
from engine.mining.accrual import accrued
from models.base.db import Database, connected, rows, sql
from models.mining.credit import accrued_sql

HOUR_US = 3_600_000_000
LATEST_US = 4_000_000_000_000_000

rewards = st.integers(1, 600_000_000)
lengths = st.integers(1, 4 * HOUR_US)
starts = st.integers(0, LATEST_US)
offsets = st.integers(-HOUR_US, 5 * HOUR_US)
cases = st.tuples(rewards, starts, lengths, offsets)

SQL_ACCRUED = sql(f"""
    SELECT {accrued_sql("d.at")} AS accrued
    FROM unnest(CAST(:rewards AS bigint[]), CAST(:starts AS timestamptz[]),
                CAST(:ends AS timestamptz[]), CAST(:ats AS timestamptz[]))
         WITH ORDINALITY AS d (reward_micro, started_at, ends_at, at, number)
    CROSS JOIN LATERAL (SELECT d.reward_micro, d.started_at, d.ends_at) s
    ORDER BY d.number
""")


def instant(us: int) -> datetime:
    return EPOCH + timedelta(microseconds=us)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batch=st.lists(cases, min_size=1, max_size=200))
async def test_python_and_sql_agree_to_the_micro(
    database: Database, batch: list[tuple[int, int, int, int]]
) -> None:
    params = {
        "rewards": [reward for reward, _, _, _ in batch],
        "starts": [instant(start) for _, start, _, _ in batch],
        "ends": [instant(start + length) for _, start, length, _ in batch],
        "ats": [instant(max(0, start + offset)) for _, start, _, offset in batch],
    }
    async with connected(database) as connection:
        found = [row.accrued for row in await rows(connection, SQL_ACCRUED, params)]
    columns = zip(*params.values(), strict=True)
    assert found == [accrued(*column) for column in columns]


@given(reward=rewards, start=starts, length=lengths, ticks=st.lists(offsets, max_size=50))
def test_any_ticks_and_the_settlement_sum_to_the_reward(
    reward: int, start: int, length: int, ticks: list[int]
) -> None:
    begin, end = instant(start), instant(start + length)
    boundaries = sorted(instant(max(0, start + tick)) for tick in ticks)
    watermarks = [begin, *(b for b in boundaries if b >= begin)]
    earned = [accrued(reward, begin, end, boundary) for boundary in watermarks]
    paid = [after - before for before, after in pairwise(earned)]
    assert all(amount >= 0 for amount in paid)
    assert sum(paid) + (reward - earned[-1]) == reward


@given(reward=rewards, start=starts, length=lengths)
def test_nothing_before_the_start_and_all_at_the_end(reward: int, start: int, length: int) -> None:
    begin, end = instant(start), instant(start + length)
    assert accrued(reward, begin, end, begin) == 0
    assert accrued(reward, begin, end, begin - timedelta(hours=1)) == 0
    assert accrued(reward, begin, end, end) == reward
    assert accrued(reward, begin, end, end + timedelta(days=1)) == reward
    last = accrued(reward, begin, end, end - timedelta(microseconds=1))
    assert last <= reward
