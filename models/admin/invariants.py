"""What must hold of what two people decide, and of those who may."""

INVARIANTS = {
    "an applied adjustment has its payment, and a payment its adjustment": """
        SELECT a.id, t.reference FROM
            (SELECT bucket, id, user_id, amount_micro, direction FROM adjustments
             WHERE bucket BETWEEN :first AND :last AND status = 'APPLIED') a
        FULL JOIN
            (SELECT bucket, reference, user_id, to_account, CAST(sum(amount) AS bigint) AS amount
             FROM transactions
             WHERE bucket BETWEEN :first AND :last AND type = 'ADJUSTMENT'
             GROUP BY bucket, reference, user_id, to_account) t
          ON t.bucket = a.bucket AND t.reference = 'adjustment:' || a.id AND t.user_id = a.user_id
         AND t.amount = a.amount_micro
         AND (a.direction = 'CREDIT') = (t.to_account = 'wallet:' || a.user_id)
        WHERE a.id IS NULL OR t.reference IS NULL
    """,
    "an adjustment was proposed and approved by two, neither the wallet's owner": """
        SELECT id, proposer_id, decider_id FROM adjustments
        WHERE bucket BETWEEN :first AND :last AND status IN ('APPROVED', 'APPLIED', 'REFUSED')
          AND (decider_id IS NULL OR decider_id = proposer_id OR user_id = proposer_id
               OR user_id = decider_id)
    """,
    "whoever has a role that approves is known as staff, as they are": """
        SELECT u.id, u.role, u.is_active, s.role AS staff_role FROM users u
        LEFT JOIN staff s ON s.user_id = u.id
        WHERE u.bucket BETWEEN :first AND :last AND u.role IN ('admin', 'superadmin')
          AND u.closed_at IS NULL
          AND (s.user_id IS NULL OR s.role <> u.role OR s.is_active <> u.is_active
               OR s.suspended_until IS DISTINCT FROM
                  CASE WHEN u.hold = 'SUSPENDED' THEN u.hold_until END)
    """,
}

GLOBAL = {
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
