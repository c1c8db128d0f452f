from datetime import datetime

from engine.core.timeline import BUCKET_COUNT, Timing, boundary_at_or_before, check_timing
from models.base.db import Database, run, sql, transaction
from models.content.library import seed_content
from models.installation.settings import GROUPS, seed_reference

OPEN_PIECES = sql("""
    INSERT INTO credit_watermarks (bucket, group_number, credited_through)
    SELECT :bucket, g, CAST(:through AS timestamptz)
    FROM unnest(CAST(:groups AS smallint[])) AS g
    ON CONFLICT (bucket, group_number) DO NOTHING
""")


OPEN_SIZES = sql("""
    INSERT INTO group_sizes (bucket, group_number, member_count)
    SELECT :bucket, g, 0 FROM unnest(CAST(:groups AS smallint[])) AS g
    ON CONFLICT (bucket, group_number) DO NOTHING
""")


async def seed(database: Database, timing: Timing, now: datetime) -> None:
    """Write settings, groups, ad units, content and pieces. A second run changes nothing."""
    check_timing(timing)
    through = boundary_at_or_before(now, timing.tick_seconds)
    async with transaction(database) as connection:
        await seed_reference(connection, timing, now)
        await seed_content(connection)
    for bucket in range(BUCKET_COUNT):
        groups = list(GROUPS)
        async with transaction(database) as connection:
            params = {"bucket": bucket, "groups": groups, "through": through}
            await run(connection, OPEN_PIECES, params)
            await run(connection, OPEN_SIZES, {"bucket": bucket, "groups": groups})
