"""Running the errands of a bucket: claimed by one statement, called, stored by another.

Kinds do not wait for each other, and a batch is only as large as surely ends within its lease: what
is claimed twice is so because somebody died.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from engine.core.action import Action, kind_of
from engine.core.errands import (
    Errand,
    Later,
    Reply,
    Standing,
    Status,
    Unknown,
    standing_after,
)
from models.inbox.pushes import take_over_pushes
from models.intents.errands import LEASE, claim_errands, settle_errands
from runtime.clock import utcnow
from runtime.telemetry.meter import meter
from runtime.telemetry.metrics import ERRANDS_DONE
from workers.errands.callers import CALLERS
from workers.errands.contract import Caller
from workers.workshop import Workshop

log = logging.getLogger(__name__)

BATCH_SIZE = 100
# Of the lease; the rest is for claiming, preparing and storing.
CALLING_SECONDS = LEASE.total_seconds() - 20
# After that long the others of the queue have their turn; the relay rings for what is left.
CLAIMING_SECONDS = 15


async def run_errands(shop: Workshop, bucket: int, callers: Sequence[Caller] = CALLERS) -> int:
    """Make the calls that are due. Return how many errands were seen to."""
    await take_over_pushes(shop.database, bucket, utcnow())
    ran = (_run_kind(shop, bucket, caller) for caller in callers)
    counts = await asyncio.gather(*ran, return_exceptions=True)
    for count in counts:
        if isinstance(count, BaseException):
            raise count
    return sum(count for count in counts if isinstance(count, int))


def batch_size(caller: Caller) -> int:
    """So many calls end within the lease, even if none is answered."""
    rounds = int(CALLING_SECONDS // caller.call.seconds_max)
    return max(1, min(BATCH_SIZE, caller.call.at_once * rounds))


async def _run_kind(shop: Workshop, bucket: int, caller: Caller) -> int:
    loop = asyncio.get_running_loop()
    until, limit, done = loop.time() + CLAIMING_SECONDS, batch_size(caller), 0
    while True:
        now = utcnow()
        claimed, errands = await claim_errands(shop.database, bucket, caller.call, now, limit)
        if errands:
            await _run_batch(shop, bucket, caller, errands)
        done += claimed
        if claimed < limit or loop.time() > until:
            return done


async def _run_batch(
    shop: Workshop, bucket: int, caller: Caller, errands: Sequence[Errand]
) -> None:
    prepared = await caller.prepare(shop, bucket, errands)
    room = asyncio.Semaphore(caller.call.at_once)
    results = await asyncio.gather(
        *(_ask(shop, caller, errand, prepared, room) for errand in errands)
    )
    now = utcnow()
    over: list[tuple[Errand, Action | None]] = []
    moved: list[tuple[Errand, Standing]] = []
    for errand, result in zip(errands, results, strict=True):
        meter.count(ERRANDS_DONE, kind_of(errand.call), type(result).__name__.lower())
        standing = standing_after(errand, result, now)
        if standing is None:
            over.append((errand, getattr(result, "answer", None)))
            continue
        moved.append((errand, standing))
        if standing.status is Status.FAILED:
            log.error("errand %s %s failed: %s", kind_of(errand.call), errand.id, standing.error)
    await shop.ring(await settle_errands(shop.database, bucket, over, moved, now))


async def _ask(
    shop: Workshop, caller: Caller, errand: Errand, prepared: Any, room: asyncio.Semaphore
) -> Reply:
    """Call, or ask what became of a call. What raises or takes too long is not known to be done."""
    async with room:
        try:
            async with asyncio.timeout(caller.call.seconds_max):
                if errand.status is Status.CALLED:
                    return await caller.make(shop, errand, prepared)
                if caller.inquire is None:
                    return Later()
                return await caller.inquire(shop, errand, prepared)
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            log.warning("errand %s %s: %s", kind_of(errand.call), errand.id, what, exc_info=True)
            return Unknown(what)
