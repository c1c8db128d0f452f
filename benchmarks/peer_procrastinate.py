"""One message per job on Procrastinate: `procrastinate --app benchmarks.peer_procrastinate.app`."""

import os

from msgspec import to_builtins
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector

from benchmarks.peer_work import QUEUE, Arguments, database, job

JOBS_AT_ONCE = 8

app = App(connector=PsycopgConnector(conninfo=os.environ["DATABASE_URL"]))


async def do(arguments: list[int | str]) -> None:
    """Do one job."""
    await job()(database(JOBS_AT_ONCE), *arguments)


work = app.task(name="work", queue=QUEUE)(do)


def enqueue(database_url: str, jobs: list[Arguments]) -> None:
    """Make its tables, and fill the queue."""
    connector = SyncPsycopgConnector(conninfo=database_url)
    with app.replace_connector(connector) as opened, opened.open():
        opened.schema_manager.apply_schema()
        work.batch_defer(*({"arguments": to_builtins(arguments)} for arguments in jobs))
