"""The ad units as the operator sees and changes them: rows of a reference table."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from models.base.db import Database, Row, connected, rows, run, sql, transaction
from models.base.encoding import encode
from models.base.trail import Actor, Entry, log_action

AD_UNITS = sql("""
    SELECT id, network, unit, type, purpose, min_seconds, proof, weight, fallback_rank,
           requests_per_minute, revenue_micro_usd, is_active
    FROM ads ORDER BY purpose, fallback_rank, id
""")

# Ids below belong to the units that come with a release.
FIRST_ID = 1_000
ADD_AD_UNIT = sql("""
    INSERT INTO ads (id, network, unit, former_units, type, purpose, min_seconds, proof, weight,
                     fallback_rank, requests_per_minute, revenue_micro_usd, is_active)
    SELECT GREATEST(CAST(:first_id AS integer), COALESCE(max(id), 0) + 1), :network, :unit, '[]',
           :type, :purpose, CAST(:min_seconds AS smallint), :proof, CAST(:weight AS smallint),
           CAST(:fallback_rank AS smallint), NULLIF(CAST(:requests_per_minute AS integer), 0),
           CAST(:revenue_micro_usd AS bigint), CAST(:is_active AS boolean)
    FROM ads
    RETURNING id
""")

UNIT_OF = sql("SELECT unit FROM ads WHERE id = :id FOR UPDATE")

CHANGE_AD_UNIT = sql("""
    UPDATE ads SET
        unit = COALESCE(CAST(:unit AS text), unit),
        former_units = former_units || CAST(:left AS jsonb),
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


async def add_ad_unit(
    database: Database, unit: Mapping[str, Any], actor: Actor, reason: str, now: datetime
) -> int:
    """Add a unit, and note it in the trail. Return its id.

    Raise asyncpg's IntegrityConstraintViolationError for what cannot be.
    """
    async with transaction(database) as connection:
        [added] = await rows(connection, ADD_AD_UNIT, {"first_id": FIRST_ID, **unit})
        action = Entry("ad.add", "ad", str(added.id), after=unit, reason=reason)
        await log_action(connection, actor, action, now)
    added_id: int = added.id
    return added_id


async def change_ad_unit(
    database: Database,
    ad_id: int,
    changes: Mapping[str, Any],
    actor: Actor,
    reason: str,
    now: datetime,
) -> bool:
    """Change a unit from its next view on, and note it in the trail; None leaves a column.

    0 requests a minute mean no limit. Return False if there is no such unit. Raise asyncpg's
    IntegrityConstraintViolationError for what cannot be.
    """
    made = {name: value for name, value in changes.items() if value is not None}
    async with transaction(database) as connection:
        found = await rows(connection, UNIT_OF, {"id": ad_id})
        if not found:
            return False
        # What was served before the change still counts.
        is_left = changes["unit"] not in (None, found[0].unit)
        left = encode([found[0].unit] if is_left else [])
        await run(connection, CHANGE_AD_UNIT, {"id": ad_id, "left": left, **changes})
        action = Entry("ad.change", "ad", str(ad_id), after=made, reason=reason)
        await log_action(connection, actor, action, now)
    return True
