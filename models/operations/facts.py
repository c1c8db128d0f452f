"""Computing a day's figures, once, by set statements of one bucket each; and reading them.

Each statement gives (name, label, value) rows of its bucket; their sums are the day's figures. A
domain's are in its `facts.FACTS`, asked with the day and where it begins and ends.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from msgspec import Struct

from engine.core.timeline import BUCKET_COUNT, utc_day
from engine.operations.facts import MAU_DAYS, RETENTION_DAYS, DayFacts
from models.base.db import Connection, Database, Statement, connected, rows, run, sql
from models.base.patience import patiently
from models.domains import FACTS

# From the activity log: what anybody did, by themselves or by an ad's proof.
MARK_ACTIVE = sql("""
    INSERT INTO active_days (bucket, day, user_id)
    SELECT DISTINCT bucket, CAST(:day AS date), user_id FROM activity_logs
    WHERE bucket = :bucket AND created_at >= :since AND created_at < :until
    ON CONFLICT (bucket, day, user_id) DO NOTHING
""")

# Who was active is marked when the day is over; until then the log says it.
WHOLE_DAY = {
    "active": sql("""
        SELECT 'users' AS name, 'active' AS label, count(*) AS value FROM active_days
        WHERE bucket = :bucket AND day = :day
        UNION ALL
        SELECT 'users', 'active_month', count(DISTINCT user_id) FROM active_days
        WHERE bucket = :bucket AND day > :month_before AND day <= :day
    """),
    "retention": sql("""
        SELECT 'retention_' || n AS name, 'registered' AS label, count(*) AS value
        FROM unnest(CAST(:retention AS integer[])) AS n
        JOIN users u ON u.bucket = :bucket
         AND u.created_at >= CAST(:since AS timestamptz) - n * interval '1 day'
         AND u.created_at < CAST(:until AS timestamptz) - n * interval '1 day'
        GROUP BY n
        UNION ALL
        SELECT 'retention_' || n, 'active', count(*)
        FROM unnest(CAST(:retention AS integer[])) AS n
        JOIN users u ON u.bucket = :bucket
         AND u.created_at >= CAST(:since AS timestamptz) - n * interval '1 day'
         AND u.created_at < CAST(:until AS timestamptz) - n * interval '1 day'
        JOIN active_days a ON a.bucket = :bucket AND a.day = :day AND a.user_id = u.id
        GROUP BY n
    """),
}
SO_FAR = {
    "active": sql("""
        SELECT 'users' AS name, 'active' AS label, count(DISTINCT user_id) AS value
        FROM activity_logs
        WHERE bucket = :bucket AND created_at >= :since AND created_at < :until
        UNION ALL
        SELECT 'users', 'active_month', count(*) FROM (
            SELECT user_id FROM active_days
            WHERE bucket = :bucket AND day > :month_before AND day < :day
            UNION
            SELECT user_id FROM activity_logs
            WHERE bucket = :bucket AND created_at >= :since AND created_at < :until
        ) m
    """),
}

CLEAR = sql("DELETE FROM daily_facts WHERE day = :day")

STORE = sql("""
    INSERT INTO daily_facts (day, name, label, value, computed_at)
    SELECT :day, f.name, f.label, f.value, :now
    FROM unnest(CAST(:names AS text[]), CAST(:labels AS text[]), CAST(:values AS bigint[]))
         AS f (name, label, value)
""")

READ = sql("SELECT name, label, value FROM daily_facts WHERE day = :day ORDER BY name, label")


READ_DAYS = sql("""
    SELECT day, name, label, value FROM daily_facts
    WHERE day >= :first AND day <= :last ORDER BY day, name, label
""")


async def compute_facts(database: Database, day: date, now: datetime) -> int:
    """Compute a UTC day's figures anew, bucket by bucket. Return how many there are."""
    params = _params(day)
    sums: Counter[tuple[str, str]] = Counter()
    for bucket in range(BUCKET_COUNT):
        async with connected(database) as connection:
            await run(connection, MARK_ACTIVE, params | {"bucket": bucket})
            sums.update(await _count(connection, FACTS | WHOLE_DAY, params | {"bucket": bucket}))
    # Days that are caught up wait for each other: a cluster locks the table on all nodes.
    await patiently(database, _store, day, sums, now)
    return len(sums)


async def _store(
    connection: Connection, day: date, sums: Counter[tuple[str, str]], now: datetime
) -> None:
    await run(connection, CLEAR, {"day": day})
    keys = sorted(sums)
    stored = {
        "day": day,
        "now": now,
        "names": [name for name, _ in keys],
        "labels": [label for _, label in keys],
        "values": [sums[key] for key in keys],
    }
    await run(connection, STORE, stored)


async def count_so_far(database: Database, day: date) -> DayFacts:
    """The figures of a UTC day that is not over, or not computed yet. Nothing is stored."""
    sums: Counter[tuple[str, str]] = Counter()
    for bucket in range(BUCKET_COUNT):
        async with connected(database) as connection:
            params = _params(day) | {"bucket": bucket}
            sums.update(await _count(connection, FACTS | SO_FAR, params))
    return DayFacts(day, dict(sums))


class SoFar(Struct, frozen=True):
    """The figures of a day until an instant of it."""

    as_of: datetime
    facts: DayFacts


async def count_today(database: Database, now: datetime) -> SoFar:
    """The figures of the day that an instant lies in."""
    return SoFar(now, await count_so_far(database, utc_day(now)))


def _params(day: date) -> dict[str, Any]:
    since = datetime.combine(day, time(), tzinfo=UTC)
    return {
        "day": day,
        "since": since,
        "until": since + timedelta(days=1),
        "month_before": day - timedelta(days=MAU_DAYS),
        "retention": list(RETENTION_DAYS),
    }


async def _count(
    connection: Connection, statements: Mapping[str, Statement], params: dict[str, Any]
) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for statement in statements.values():
        for row in await rows(connection, statement, params):
            found[row.name, row.label] += row.value
    return found


async def read_facts(database: Database, day: date) -> DayFacts | None:
    """A day's figures, or None if they have not been computed."""
    async with connected(database) as connection:
        found = await rows(connection, READ, {"day": day})
    if not found:
        return None
    return DayFacts(day, {(row.name, row.label): row.value for row in found})


async def read_days(database: Database, first: date, last: date) -> list[DayFacts]:
    """The figures of the days that have been computed, in their order."""
    async with connected(database) as connection:
        found = await rows(connection, READ_DAYS, {"first": first, "last": last})
    days: dict[date, dict[tuple[str, str], int]] = {}
    for row in found:
        days.setdefault(row.day, {})[row.name, row.label] = row.value
    return [DayFacts(day, values) for day, values in days.items()]
