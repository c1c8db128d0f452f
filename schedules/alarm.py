"""The alarm: runs each job now, and again every so many seconds, whatever becomes of the time.

APScheduler waits by the monotonic clock, but looks by the system's time whether a job is due: set
back by two minutes, it would let all of them rest for as long. So every jump sets it anew.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from models.base.db import DATABASE_ERRORS
from runtime.clock import utcnow

log = logging.getLogger("schedules")

LOOK_SECONDS = 0.5
# A system that keeps its time right moves it by much less between two looks.
JUMP_SECONDS = 1.0

Job = Callable[[], Awaitable[None]]


def outliving_outages(job: Job) -> Job:
    """A job that logs an outage in one line: the next run makes up for it."""

    async def run() -> None:
        try:
            await job()
        except DATABASE_ERRORS as error:
            log.warning("%s waits for PostgreSQL: %s", job.__name__, type(error).__name__)

    return run


@asynccontextmanager
async def ringing(jobs: Mapping[Job, float]) -> AsyncIterator[None]:
    """Run each job now, and again every so many seconds, until the block ends."""
    scheduler = AsyncIOScheduler(
        timezone="UTC",
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
    )
    for job, seconds in jobs.items():
        scheduler.add_job(
            outliving_outages(job), "interval", seconds=seconds, next_run_time=utcnow()
        )
    watch = asyncio.create_task(_watch(scheduler))
    scheduler.start()
    try:
        yield
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch
        scheduler.shutdown()


async def _watch(scheduler: AsyncIOScheduler) -> None:
    """After a jump of the system's time run every job, and count its seconds from there."""
    ahead = _ahead_seconds()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        before, ahead = ahead, _ahead_seconds()
        if abs(ahead - before) < JUMP_SECONDS:
            continue
        log.warning("the time was set by %+.0f s: everything is looked at anew", ahead - before)
        for job in scheduler.get_jobs():
            job.modify(next_run_time=utcnow())


def _ahead_seconds() -> float:
    """How far the system's time is ahead of the monotonic clock, which nobody sets."""
    return utcnow().timestamp() - asyncio.get_running_loop().time()
