"""What must hold of sessions: their times, their reward, and what was paid of it."""

from engine.core.money import HOURS_PER_CYCLE
from models.base.invariants import OLDEST_DAY
from models.mining.credit import accrued_sql

INVARIANTS = {
    "balance = settled balance + what live sessions earned by their watermark": f"""
        SELECT w.user_id, w.balance, w.settled_balance, a.accrued FROM wallets w
        LEFT JOIN (
            SELECT s.bucket, s.user_id,
                   CAST(sum({accrued_sql("m.credited_through")}) AS bigint) AS accrued
            FROM mining_sessions s
            JOIN credit_watermarks m
              ON m.bucket = s.bucket AND m.group_number = s.group_number
            WHERE s.bucket BETWEEN :first AND :last AND s.status = 'ACTIVE'
            GROUP BY s.bucket, s.user_id) a
          ON a.bucket = w.bucket AND a.user_id = w.user_id
        WHERE w.bucket BETWEEN :first AND :last
          AND w.balance <> w.settled_balance + COALESCE(a.accrued, 0)
    """,
    "a completed session is paid once, exactly its reward": """
        SELECT s.id, s.reward_micro, t.amount FROM mining_sessions s
        LEFT JOIN transactions t ON t.bucket = s.bucket AND t.reference = 'mining:' || s.id
        WHERE s.bucket BETWEEN :first AND :last AND s.status = 'COMPLETED'
          AND (t.amount IS NULL OR t.amount <> s.reward_micro OR t.user_id <> s.user_id)
    """,
    # A release before, whose rows are not posted, knows of no other money than the network's.
    "a session is paid with the money of its ad": """
        SELECT t.id, t.funding, v.network, v.funding AS bounded FROM transactions t
        JOIN mining_sessions s ON s.bucket = t.bucket AND t.reference = 'mining:' || s.id
        JOIN ad_views v ON v.bucket = s.bucket AND v.id = s.view_id
        WHERE t.bucket BETWEEN :first AND :last AND t.type = 'MINING' AND t.is_posted
          AND t.funding <> COALESCE(v.funding, v.network)
    """,
    "a mining payment belongs to a completed session": """
        SELECT t.reference FROM transactions t
        LEFT JOIN mining_sessions s
          ON s.bucket = t.bucket AND t.reference = 'mining:' || s.id AND s.status = 'COMPLETED'
        WHERE t.bucket BETWEEN :first AND :last AND t.type = 'MINING' AND s.id IS NULL
    """,
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
    "an applied start has its session": """
        SELECT i.id FROM intents i
        LEFT JOIN mining_sessions s ON s.bucket = i.bucket AND s.id = i.id
        WHERE i.bucket BETWEEN :first AND :last AND i.kind = 'mining.start'
          AND i.status = 'APPLIED' AND s.id IS NULL
    """,
    "group sizes = members counted": """
        SELECT z.bucket, z.group_number, z.member_count, u.size FROM group_sizes z
        LEFT JOIN (SELECT bucket, group_number, count(*) AS size FROM users
                   WHERE bucket BETWEEN :first AND :last GROUP BY bucket, group_number) u
          ON u.bucket = z.bucket AND u.group_number = z.group_number
        WHERE z.bucket BETWEEN :first AND :last AND z.member_count <> COALESCE(u.size, 0)
    """,
    "a completed session was announced": f"""
        SELECT s.id FROM mining_sessions s
        LEFT JOIN notifications n ON n.bucket = s.bucket AND n.id = s.id
        LEFT JOIN erasures e ON e.bucket = s.bucket AND e.user_id = s.user_id
        WHERE s.bucket BETWEEN :first AND :last AND s.status = 'COMPLETED'
          AND s.settled_at >= {OLDEST_DAY} AND n.id IS NULL AND e.erased_at IS NULL
    """,
}

OVERDUE = {
    "ended sessions are settled in time": """
        SELECT id, ends_at FROM mining_sessions
        WHERE bucket BETWEEN :first AND :last AND status = 'ACTIVE' AND ends_at < :before
    """,
}
