"""The clock process: `python -m schedules`. Any number of them may run."""

import asyncio
import logging
import signal
import sys

from models.base.db import DATABASE_ERRORS, open_database
from models.inbox.pushes import pieces_of_before
from models.installation.settings import NotReleasedError, load_installation
from models.intents.errands import pieces_with_errands
from models.intents.follow_ups import deliver_overdue
from models.intents.queue import overdue_pieces
from models.operations.gauges import read_state
from runtime.broker.bells import Bells, open_broker
from runtime.clock import utcnow
from runtime.environment import Config, ConfigError, load_config
from runtime.telemetry.endpoint import serve_metrics
from runtime.telemetry.logs import set_up_logs
from runtime.telemetry.meter import meter
from runtime.telemetry.metrics import RELAY_RINGS
from runtime.telemetry.pulse import beating
from runtime.telemetry.siblings import Siblings
from schedules.alarm import Job, ringing
from schedules.due import DueWork
from schedules.timetable import check_entries, entries
from workers.alerting import open_channels
from workers.alerting.outage import OutageWatch

log = logging.getLogger("schedules")

RELAY_SECONDS = 1
DUE_SECONDS_MAX = 15
LOOK_SECONDS = 10


async def main(config: Config) -> None:
    """Record what is due and relay what nobody applied, until SIGTERM or SIGINT."""
    database = open_database(config.database_url, pool_size=4, application_name="twtc-clock")
    bells = Bells(open_broker(config.broker_url, []), config.redis_url)
    timetable = (await load_installation(database)).table
    table = entries(timetable)
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
        meter.count(RELAY_RINGS, by=len(overdue))
        await bells.ring(*overdue)
        await bells.ring(*await deliver_overdue(database, utcnow()))
        await bells.ring(*await pieces_with_errands(database, utcnow()))
        await bells.ring(*await pieces_of_before(database, utcnow()))

    async def look() -> None:
        await read_state(database, timetable, config.broker_url, utcnow())

    due_seconds = min(DUE_SECONDS_MAX, *(max(1, e.period_seconds // 2) for e in table))
    jobs: dict[Job, float] = {
        record_due_work: due_seconds,
        relay: RELAY_SECONDS,
        look: LOOK_SECONDS,
    }
    siblings = Siblings("clock", config.database_url)
    if config.telemetry.clock_address is not None:
        serve_metrics(config.telemetry.clock_address, config.telemetry.metrics_token, siblings)
    async with beating(siblings, database), ringing(jobs):
        log.info("recording what is due every %s s", due_seconds)
        await _stopped()
    await bells.close()
    await database.dispose()


async def _stopped() -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await stopping.wait()


if __name__ == "__main__":
    try:
        config = load_config()
        set_up_logs("clock", config.telemetry.logs)
        asyncio.run(main(config))
    except (ConfigError, NotReleasedError, *DATABASE_ERRORS) as error:
        sys.exit(f"schedules: {error}")
