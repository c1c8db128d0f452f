"""Cohorts kept: the scores of their accounts raised, and flags for who is newly in one.

Who has been flagged for a cohort is not flagged for it again every night, whether a CAPTCHA was
solved or a moderator decided: only if it has grown much since, or shares something else.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from engine.fraud.actions import FlagUser
from engine.fraud.anomaly.bands import FLAGS, FLOORS, Band
from engine.fraud.anomaly.cohorts import Cohort
from engine.fraud.anomaly.model import COHORT, Reason
from models.base.arrays import AT_BUCKET, ROUTED
from models.base.db import Connection, Database, rows, run, sql, transaction
from models.base.encoding import encode
from models.fraud.flags import find_cleared, record_flags

EVENT = "SHARED_PROGRAM"
REMEMBERED = timedelta(days=90)
# So many times as many accounts as when it was flagged: that is new evidence.
GROWN = 1.5

RAISE_SCORES = sql(f"""
    INSERT INTO anomaly_scores (bucket, day, user_id, score, band, reasons, model_version)
    SELECT m.bucket, CAST(:day AS date), d.user_id, :score, :band,
           jsonb_build_array(CAST(d.reason AS jsonb)), :version
    FROM {ROUTED}
         unnest(CAST(:users AS bigint[]), CAST(:reasons AS text[])) AS d (user_id, reason)
    WHERE {AT_BUCKET}
    ON CONFLICT (bucket, user_id, day) DO UPDATE
    SET score = excluded.score, band = excluded.band,
        reasons = excluded.reasons || anomaly_scores.reasons
    WHERE anomaly_scores.score < excluded.score
""")
FLAGGED = sql("""
    SELECT DISTINCT ON (user_id) user_id, CAST(details ->> 'accounts' AS integer) AS accounts,
           details ->> 'shared' AS shared
    FROM fraud_logs
    WHERE bucket = :bucket AND user_id = ANY(CAST(:users AS bigint[])) AND created_at > :since
      AND event_type = :event
    ORDER BY user_id, created_at DESC
""")
# Who is flagged for the day already, by the score of their own habits.
HELD = sql("""
    SELECT user_id FROM anomaly_scores
    WHERE bucket = :bucket AND day = :day AND user_id = ANY(CAST(:users AS bigint[]))
      AND score >= :floor
""")


async def store_cohorts(
    database: Database,
    bucket: int,
    day: date,
    cohorts: Mapping[int, Cohort],
    version: int,
    now: datetime,
) -> int:
    """Keep what users of a bucket are in, and flag those of whom it is news. Return how many."""
    floor = FLOORS[Band.REVIEW]
    of_users: dict[str, Any] = {"bucket": bucket, "day": day, "users": list(cohorts)}
    reasons = [Reason(COHORT, float(len(each.users)), 0.0) for each in cohorts.values()]
    async with transaction(database) as connection:
        held = {row.user_id for row in await rows(connection, HELD, of_users | {"floor": floor})}
        params = of_users | {
            "score": floor,
            "band": Band.REVIEW,
            "reasons": [encode(reason) for reason in reasons],
            "version": version,
        }
        await run(connection, RAISE_SCORES, params)
        others = {user_id: each for user_id, each in cohorts.items() if user_id not in held}
        news = await _news(connection, bucket, others, now)
        flags = {user_id: _flag(day, each) for user_id, each in news.items()}
        await record_flags(connection, bucket, day, flags, now)
    return len(news)


async def _news(
    connection: Connection, bucket: int, cohorts: Mapping[int, Cohort], now: datetime
) -> dict[int, Cohort]:
    params = {
        "bucket": bucket,
        "users": list(cohorts),
        "since": now - REMEMBERED,
        "event": EVENT,
    }
    known = {row.user_id: row for row in await rows(connection, FLAGGED, params)}
    cleared = await find_cleared(connection, bucket, cohorts, now)
    return {
        user_id: each
        for user_id, each in cohorts.items()
        if user_id not in cleared
        and (
            (before := known.get(user_id)) is None
            or before.shared != each.shared
            or len(each.users) >= GROWN * before.accounts
        )
    }


def _flag(day: date, cohort: Cohort) -> FlagUser:
    severity, hold, level = FLAGS[Band.REVIEW]
    facts = {
        "day": day,
        "accounts": len(cohort.users),
        "shared": cohort.shared,
        "alike": ", ".join(cohort.alike),
        "expected": cohort.expected,
        "others": cohort.users[:10],
    }
    return FlagUser(EVENT, severity, facts, hold, level)
