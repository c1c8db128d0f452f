"""Housekeeping: pruning, log partitions."""

from datetime import UTC, date, datetime, timedelta

from engine.timeline import BUCKET_COUNT
from models.db import Database, connected, rows, run, sql, transaction
from models.inventory import prune_requests

KEEP_INTENTS_DAYS = 7
PRUNE_ROWS_MAX = 5_000
MONTHS_AHEAD = 3
PARTITIONED_TABLES = ("activity_logs", "fraud_logs")

# Dead letters stay until somebody has looked at them.
PRUNE_INTENTS = sql("""
    DELETE FROM intents
    WHERE bucket = :bucket AND id = ANY(ARRAY(
        SELECT id FROM intents
        WHERE bucket = :bucket AND applied_at < :before AND status IN ('APPLIED', 'REJECTED')
        ORDER BY applied_at LIMIT :limit))
""")

PRUNE_TOKENS = sql("""
    DELETE FROM refresh_tokens
    WHERE bucket = :bucket AND token_hash = ANY(ARRAY(
        SELECT token_hash FROM refresh_tokens
        WHERE bucket = :bucket AND expires_at < :before
        ORDER BY expires_at LIMIT :limit))
""")

PARTITION_EXISTS = sql("SELECT to_regclass(:name) IS NOT NULL AS found")


async def prune(database: Database, now: datetime) -> int:
    """Delete intents done a week ago, expired sign-ins, counts of ad requests. Return the rows."""
    removed = 0
    pruned = ((PRUNE_INTENTS, now - timedelta(days=KEEP_INTENTS_DAYS)), (PRUNE_TOKENS, now))
    for bucket in range(BUCKET_COUNT):
        for statement, before in pruned:
            params = {"bucket": bucket, "before": before, "limit": PRUNE_ROWS_MAX}
            count = PRUNE_ROWS_MAX
            while count == PRUNE_ROWS_MAX:  # in small steps: the piece stays usable meanwhile
                async with connected(database) as connection:
                    count = await run(connection, statement, params)
                removed += count
    return removed + await prune_requests(database, now - timedelta(days=1))


async def prepare_partitions(database: Database, today: date) -> list[str]:
    """Create the log partitions of this month and the next ones. Return the new names."""
    made = []
    for table in PARTITIONED_TABLES:
        for ahead in range(MONTHS_AHEAD + 1):
            start, end = _month(today, ahead), _month(today, ahead + 1)
            name = f"{table}_{start:%Y_%m}"
            async with connected(database) as connection:
                found = (await rows(connection, PARTITION_EXISTS, {"name": name}))[0].found
            if not found and await _make_partition(database, table, name, start, end):
                made.append(name)
    return made


async def _make_partition(
    database: Database, table: str, name: str, start: datetime, end: datetime
) -> bool:
    """Create and attach one month, taking along what rested in the default partition.

    Return False if somebody else has made it meanwhile.
    """
    bounds = {"start": start, "end": end}
    async with transaction(database) as connection:
        # The default partition alone: rows of months that exist are written all the while.
        await run(connection, sql(f"LOCK TABLE {table}_default IN ACCESS EXCLUSIVE MODE"))
        if (await rows(connection, PARTITION_EXISTS, {"name": name}))[0].found:
            return False
        await run(connection, sql(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)"))
        move = sql(f"""
            WITH rested AS (
                DELETE FROM {table}_default
                WHERE created_at >= :start AND created_at < :end RETURNING *)
            INSERT INTO {name} SELECT * FROM rested
        """)
        await run(connection, move, bounds)
        attach = f"""
            ALTER TABLE {table} ATTACH PARTITION {name}
            FOR VALUES FROM ('{start.isoformat()}') TO ('{end.isoformat()}')
        """.replace("+00:00", "+00")
        await run(connection, sql(attach))
    return True


def _month(today: date, ahead: int) -> datetime:
    """The first instant of the month `ahead` months after that of `today`."""
    months = today.year * 12 + today.month - 1 + ahead
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)
