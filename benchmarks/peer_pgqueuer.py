"""One message per job on PgQueuer: `python -m benchmarks.peer_pgqueuer`.

Not by its own command, whose option for the log level fails with today's Typer.
"""

import asyncio
import os

import asyncpg
import msgspec
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries

from benchmarks.peer_work import Arguments, database, job

JOBS_AT_ONCE = 8
BATCH_SIZE = 64
_slots = asyncio.Semaphore(JOBS_AT_ONCE)


async def main() -> None:
    """The worker."""
    queue = PgQueuer(AsyncpgDriver(await asyncpg.connect(os.environ["DATABASE_URL"])))
    queue.entrypoint("work")(work)
    await queue.run(batch_size=BATCH_SIZE)


async def work(one: Job) -> None:
    """Do one job. PgQueuer begins all that it has fetched, however few connections there are."""
    async with _slots:
        await job()(database(JOBS_AT_ONCE), *msgspec.json.decode(one.payload or b"[]"))


async def enqueue(database_url: str, jobs: list[Arguments]) -> None:
    """Make its tables, and fill the queue."""
    connection = await asyncpg.connect(database_url)
    try:
        queries = Queries(AsyncpgDriver(connection))
        await queries.install()
        payloads: list[bytes | None] = [msgspec.json.encode(arguments) for arguments in jobs]
        await queries.enqueue(["work"] * len(jobs), payloads, [0] * len(jobs))
    finally:
        await connection.close()


if __name__ == "__main__":
    asyncio.run(main())
