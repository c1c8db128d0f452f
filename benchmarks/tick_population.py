"""A population for the tick: one live session each, spread evenly over groups and buckets.

Loaded with set statements into the engine's own tables; every constraint holds afterwards.
"""

from datetime import datetime, timedelta

from engine.core.money import BASE_REWARD_MICRO
from engine.core.timeline import PRODUCTION, boundary_at_or_before
from models.base.db import Database, Row, connected, rows, run, sql
from models.base.partitions import prepare_partitions
from models.mining.credit import accrued_sql
from models.schema.migrate import migrate
from models.schema.seed import seed
from runtime.clock import utcnow

# Sessions start in the window before the population's origin and last four hours.
TICKS_MAX = (PRODUCTION.cycle_seconds - PRODUCTION.window_seconds) // PRODUCTION.tick_seconds
TICK = timedelta(seconds=PRODUCTION.tick_seconds)

# Foreign keys are checked at once when they are made again, not row by row.
FOREIGN_KEYS = sql("""
    SELECT CAST(conrelid AS regclass)::text AS table_name, conname AS name,
           pg_get_constraintdef(oid) AS definition
    FROM pg_constraint
    WHERE contype = 'f' AND conparentid = 0 AND connamespace = CAST('public' AS regnamespace)
""")

# engine.core.timeline.user_id_of in SQL, and the groups that engine.mining.groups.assign gives to
# a million people who come within a year: 46 in the 24 minutes in which a group opens next.
PEOPLE = """(
    SELECT n, ((n - 1) / 4096 * 64 + (n - 1) % 64 + 1) * 64 + (n - 1) / 64 % 64 AS id,
           n / 46 % 10 + 1 AS group_number
    FROM generate_series(1, CAST(:last AS bigint)) AS n)"""

USERS = sql(f"""
    INSERT INTO users (bucket, id, group_number, email, password_hash, is_active, version,
                       created_at)
    SELECT id % 64, id, group_number, id || '@bench.example', '', true, 0,
           CAST(:origin AS timestamptz) - interval '30 days'
    FROM {PEOPLE} AS people ORDER BY n
""")

SESSIONS = sql(f"""
    INSERT INTO mining_sessions (bucket, id, user_id, group_number, status, reward_micro,
                                 requested_at, window_opens_at, view_id, started_at, ends_at)
    SELECT id % 64, CAST(lpad(to_hex(n), 32, '0') AS uuid), id, group_number, 'ACTIVE', :reward,
           starts_at - interval '90 seconds', starts_at - interval '2 minutes',
           CAST('a' || lpad(to_hex(n), 31, '0') AS uuid), starts_at,
           starts_at + interval '4 hours'
    FROM (SELECT people.*, CAST(:origin AS timestamptz)
                    - (n * 7919 % :window + 1) * interval '1 microsecond' AS starts_at
          FROM {PEOPLE} AS people WHERE n % CAST(:step AS bigint) = 0) AS miners
    ORDER BY n
""")

VIEWS = sql("""
    INSERT INTO ad_views (bucket, id, user_id, purpose, session_id, ad_id, network, unit,
                          min_seconds, proof, revenue_micro_usd, try_number, status, served_at,
                          started_at, completed_at, confirmed_at, verified_at, event_id)
    SELECT bucket, view_id, user_id, 'MINING', id, 1, 'house', 'house-rewarded',
           60, 'BOTH', 3000, 1, 'VERIFIED', requested_at,
           requested_at, started_at - interval '1 second', started_at - interval '1 second',
           started_at, 'bench:' || user_id
    FROM mining_sessions
""")

WALLETS = sql(f"""
    INSERT INTO wallets (bucket, user_id, balance, settled_balance, total_withdrawn, updated_at)
    SELECT u.bucket, u.id,
           COALESCE({accrued_sql("CAST(:origin AS timestamptz)")}, 0), 0, 0, :origin
    FROM users u
    LEFT JOIN mining_sessions s ON s.bucket = u.bucket AND s.user_id = u.id
    ORDER BY u.id / 4096, u.bucket, u.id
""")

COUNT_MEMBERS = sql("""
    UPDATE group_sizes z SET member_count = u.size
    FROM (SELECT bucket, group_number, count(*) AS size FROM users GROUP BY 1, 2) u
    WHERE z.bucket = u.bucket AND z.group_number = u.group_number
""")

HISTORY = sql("""
    INSERT INTO transactions (bucket, id, user_id, type, from_account, to_account, amount,
                              reference, funding, description, metadata, created_at)
    SELECT bucket, CAST('b' || lpad(to_hex(i), 31, '0') AS uuid), user_id, 'BONUS',
           'emission:bonus', 'wallet:' || user_id, 1, 'bench:' || i, 'house', 'History', '{}',
           CAST(:origin AS timestamptz) - i * interval '1 second'
    FROM (SELECT bucket, user_id,
                 row_number() OVER () + (row - 1) * CAST(:people AS bigint) AS i
          FROM wallets CROSS JOIN generate_series(1, CAST(:each AS bigint)) AS row) AS past
""")


def origin_now() -> datetime:
    """Long enough ago that all boundaries of the population's ticks are in the past."""
    origin = utcnow() - TICKS_MAX * TICK
    return boundary_at_or_before(origin, PRODUCTION.tick_seconds)


async def populate(database: Database, origin: datetime, live: int, idle: int = 0) -> None:
    """Make the tables, `live` members who mine and `idle` who do not, paid until `origin`.

    Idle members lie between the others: of 1 + idle / live neighbours one mines.
    """
    await migrate(database.url)
    await seed(database, PRODUCTION, origin)
    await prepare_partitions(database, origin.date())
    keys = await _drop_foreign_keys(database)
    people = {"origin": origin, "last": live + idle}
    session = people | {
        "step": 1 + idle // live,
        "reward": BASE_REWARD_MICRO,
        "window": PRODUCTION.window_seconds * 10**6,
    }
    async with connected(database) as connection:
        await run(connection, USERS, people)
        await run(connection, SESSIONS, session)
        await run(connection, VIEWS)
    await vacuum(database)
    async with connected(database) as connection:
        await run(connection, WALLETS, {"origin": origin})
        await run(connection, COUNT_MEMBERS)
    await _restore_foreign_keys(database, keys)
    await vacuum(database)


async def add_history(database: Database, origin: datetime, people: int, count: int) -> None:
    """Add ledger rows of the past to `people` wallets. The books no longer balance afterwards."""
    keys = await _drop_foreign_keys(database)
    async with connected(database) as connection:
        params = {"origin": origin, "people": people, "each": count // people}
        await run(connection, HISTORY, params)
    await _restore_foreign_keys(database, keys)
    await vacuum(database)


async def vacuum(database: Database) -> None:
    """What autovacuum does in the background, so that it does not do it during a round."""
    async with connected(database) as connection:
        await run(connection, sql("VACUUM ANALYZE"))


async def _drop_foreign_keys(database: Database) -> list[Row]:
    async with connected(database) as connection:
        keys = list(await rows(connection, FOREIGN_KEYS))
        for key in keys:
            await run(connection, sql(f"ALTER TABLE {key.table_name} DROP CONSTRAINT {key.name}"))
    return keys


async def _restore_foreign_keys(database: Database, keys: list[Row]) -> None:
    async with connected(database) as connection:
        for key in keys:
            add = f"ADD CONSTRAINT {key.name} {key.definition}"
            await run(connection, sql(f"ALTER TABLE {key.table_name} {add}"))
