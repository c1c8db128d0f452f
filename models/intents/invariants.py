"""What must hold of intents and of what they bring: all of it is done, and in time."""

OVERDUE = {
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
