"""Tasks begun and claimed, and by how many."""

from models.base.db import sql

FACTS = {
    "tasks": sql("""
        SELECT 'tasks_begun' AS name, category AS label, count(*) AS value FROM daily_tasks
        WHERE bucket = :bucket AND day = :day GROUP BY category
        UNION ALL
        SELECT 'tasks_claimed', category, count(*) FROM daily_tasks
        WHERE bucket = :bucket AND day = :day AND status = 'CLAIMED' GROUP BY category
        UNION ALL
        SELECT 'task_users', 'any', count(DISTINCT user_id) FROM daily_tasks
        WHERE bucket = :bucket AND day = :day
        UNION ALL
        SELECT 'task_users', 'all', count(*) FROM achievements
        WHERE bucket = :bucket AND day = :day AND kind = 'DAILY_CHAMPION'
    """),
}
