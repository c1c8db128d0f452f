"""The ad units as the operator sees and changes them: rows of a reference table."""

from collections.abc import Mapping, Sequence
from typing import Any

from models.db import Database, Row, connected, rows, run, sql

AD_UNITS = sql("""
    SELECT id, network, unit, purpose, min_seconds, proof, weight, fallback_rank,
           requests_per_minute, revenue_micro_usd, is_active
    FROM ads ORDER BY purpose, fallback_rank, id
""")

CHANGE_AD_UNIT = sql("""
    UPDATE ads SET
        unit = COALESCE(CAST(:unit AS text), unit),
        former_units = CASE WHEN CAST(:unit AS text) <> unit
                            THEN former_units || to_jsonb(unit) ELSE former_units END,
        min_seconds = COALESCE(CAST(:min_seconds AS smallint), min_seconds),
        proof = COALESCE(CAST(:proof AS text), proof),
        weight = COALESCE(CAST(:weight AS smallint), weight),
        fallback_rank = COALESCE(CAST(:fallback_rank AS smallint), fallback_rank),
        requests_per_minute = NULLIF(
            COALESCE(CAST(:requests_per_minute AS integer), requests_per_minute), 0),
        revenue_micro_usd = COALESCE(CAST(:revenue_micro_usd AS bigint), revenue_micro_usd),
        is_active = COALESCE(CAST(:is_active AS boolean), is_active)
    WHERE id = :id
""")


async def read_ad_units(database: Database) -> Sequence[Row]:
    """All units, served or not, in the order of their chains."""
    async with connected(database) as connection:
        return await rows(connection, AD_UNITS)


async def change_ad_unit(database: Database, ad_id: int, changes: Mapping[str, Any]) -> bool:
    """Change a unit from its next view on; None leaves a column, 0 requests a minute mean no limit.

    Return False if there is no such unit. Raise asyncpg's IntegrityConstraintViolationError for
    what cannot be.
    """
    async with connected(database) as connection:
        return bool(await run(connection, CHANGE_AD_UNIT, {"id": ad_id, **changes}))
