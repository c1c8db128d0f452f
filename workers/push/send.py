"""Sending what is due in a bucket. At least once: its id in the data lets a phone drop a repeat.

No transaction is open while the vendor is asked. A batch is leased: should its worker die, another
one tries again when the lease is over.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from models.base.db import Row
from models.inbox.pushes import (
    BATCH_SIZE,
    claim_pushes,
    finish_pushes,
    forget_device,
    postpone_pushes,
    told_of,
)
from runtime.clock import utcnow
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
            outcomes = await asyncio.gather(
                *(_tell(shop, shop.sender, sending, row, devices, now) for row in claimed)
            )
            await _settle(shop, bucket, claimed, outcomes, now)
        done += len(claimed)
        if len(claimed) < BATCH_SIZE:
            return done


class Told(Struct, frozen=True):
    """Which phones need not be told any more, and how long to wait for the others, or None."""

    devices: frozenset[bytes]
    wait_seconds: float | None = None


async def _tell(
    shop: Workshop,
    sender: Sender,
    sending: asyncio.Semaphore,
    row: Row,
    devices: dict[int, list[Row]],
    now: datetime,
) -> Told:
    """Tell the phones of a user that were not told yet."""
    left = row.created_at + FRESH - now
    if left <= timedelta(0):
        return Told(frozenset())  # old news
    params = msgspec.json.decode(row.params)
    told, wait = told_of(row), None
    for device in devices.get(row.user_id, []):
        said = word(row.kind, device.language, params)
        if said is None or device.id in told:
            continue
        async with sending:
            result = await sender.send(_message(row, device, said, left))
        if isinstance(result, Later):
            backoff = BACKOFF_SECONDS[min(row.push_attempts, len(BACKOFF_SECONDS)) - 1]
            wait = max(wait or 0.0, result.retry_seconds or backoff)
            continue
        told |= {device.id}
        if isinstance(result, Unregistered):
            await forget_device(shop.database, row.user_id, device.id)
        elif isinstance(result, Dropped):
            log.error("a push of kind %s was dropped: %s", row.kind, result.reason)
    return Told(told, wait)


def _message(row: Row, device: Row, said: tuple[str, str], left: timedelta) -> Message:
    return Message(
        token=device.token,
        title=said[0],
        body=said[1],
        data={"notification_id": str(row.id), "kind": row.kind},
        ttl_seconds=int(left.total_seconds()),
        collapse_key=row.kind,
        tag=str(row.id),
    )


async def _settle(
    shop: Workshop,
    bucket: int,
    claimed: Sequence[Row],
    outcomes: Sequence[Told],
    now: datetime,
) -> None:
    """What was told is done; the rest is tried again, all of it when the last of it may be."""
    again = {
        row.id: told
        for row, told in zip(claimed, outcomes, strict=True)
        if told.wait_seconds is not None and row.push_attempts < ATTEMPTS_MAX
    }
    await finish_pushes(shop.database, bucket, {row.id for row in claimed} - again.keys())
    if again:
        seconds = max(told.wait_seconds or 0.0 for told in again.values())
        told_so_far = {id_: told.devices for id_, told in again.items()}
        due_at = now + timedelta(seconds=seconds)
        await postpone_pushes(shop.database, bucket, told_so_far, due_at)
