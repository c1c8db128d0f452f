"""Coins that came and went, by type and funding; not those between members."""

from models.base.db import sql

FACTS = {
    "coins": sql("""
        SELECT 'coins_micro' AS name, type || ':' || funding AS label,
               CAST(sum(CASE WHEN from_account = 'wallet:' || user_id THEN -amount
                             ELSE amount END) AS bigint) AS value
        FROM transactions
        WHERE bucket = :bucket AND created_at >= :since AND created_at < :until
          AND type <> 'TRANSFER'
        GROUP BY type, funding
    """),
}
