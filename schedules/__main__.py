"""The clock process: `python -m schedules`. Any number of them may run."""

import asyncio
import logging
import signal
import sys
from collections.abc import Awaitable, Callable

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from models.bells import Bells, open_broker
from models.clock import utcnow
from models.config import ConfigError, load_config
from models.db import DATABASE_ERRORS, open_database
from models.pushes import pieces_to_push
from models.queue import overdue_pieces
from models.settings import NotReleasedError, load_installation
from schedules.due import DueWork
from schedules.timetable import check_entries, entries
from workers.alerting import open_channels
from workers.alerting.outage import OutageWatch

log = logging.getLogger("schedules")

RELAY_SECONDS = 1
DUE_SECONDS_MAX = 15


def outliving_outages(job: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """A job that logs an outage in one line: the next run makes up for it."""

    async def run() -> None:
        try:
            await job()
        except DATABASE_ERRORS as error:
            log.warning("%s waits for PostgreSQL: %s", job.__name__, type(error).__name__)

    return run


async def main() -> None:
    """Record what is due and relay what nobody applied, until SIGTERM or SIGINT."""
    config = load_config()
    database = open_database(config.database_url, pool_size=4, application_name="twtc-clock")
    bells = Bells(open_broker(config.broker_url, []), config.redis_url)
    table = entries((await load_installation(database)).table)
    check_entries(table)
    due_work = DueWork(database, table)
    outages = OutageWatch(open_channels(config).critical)

    async def record_due_work() -> None:
        await bells.ring(*await due_work.record(utcnow()))

    async def relay() -> None:
        try:
            overdue = await overdue_pieces(database, utcnow())
        except DATABASE_ERRORS:
            await outages.note(utcnow(), is_away=True)
            raise
        await outages.note(utcnow(), is_away=False)
        await bells.ring(*overdue)
        await bells.ring(*await pieces_to_push(database, utcnow()))

    scheduler = AsyncIOScheduler(
        timezone="UTC",
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
    )
    due_seconds = min(DUE_SECONDS_MAX, *(max(1, e.period_seconds // 2) for e in table))
    scheduler.add_job(
        outliving_outages(record_due_work), "interval", seconds=due_seconds, next_run_time=utcnow()
    )
    scheduler.add_job(outliving_outages(relay), "interval", seconds=RELAY_SECONDS)
    scheduler.start()
    log.info("recording what is due every %s s", due_seconds)

    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await stopping.wait()
    scheduler.shutdown()
    await bells.close()
    await database.dispose()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    try:
        asyncio.run(main())
    except (ConfigError, NotReleasedError, *DATABASE_ERRORS) as error:
        sys.exit(f"schedules: {error}")
