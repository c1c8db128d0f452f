"""One message per job on plain Dramatiq: `dramatiq benchmarks.peer_dramatiq`."""

import os

import dramatiq
from dramatiq.middleware import AgeLimit, AsyncIO, Retries, TimeLimit

from benchmarks.peer_work import QUEUE, database, job
from runtime.broker.bells import open_broker

THREADS = 8

broker = open_broker(os.environ["REDIS_URL"], [AsyncIO(), AgeLimit(), TimeLimit(), Retries()])
broker.declare_queue(QUEUE)
dramatiq.set_broker(broker)


@dramatiq.actor(actor_name="work", queue_name=QUEUE)
async def work(*arguments: int | str) -> None:
    """Do one job."""
    await job()(database(THREADS), *arguments)
