"""What takes long: ten million live sessions, and what a week of ticks leaves behind."""

import time

from msgspec import Struct

from benchmarks.support import Sample, own_database, say, show
from benchmarks.tick_engine import bench_of, tick, ticks
from benchmarks.tick_population import TICKS_MAX, origin_now, populate, vacuum
from models.base.db import Database, connected, rows, run, sql
from ops.local.servers import Servers

TEN_MILLION = 10_000_000
MEMBERS_OF_WEEK = 20_000
TICKS_A_DAY = 144
DAYS = 7
LONG_ROUNDS = 3

WRITTEN = sql("SELECT CAST(pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS bigint) AS bytes")
SIZES = sql("""
    SELECT pg_total_relation_size('wallets') AS wallets,
           pg_total_relation_size('credit_watermarks') AS watermarks,
           pg_total_relation_size('mining_sessions') AS sessions
""")
# The same boundaries once more; an intent is pruned when it has been done for a week.
SET_BACK = sql("UPDATE credit_watermarks SET credited_through = CAST(:origin AS timestamptz)")
PRUNE = sql("DELETE FROM intents WHERE kind = 'mining.credit'")


class Week(Struct, frozen=True):
    """What ticks leave behind: bytes of log and of tables, and what cleaning up takes."""

    wal_bytes_a_day: int
    vacuum_seconds_a_day: float
    growth: float


async def ten_million(servers: Servers, drains: int, pool_size: int, scale: int) -> Sample:
    """Seconds of ticks of ten million live sessions."""
    size = TEN_MILLION // scale
    say(f"loading {size:,} sessions")
    async with own_database(servers, "twtc_bench_ten_million", pool_size) as database:
        await populate(database, origin_now(), size)
        async with bench_of(database, servers.redis_url, size) as bench:
            sample = await ticks(bench, drains, LONG_ROUNDS)
    show(f"{size:,} live sessions", ["", "seconds"], [["tick", sample.shown()]])
    return sample


async def week(servers: Servers, drains: int, pool_size: int, scale: int) -> Week:
    """What a week of ticks writes, and how large the tables are afterwards."""
    members, origin = MEMBERS_OF_WEEK // scale, origin_now()
    cleaning, lines = 0.0, list[list[str]]()
    async with own_database(servers, "twtc_bench_week", pool_size) as database:
        await populate(database, origin, members)
        async with bench_of(database, servers.redis_url, members) as bench:
            # The first round makes the room that the rows have from then on.
            await tick(bench, drains)
            await vacuum(database)
            before, began = await _sizes(database), await _written(database)
            for number in range(1, DAYS * TICKS_A_DAY + 1):
                if number % (TICKS_MAX - 1) == 0:
                    async with connected(database) as connection:
                        await run(connection, PRUNE)
                        await run(connection, SET_BACK, {"origin": origin})
                await tick(bench, drains)
                started = time.perf_counter()
                await vacuum(database)
                cleaning += time.perf_counter() - started
                if number % TICKS_A_DAY == 0:
                    now = await _sizes(database)
                    sizes = [f"{now[name] / 2**20:,.1f} MiB" for name in before]
                    lines.append([f"day {number // TICKS_A_DAY}", *sizes])
            written, after = await _written(database) - began, await _sizes(database)
    show(f"{members:,} members, {TICKS_A_DAY} ticks a day", ["", *before], lines)
    say(f"{written / DAYS / TICKS_A_DAY / members:,.0f} bytes of log for each payment")
    return Week(
        written // DAYS, cleaning / DAYS, max(after[name] / before[name] for name in before)
    )


async def _written(database: Database) -> int:
    async with connected(database) as connection:
        return int((await rows(connection, WRITTEN))[0].bytes)


async def _sizes(database: Database) -> dict[str, int]:
    async with connected(database) as connection:
        [row] = await rows(connection, SIZES)
    return {"wallets": row.wallets, "watermarks": row.watermarks, "sessions": row.sessions}
