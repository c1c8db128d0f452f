"""Invariants over all buckets at once: what no share of them shows. Once a day, and by hand.

Of what grows for ever only the latest: `:since` is a month ago, longer than an event is accepted.
What lies between buckets is seen up to `:until`: the nodes of a cluster do not stop all at once, so
that there what is on its way at this moment would seem to be missing.
"""

# What is between members, by the sending (`engine.ledger.rules`): the last word of its reference.
_SENDING = "split_part(reference, ':', 3)"
_BETWEEN = """transactions
             WHERE bucket BETWEEN 0 AND 63 AND type = 'TRANSFER'
               AND created_at >= :since AND created_at < :until"""


def _going(way: str) -> str:
    return f"CAST(sum(CASE WHEN reference LIKE 'xfer:{way}:%' THEN amount ELSE 0 END) AS bigint)"


def _undone(status: str) -> str:
    """By one status: each has its index."""
    return f"""
             SELECT split_part(key, ':', 3), 0, 1 FROM intents
             WHERE bucket BETWEEN 0 AND 63 AND status = '{status}' AND origin = 'follow-up'
               AND key LIKE 'xfer:%'"""


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
    # Each funding for itself: all of them have come in, or all back, or none is there yet.
    "what was sent to a member has arrived or come back, whole and once": f"""
        SELECT t.sending, sum(t.sent) AS sent, sum(t.received) AS received,
               sum(t.returned) AS returned
        FROM (SELECT {_SENDING} AS sending, funding, {_going("out")} AS sent,
                     {_going("in")} AS received, {_going("back")} AS returned
              FROM {_BETWEEN}
              GROUP BY {_SENDING}, funding) t
        GROUP BY t.sending
        HAVING NOT (bool_and(t.received = 0 AND t.returned = 0)
                    OR bool_and(t.received = t.sent AND t.returned = 0)
                    OR bool_and(t.received = 0 AND t.returned = t.sent))
    """,
    # Presence, not sums: for a moment both the follow-up and its intent are there.
    "what has left for a member and is not there is on its way": f"""
        SELECT x.sending FROM
            (SELECT {_SENDING} AS sending,
                    CASE WHEN reference LIKE 'xfer:out:%' THEN 1 ELSE 0 END AS sent,
                    CASE WHEN reference LIKE 'xfer:out:%' THEN 0 ELSE 1 END AS found
             FROM {_BETWEEN}
             UNION ALL
             SELECT split_part(e.entry ->> 2, ':', 3), 0, 1 FROM follow_ups f
             CROSS JOIN LATERAL jsonb_array_elements(f.entries) AS e (entry)
             WHERE f.bucket BETWEEN 0 AND 63 AND e.entry ->> 2 LIKE 'xfer:%'
             UNION ALL {_undone("RECORDED")}
             UNION ALL {_undone("FAILED")}) x
        GROUP BY x.sending HAVING sum(x.sent) > 0 AND sum(x.found) = 0
    """,
}
