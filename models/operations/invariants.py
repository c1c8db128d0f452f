"""Invariants as SQL: each names what is wrong and returns the rows that break it; none may.

Each is one statement, so it sees one snapshot also while workers are busy. They run on schedule, in
`twtc audit`, and at the end of every story test and simulation. The scheduled run takes some of the
buckets each hour, so that it ends however large the tables are.
"""

from datetime import datetime, timedelta

from engine.core.money import HOURS_PER_CYCLE
from engine.core.timeline import BUCKET_COUNT
from engine.operations.actions import Violation
from models.base.db import Database, Params, connected, rows, sql
from models.operations.global_invariants import GLOBAL
from models.operations.ledger_invariants import LEDGER
from runtime.clock import first_id

EXAMPLES_MAX = 5
OVERDUE_AFTER = timedelta(minutes=15)
# Coins may be on their way with it, and are nobody's meanwhile.
UNDELIVERED_AFTER = timedelta(minutes=5)
GLOBAL_SINCE = timedelta(days=31)
# Clocks differ, and what has been written is seen; but see `global_invariants` of a cluster.
GLOBAL_UNTIL = timedelta(hours=1)

# What lies further back is archived, and was checked while it was here.
OLDEST_DAY = "(SELECT COALESCE(max(day), '-infinity') - 6 FROM days)"

INVARIANTS = LEDGER | {
    "a session's reward is the base rate that held at its start, times four": f"""
        SELECT s.id, s.reward_micro, c.version FROM mining_sessions s
        CROSS JOIN LATERAL (
            SELECT version, CAST(settings ->> 'base_rate_micro_per_hour' AS bigint) AS rate
            FROM configuration_versions
            WHERE effective_from <= s.requested_at OR version = 1
            ORDER BY version DESC LIMIT 1) c
        WHERE s.bucket BETWEEN :first AND :last
          AND s.reward_micro <> c.rate * {HOURS_PER_CYCLE}
    """,
    "sessions of a user never overlap": """
        SELECT o.user_id, o.id FROM (
            SELECT bucket, user_id, id, started_at,
                   lag(ends_at) OVER (PARTITION BY bucket, user_id ORDER BY started_at, id)
                     AS previous_end
            FROM mining_sessions
            WHERE bucket BETWEEN :first AND :last AND started_at IS NOT NULL) o
        WHERE o.started_at < o.previous_end
    """,
    "a session that mines has a verified ad view of its own": """
        SELECT s.id FROM mining_sessions s
        LEFT JOIN ad_views v ON v.bucket = s.bucket AND v.id = s.view_id
        WHERE s.bucket BETWEEN :first AND :last AND s.started_at IS NOT NULL
          AND (v.id IS NULL OR v.status <> 'VERIFIED' OR v.session_id <> s.id
               OR v.user_id <> s.user_id OR v.verified_at > s.started_at)
    """,
    "a verified ad view pays for one thing: its session, or its task": f"""
        SELECT v.id FROM ad_views v
        LEFT JOIN mining_sessions s
          ON s.bucket = v.bucket AND s.id = v.session_id AND s.view_id = v.id
         AND s.started_at IS NOT NULL
        LEFT JOIN daily_tasks t
          ON t.bucket = v.bucket AND t.day = v.task_day AND t.user_id = v.user_id
         AND t.number = v.task_number AND t.view_id = v.id AND t.status = 'CLAIMED'
        WHERE v.bucket BETWEEN :first AND :last AND v.status = 'VERIFIED'
          AND s.id IS NULL AND t.number IS NULL
          AND (v.task_day IS NULL OR v.task_day >= {OLDEST_DAY})
    """,
    "a paid boost has its payment, and a payment its boost": """
        SELECT b.id, t.reference FROM
            (SELECT bucket, id, user_id, reward_micro FROM boosts
             WHERE bucket BETWEEN :first AND :last AND status = 'PAID') b
        FULL JOIN
            (SELECT bucket, reference, user_id, amount FROM transactions
             WHERE bucket BETWEEN :first AND :last AND type = 'BOOST') t
          ON t.bucket = b.bucket AND t.reference = 'boost:' || b.id AND t.user_id = b.user_id
         AND t.amount = b.reward_micro
        WHERE b.id IS NULL OR t.reference IS NULL
    """,
    "a boost belongs to a session of its user that mined": """
        SELECT b.id FROM boosts b
        LEFT JOIN mining_sessions s
          ON s.bucket = b.bucket AND s.id = b.session_id AND s.user_id = b.user_id
        WHERE b.bucket BETWEEN :first AND :last AND b.status = 'PAID'
          AND (s.id IS NULL OR b.started_at < s.started_at OR b.answered_at >= s.ends_at)
    """,
    "a claimed task has its payment, and a payment its task": f"""
        SELECT d.user_id, d.day, d.number, t.reference FROM
            (SELECT bucket, day, user_id, number, reward_micro,
                    'task:' || user_id || ':' || day || ':' || number AS reference
             FROM daily_tasks
             WHERE bucket BETWEEN :first AND :last AND status = 'CLAIMED'
               AND day >= {OLDEST_DAY}) d
        FULL JOIN
            (SELECT bucket, reference, user_id, amount FROM transactions
             WHERE bucket BETWEEN :first AND :last AND type = 'TASK'
               AND CAST(metadata ->> 'day' AS date) >= {OLDEST_DAY}) t
          ON t.bucket = d.bucket AND t.reference = d.reference AND t.user_id = d.user_id
         AND t.amount = d.reward_micro
        WHERE d.number IS NULL OR t.reference IS NULL
    """,
    "the bonus is paid once a day, for twenty tasks, with its achievement": f"""
        SELECT COALESCE(d.user_id, t.user_id, a.user_id) AS user_id, d.done, t.reference, a.kind
        FROM (SELECT bucket, user_id, day, count(*) AS done FROM daily_tasks
              WHERE bucket BETWEEN :first AND :last AND status = 'CLAIMED'
                AND day >= {OLDEST_DAY}
              GROUP BY bucket, user_id, day HAVING count(*) = 20) d
        FULL JOIN
            (SELECT bucket, user_id, reference, CAST(metadata ->> 'day' AS date) AS day
             FROM transactions
             WHERE bucket BETWEEN :first AND :last AND type = 'BONUS'
               AND from_account = 'emission:bonus'
               AND CAST(metadata ->> 'day' AS date) >= {OLDEST_DAY}) t
          ON t.bucket = d.bucket AND t.user_id = d.user_id AND t.day = d.day
        FULL JOIN
            (SELECT bucket, user_id, kind, day FROM achievements
             WHERE bucket BETWEEN :first AND :last AND day >= {OLDEST_DAY}) a
          ON a.bucket = t.bucket AND a.user_id = t.user_id AND a.day = t.day
        WHERE d.done IS NULL OR t.reference IS NULL OR a.kind IS NULL
    """,
    "a paid ad task has a verified view, and its funding": f"""
        SELECT d.user_id, d.day, d.number FROM daily_tasks d
        LEFT JOIN ad_views v
          ON v.bucket = d.bucket AND v.id = d.view_id AND v.user_id = d.user_id
         AND v.status = 'VERIFIED' AND v.task_day = d.day AND v.task_number = d.number
        LEFT JOIN transactions t
          ON t.bucket = d.bucket AND t.funding IN (v.funding, v.network)
         AND t.reference = 'task:' || d.user_id || ':' || d.day || ':' || d.number
        WHERE d.bucket BETWEEN :first AND :last AND d.status = 'CLAIMED' AND d.category = 'ADS'
          AND d.day >= {OLDEST_DAY} AND (v.id IS NULL OR t.id IS NULL)
    """,
    "an applied boost intent stands in its boost": """
        SELECT i.id, i.kind FROM intents i
        LEFT JOIN boosts b ON b.bucket = i.bucket AND b.user_id = i.user_id
         AND b.id = COALESCE(CAST(i.payload ->> 'boost_id' AS uuid), i.id)
        WHERE i.bucket BETWEEN :first AND :last AND i.status = 'APPLIED'
          AND (i.kind = 'boost.start' AND b.id IS NULL
               OR i.kind = 'boost.watch' AND b.watched_at IS NULL AND b.failed_at IS NULL
               OR i.kind = 'boost.ask' AND b.asked_at IS NULL
               OR i.kind = 'boost.answer' AND b.answered_at IS NULL)
    """,
    "an applied start has its session": """
        SELECT i.id FROM intents i
        LEFT JOIN mining_sessions s ON s.bucket = i.bucket AND s.id = i.id
        WHERE i.bucket BETWEEN :first AND :last AND i.kind = 'mining.start'
          AND i.status = 'APPLIED' AND s.id IS NULL
    """,
    "an applied report stands in its view": """
        SELECT i.id, i.kind FROM intents i
        LEFT JOIN ad_views v
          ON v.bucket = i.bucket AND v.id = CAST(i.payload ->> 'view_id' AS uuid)
        WHERE i.bucket BETWEEN :first AND :last AND i.status = 'APPLIED'
          AND (i.kind = 'ad.start' AND v.started_at IS NULL
               OR i.kind = 'ad.complete' AND v.completed_at IS NULL
               OR i.kind = 'ad.confirm' AND v.confirmed_at IS NULL
               OR i.kind = 'ad.fail' AND v.failed_at IS NULL)
    """,
    "group sizes = members counted": """
        SELECT z.bucket, z.group_number, z.member_count, u.size FROM group_sizes z
        LEFT JOIN (SELECT bucket, group_number, count(*) AS size FROM users
                   WHERE bucket BETWEEN :first AND :last GROUP BY bucket, group_number) u
          ON u.bucket = z.bucket AND u.group_number = z.group_number
        WHERE z.bucket BETWEEN :first AND :last AND z.member_count <> COALESCE(u.size, 0)
    """,
    "every user has a wallet": """
        SELECT u.id FROM users u
        LEFT JOIN wallets w ON w.bucket = u.bucket AND w.user_id = u.id
        WHERE u.bucket BETWEEN :first AND :last AND w.user_id IS NULL
    """,
    "a completed session was announced": f"""
        SELECT s.id FROM mining_sessions s
        LEFT JOIN notifications n ON n.bucket = s.bucket AND n.id = s.id
        LEFT JOIN erasures e ON e.bucket = s.bucket AND e.user_id = s.user_id
        WHERE s.bucket BETWEEN :first AND :last AND s.status = 'COMPLETED'
          AND s.settled_at >= {OLDEST_DAY} AND n.id IS NULL AND e.erased_at IS NULL
    """,
}

# Nothing is wrong with the books, but somebody should look.
OVERDUE = {
    "ended sessions are settled in time": """
        SELECT id, ends_at FROM mining_sessions
        WHERE bucket BETWEEN :first AND :last AND status = 'ACTIVE' AND ends_at < :before
    """,
    # The check itself is under way. What is made up for stands for an instant gone by: its id says
    # when it was written down.
    "intents are applied in time": """
        SELECT id, kind, recorded_at FROM intents
        WHERE bucket BETWEEN :first AND :last AND status = 'RECORDED' AND recorded_at < :before
          AND id < CAST(:before_id AS uuid) AND kind <> 'invariants.check'
    """,
    "what is for another member arrives in time": """
        SELECT id, target_bucket, due_at FROM follow_ups
        WHERE bucket BETWEEN :first AND :last AND due_at < :sent_before
    """,
    "what a release before wrote is in the holdings in time": """
        SELECT t.id, t.user_id, t.created_at FROM transactions t
        LEFT JOIN entry_parts p
          ON p.bucket = t.bucket AND p.user_id = t.user_id AND p.entry_id = t.id
        WHERE t.bucket BETWEEN :first AND :last AND NOT t.is_posted AND t.created_at < :before
          AND p.entry_id IS NULL
    """,
    "calls to the outside are made in time": """
        SELECT id, kind, due_at FROM errands
        WHERE bucket BETWEEN :first AND :last AND status <> 'FAILED' AND due_at < :before
    """,
    "of no call to the outside it is unknown what became of it": """
        SELECT id, kind, error FROM errands
        WHERE bucket BETWEEN :first AND :last AND status = 'UNKNOWN' AND created_at < :before
    """,
    "no errand has failed for good": """
        SELECT id, kind, error FROM errands
        WHERE bucket BETWEEN :first AND :last AND status = 'FAILED' AND created_at < :before
    """,
    "there are no dead letters": """
        SELECT id, kind, error FROM intents
        WHERE bucket BETWEEN :first AND :last AND status = 'FAILED' AND recorded_at < :before
    """,
}


async def audit(
    database: Database, first: int = 0, last: int = BUCKET_COUNT - 1
) -> list[Violation]:
    """Check every invariant in a range of buckets, by default all.

    An empty list means that the books are right.
    """
    return await _check(database, INVARIANTS, {"first": first, "last": last})


async def audit_globally(database: Database, now: datetime) -> list[Violation]:
    """Check what holds over all buckets and cannot be seen in a share of them."""
    until = now - UNDELIVERED_AFTER if database.is_cluster else now + GLOBAL_UNTIL
    return await _check(database, GLOBAL, {"since": now - GLOBAL_SINCE, "until": until})


def buckets_of_hour(now: datetime) -> tuple[int, int]:
    """The hourly check's share: all buckets within a day, whatever the size of the tables."""
    return now.hour * BUCKET_COUNT // 24, (now.hour + 1) * BUCKET_COUNT // 24 - 1


async def find_overdue(database: Database, now: datetime) -> list[Violation]:
    """What should have been done a quarter of an hour ago, or arrived five minutes ago."""
    before = now - OVERDUE_AFTER
    params = {
        "first": 0,
        "last": BUCKET_COUNT - 1,
        "before": before,
        "before_id": first_id(before),
        "sent_before": now - UNDELIVERED_AFTER,
    }
    return await _check(database, OVERDUE, params)


async def _check(database: Database, checks: dict[str, str], params: Params) -> list[Violation]:
    violations = []
    async with connected(database) as connection:
        for name, source in checks.items():
            counted = (
                f"SELECT x.*, count(*) OVER () AS broken FROM ({source}) x LIMIT {EXAMPLES_MAX}"
            )
            found = await rows(connection, sql(counted), params)
            if found:
                examples = [
                    {key: str(value) for key, value in row.items() if key != "broken"}
                    for row in found
                ]
                violations.append(Violation(name, found[0].broken, examples))
    return violations
