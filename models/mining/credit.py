"""The credit tick: a few set statements for all pieces of a bucket (decision 0007).

It runs while their watermark rows are held, so that ticks, settlements and batches of a bucket
follow each other.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from models.base.db import Connection, run, sql


def accrued_sql(at: str) -> str:
    """engine.mining.accrual.accrued in SQL, for a row of mining_sessions named `s`.

    The same integers: `date_part` is exact to the microsecond over the length of a session.
    """
    length = "CAST(date_part('epoch', s.ends_at - s.started_at) * 1000000 AS bigint)"
    elapsed = (
        f"CAST(date_part('epoch', GREATEST(LEAST({at}, s.ends_at), s.started_at) - s.started_at)"
        " * 1000000 AS bigint)"
    )
    return f"(s.reward_micro * {elapsed} / {length})"


EARNED = (
    f"({accrued_sql('CAST(:boundary AS timestamptz)')}"
    f" - {accrued_sql('CAST(:credited_through AS timestamptz)')})"
)

# Sessions of one user do not overlap: of those running at an instant each has a wallet of its own.
# One descent of the index finds the wallets of a page, and a search in the sorted ids each amount:
# a join would descend once for each wallet (decision 0007).
CREDIT_RUNNING = sql(f"""
    WITH moved AS (
        UPDATE credit_watermarks SET credited_through = CAST(:boundary AS timestamptz)
        WHERE bucket = :bucket AND group_number = ANY(CAST(:groups AS smallint[]))
    ), earned AS MATERIALIZED (
        SELECT array_agg(d.user_id) AS users, array_agg(d.amount) AS amounts FROM (
            SELECT s.user_id, {EARNED} AS amount FROM mining_sessions s
            WHERE s.bucket = :bucket AND s.group_number = ANY(CAST(:groups AS smallint[]))
              AND s.status = 'ACTIVE' AND s.ends_at > :boundary AND s.started_at < :boundary
            ORDER BY s.user_id) d
    )
    UPDATE wallets w
    SET balance = w.balance + e.amounts[width_bucket(w.user_id, e.users)], updated_at = :now
    FROM earned e
    WHERE w.bucket = :bucket AND w.user_id = ANY(e.users)
""")

# Ended since the last tick and not yet settled: few, but a user may have several of them.
CREDIT_ENDED = sql(f"""
    UPDATE wallets w SET balance = w.balance + d.amount, updated_at = :now
    FROM (
        SELECT s.user_id, CAST(sum({EARNED}) AS bigint) AS amount FROM mining_sessions s
        WHERE s.bucket = :bucket AND s.group_number = ANY(CAST(:groups AS smallint[]))
          AND s.status = 'ACTIVE'
          AND s.ends_at > :credited_through AND s.ends_at <= :boundary
        GROUP BY s.user_id
    ) d
    WHERE w.bucket = :bucket AND w.user_id = d.user_id
""")


async def credit(
    connection: Connection,
    bucket: int,
    through: Mapping[int, datetime],
    boundary: datetime,
    now: datetime,
) -> int:
    """Pay what the sessions of a held bucket have earned by `boundary`, and move its watermarks.

    `through` says how far the groups to be paid have been. Return the payments made. A boundary
    that was paid already is a no-op; a missed one is caught up by the next.
    """
    unpaid: dict[datetime, list[int]] = {}
    for group, credited_through in through.items():
        if credited_through < boundary:
            unpaid.setdefault(credited_through, []).append(group)
    paid = 0
    for credited_through, groups in unpaid.items():
        paid += await _credit_groups(connection, bucket, groups, credited_through, boundary, now)
    return paid


async def _credit_groups(
    connection: Connection,
    bucket: int,
    groups: Sequence[int],
    credited_through: datetime,
    boundary: datetime,
    now: datetime,
) -> int:
    params = {
        "bucket": bucket,
        "groups": groups,
        "credited_through": credited_through,
        "boundary": boundary,
        "now": now,
    }
    ended = await run(connection, CREDIT_ENDED, params)
    return ended + await run(connection, CREDIT_RUNNING, params)
