"""One job per session on plain Dramatiq: `dramatiq benchmarks.tick_peer_dramatiq`."""

import asyncio
import os
from typing import Any

import asyncpg
import dramatiq
from dramatiq.middleware import AgeLimit, AsyncIO, Retries, TimeLimit

from benchmarks.tick_peer_work import QUEUE, credit
from models.bells import open_broker

THREADS = 8

broker = open_broker(os.environ["REDIS_URL"], [AsyncIO(), AgeLimit(), TimeLimit(), Retries()])
broker.declare_queue(QUEUE)
dramatiq.set_broker(broker)

_opening = asyncio.Lock()
_pool: Any = None


@dramatiq.actor(actor_name="credit_session", queue_name=QUEUE)
async def credit_session(bucket: int, session_id: str) -> None:
    """Pay one session."""
    global _pool
    async with _opening:
        if _pool is None:
            _pool = await asyncpg.create_pool(
                os.environ["DATABASE_URL"], min_size=1, max_size=THREADS
            )
    async with _pool.acquire() as connection:
        await credit(connection, bucket, session_id)
