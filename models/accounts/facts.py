"""How many registered, and are there."""

from models.base.db import sql

FACTS = {
    "people": sql("""
        SELECT 'users' AS name, 'registered' AS label, count(*) AS value FROM users
        WHERE bucket = :bucket AND created_at >= :since AND created_at < :until
        UNION ALL
        SELECT 'users', 'total', count(*) FROM users
        WHERE bucket = :bucket AND created_at < :until
    """),
}
