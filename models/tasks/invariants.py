"""What must hold of daily tasks and their bonus."""

from models.base.invariants import OLDEST_DAY

INVARIANTS = {
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
             WHERE bucket BETWEEN :first AND :last AND kind = 'DAILY_CHAMPION'
               AND day >= {OLDEST_DAY}) a
          ON a.bucket = t.bucket AND a.user_id = t.user_id AND a.day = t.day
        WHERE d.done IS NULL OR t.reference IS NULL OR a.kind IS NULL
    """,
    "a paid ad task has a verified view, and its funding": f"""
        SELECT d.user_id, d.day, d.number FROM daily_tasks d
        LEFT JOIN ad_views v
          ON v.bucket = d.bucket AND v.id = d.view_id AND v.user_id = d.user_id
         AND v.status = 'VERIFIED' AND v.task_day = d.day AND v.task_number = d.number
        LEFT JOIN transactions t
          ON t.bucket = d.bucket AND (t.funding = COALESCE(v.funding, v.network)
               OR t.funding = v.network AND NOT t.is_posted)
         AND t.reference = 'task:' || d.user_id || ':' || d.day || ':' || d.number
        WHERE d.bucket BETWEEN :first AND :last AND d.status = 'CLAIMED' AND d.category = 'ADS'
          AND d.day >= {OLDEST_DAY} AND (v.id IS NULL OR t.id IS NULL)
    """,
}
