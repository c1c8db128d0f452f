"""One job per session on Celery, RQ and plain Dramatiq; their table is small enough for memory."""

from benchmarks.peers import Peer, jobs_per_second
from benchmarks.tick_job import AMOUNT_MICRO
from benchmarks.tick_population import vacuum
from models.base.db import Database, connected, rows, run, sql
from ops.local.servers import Servers

JOB = "benchmarks.tick_job:credit"

ADD_COLUMN = sql("""
    ALTER TABLE mining_sessions
    ADD COLUMN IF NOT EXISTS credited_micro bigint NOT NULL DEFAULT 0
""")
FORGET = sql("UPDATE mining_sessions SET credited_micro = 0 WHERE credited_micro <> 0")
SESSIONS = sql("SELECT bucket, id FROM mining_sessions ORDER BY user_id LIMIT :count")
DONE = sql("SELECT count(*) AS done FROM mining_sessions WHERE credited_micro <> 0")
SUMS = sql("""
    SELECT (SELECT CAST(sum(credited_micro) AS bigint) FROM mining_sessions) AS sessions,
           (SELECT CAST(sum(balance) AS bigint) FROM wallets) AS wallets
""")


async def sessions_per_second(
    database: Database, servers: Servers, peer: Peer, count: int
) -> float:
    """How many sessions a second the peer pays. Check that it paid each of them once."""
    async with connected(database) as connection:
        await run(connection, ADD_COLUMN)
        await run(connection, FORGET)
        chosen = await rows(connection, SESSIONS, {"count": count})
        before = (await rows(connection, SUMS))[0]
    await vacuum(database)

    async def count_done() -> int:
        async with connected(database) as connection:
            return int((await rows(connection, DONE))[0].done)

    jobs = [(row.bucket, str(row.id)) for row in chosen]
    rate, _ = await jobs_per_second(peer, servers, database.url, JOB, jobs, count_done)
    async with connected(database) as connection:
        after = (await rows(connection, SUMS))[0]
    owed = len(jobs) * AMOUNT_MICRO
    if after.sessions != owed or after.wallets - before.wallets != owed:
        raise RuntimeError(f"{peer.name} did not do its work: {after} after {before}")
    return rate
