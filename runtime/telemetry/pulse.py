"""A process's pulse, on the event loop that does its work: if that hangs, the signs stop."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from runtime.telemetry.meter import meter
from runtime.telemetry.metrics import LOOP_LAG, POOL_CONNECTIONS, POOL_MAX
from runtime.telemetry.siblings import WRITE_SECONDS, Siblings

LOOK_SECONDS = 0.5
LOOKS_PER_SIGN = round(WRITE_SECONDS / LOOK_SECONDS)


class Pool(Protocol):
    """Connections to the database: how many there may be, and how many there are."""

    pool_size: int

    def use(self) -> tuple[int, int]:
        """How many are at work, and how many rest."""


@asynccontextmanager
async def beating(
    siblings: Siblings, pool: Pool, gather: Callable[[], None] = lambda: None
) -> AsyncIterator[None]:
    """Leave signs of life and figures until the block ends. `gather` sets what is as it is now."""
    task = asyncio.create_task(beat(siblings, pool, gather))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        siblings.leave()


async def beat(siblings: Siblings, pool: Pool, gather: Callable[[], None] = lambda: None) -> None:
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
        busy, idle = pool.use()
        meter.set(POOL_CONNECTIONS, busy, siblings.program, "busy")
        meter.set(POOL_CONNECTIONS, idle, siblings.program, "idle")
        meter.set(POOL_MAX, pool.pool_size, siblings.program)
        gather()
        siblings.write()
