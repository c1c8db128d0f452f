"""What must hold of boosts."""

INVARIANTS = {
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
}
