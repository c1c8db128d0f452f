"""Ads served and proved, and what they brought."""

from models.base.db import sql

FACTS = {
    "ads": sql("""
        SELECT f.name, v.network AS label, CAST(sum(f.value) AS bigint) AS value
        FROM ad_views v
        CROSS JOIN LATERAL (VALUES
            ('ads_served', CAST(1 AS bigint)),
            ('ads_completed', CAST((v.status = 'VERIFIED') AS integer)),
            ('revenue_micro_usd',
             CASE WHEN v.status = 'VERIFIED' THEN v.revenue_micro_usd ELSE 0 END)
        ) AS f (name, value)
        WHERE v.bucket = :bucket AND v.served_at >= :since AND v.served_at < :until
        GROUP BY f.name, v.network
    """),
}
