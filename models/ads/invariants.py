"""What must hold of ad views: each is proved once, and pays for one thing."""

from models.base.invariants import OLDEST_DAY

INVARIANTS = {
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
}

GLOBAL = {
    "an ad network's event proves one view": """
        SELECT network, event_id, count(*) AS views FROM ad_views
        WHERE bucket BETWEEN 0 AND 63 AND served_at >= :since AND event_id IS NOT NULL
        GROUP BY network, event_id HAVING count(*) > 1
    """,
}
