"""Invariants over all buckets at once: what no share of them shows. Once a day, and by hand.

Of what grows for ever only the latest: `:since` is a month ago, longer than an event is accepted.
"""

GLOBAL = {
    "an ad network's event proves one view": """
        SELECT network, event_id, count(*) AS views FROM ad_views
        WHERE bucket BETWEEN 0 AND 63 AND served_at >= :since AND event_id IS NOT NULL
        GROUP BY network, event_id HAVING count(*) > 1
    """,
    "staff are people with a role that approves": """
        SELECT s.user_id, s.role FROM staff s
        WHERE s.user_id NOT IN (SELECT id FROM users
                                WHERE bucket BETWEEN 0 AND 63 AND role <> 'user'
                                  AND role IN ('admin', 'superadmin'))
    """,
    "who was made staff by two stands in the line of the one, not of the other": """
        SELECT s.user_id, a.user_id AS approver_id FROM staff s
        JOIN staff a ON a.user_id = s.approved_by
        WHERE s.granted_by = ANY(a.line) AND a.granted_at < s.granted_at
    """,
    "what a day credited by hand was counted": """
        SELECT a.day, a.amount_micro, c.amount_micro AS counted FROM
            (SELECT CAST(decided_at AT TIME ZONE 'UTC' AS date) AS day,
                    CAST(sum(amount_micro) AS bigint) AS amount_micro
             FROM adjustments
             WHERE bucket BETWEEN 0 AND 63 AND direction = 'CREDIT'
               AND status IN ('APPROVED', 'APPLIED', 'REFUSED')
             GROUP BY CAST(decided_at AT TIME ZONE 'UTC' AS date)) a
        LEFT JOIN credits_by_hand c ON c.day = a.day
        WHERE a.day > (SELECT min(day) FROM credits_by_hand)
          AND a.amount_micro <> COALESCE(c.amount_micro, 0)
    """,
}
