"""Sending what is due in a bucket. At least once: its id in the data lets a phone drop a repeat.

No transaction is open while the vendor is asked. A batch is leased: should its worker die, another
one tries again when the lease is over.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from models.clock import utcnow
from models.db import Row
from models.pushes import BATCH_SIZE, claim_pushes, finish_pushes, forget_device
from workers.push.contract import Dropped, Later, Message, Sender, Unregistered
from workers.push.words import word
from workers.workshop import Workshop

log = logging.getLogger(__name__)

FRESH = timedelta(hours=1)
ATTEMPTS_MAX = 5
SENDING_MAX = 20
BACKOFF_SECONDS = (10, 30, 120, 600)


async def send_pushes(shop: Workshop, bucket: int) -> int:
    """Send until nothing is due. Return how many notifications were seen to."""
    done = 0
    while True:
        now = utcnow()
        claimed, devices = await claim_pushes(shop.database, bucket, now)
        if shop.sender is None:
            await finish_pushes(shop.database, bucket, [row.id for row in claimed])
        else:
            sending = asyncio.Semaphore(SENDING_MAX)
            waits = await asyncio.gather(
                *(_tell(shop, shop.sender, sending, row, devices, now) for row in claimed)
            )
            await _settle(shop, bucket, claimed, waits, now)
        done += len(claimed)
        if len(claimed) < BATCH_SIZE:
            return done


async def _tell(
    shop: Workshop,
    sender: Sender,
    sending: asyncio.Semaphore,
    row: Row,
    devices: dict[int, list[Row]],
    now: datetime,
) -> float | None:
    """Tell all phones of a user. Return the seconds to wait before another try, or None."""
    left = row.created_at + FRESH - now
    if left <= timedelta(0):
        return None  # old news
    params = msgspec.json.decode(row.params)
    wait: float | None = None
    for device in devices.get(row.user_id, []):
        said = word(row.kind, device.language, params)
        if said is None:
            continue
        message = Message(
            token=device.token,
            title=said[0],
            body=said[1],
            data={"notification_id": str(row.id), "kind": row.kind},
            ttl_seconds=int(left.total_seconds()),
            collapse_key=row.kind,
        )
        async with sending:
            result = await sender.send(message)
        if isinstance(result, Unregistered):
            await forget_device(shop.database, row.user_id, device.id)
        elif isinstance(result, Dropped):
            log.error("a push of kind %s was dropped: %s", row.kind, result.reason)
        elif isinstance(result, Later):
            backoff = BACKOFF_SECONDS[min(row.push_attempts, len(BACKOFF_SECONDS)) - 1]
            wait = max(wait or 0.0, result.retry_seconds or backoff)
    return wait


async def _settle(
    shop: Workshop,
    bucket: int,
    claimed: Sequence[Row],
    waits: Sequence[float | None],
    now: datetime,
) -> None:
    """What was told is done; the rest is tried again, all of it when the last of it may be."""
    again = [
        row.id
        for row, wait in zip(claimed, waits, strict=True)
        if wait is not None and row.push_attempts < ATTEMPTS_MAX
    ]
    await finish_pushes(shop.database, bucket, {row.id for row in claimed} - set(again))
    if again:
        seconds = max(wait for wait in waits if wait is not None)
        await finish_pushes(shop.database, bucket, again, now + timedelta(seconds=seconds))
