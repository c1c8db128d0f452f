"""Sessions asked for, and those that mined."""

from models.base.db import sql

FACTS = {
    "sessions": sql("""
        SELECT 'sessions' AS name, f.label, count(*) AS value FROM mining_sessions s
        CROSS JOIN LATERAL (VALUES ('requested', true), ('mined', s.started_at IS NOT NULL))
            AS f (label, holds)
        WHERE s.bucket = :bucket AND s.requested_at >= :since AND s.requested_at < :until
          AND f.holds
        GROUP BY f.label
    """),
}
