"""How far boosts came."""

from models.base.db import sql

FACTS = {
    "boosts": sql("""
        SELECT 'boosts' AS name, f.label, count(*) AS value FROM boosts b
        CROSS JOIN LATERAL (VALUES
            ('begun', true), ('watched', b.watched_at IS NOT NULL),
            ('answered', b.answered_at IS NOT NULL), ('paid', b.status = 'PAID')
        ) AS f (label, holds)
        WHERE b.bucket = :bucket AND b.day = :day AND f.holds
        GROUP BY f.label
    """),
}
