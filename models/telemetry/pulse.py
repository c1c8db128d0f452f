"""A process's pulse, on the event loop that does its work: if that hangs, the signs stop."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from models.db import Database
from models.telemetry.meter import meter
from models.telemetry.metrics import LOOP_LAG, POOL_CONNECTIONS, POOL_MAX
from models.telemetry.siblings import WRITE_SECONDS, Siblings

LOOK_SECONDS = 0.5
LOOKS_PER_SIGN = round(WRITE_SECONDS / LOOK_SECONDS)


@asynccontextmanager
async def beating(
    siblings: Siblings, database: Database, gather: Callable[[], None] = lambda: None
) -> AsyncIterator[None]:
    """Leave signs of life and figures until the block ends. `gather` sets what is as it is now."""
    task = asyncio.create_task(beat(siblings, database, gather))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        siblings.leave()


async def beat(
    siblings: Siblings, database: Database, gather: Callable[[], None] = lambda: None
) -> None:
    """Measure how late the loop is, and leave a sign every two seconds, until cancelled."""
    siblings.join()
    loop = asyncio.get_running_loop()
    while True:
        worst = 0.0
        for _ in range(LOOKS_PER_SIGN):
            due = loop.time() + LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
            worst = max(worst, loop.time() - due)
        meter.set(LOOP_LAG, worst, siblings.program)
        busy, idle = database.use()
        meter.set(POOL_CONNECTIONS, busy, siblings.program, "busy")
        meter.set(POOL_CONNECTIONS, idle, siblings.program, "idle")
        meter.set(POOL_MAX, database.pool_size, siblings.program)
        gather()
        siblings.write()
