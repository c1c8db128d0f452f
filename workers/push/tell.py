"""Telling phones what an inbox says. At least once: its id in the data lets a phone drop a repeat.

While one phone waits for another try, those that were told are remembered in the errand.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta

from engine.core.errands import Done, Errand, Later, Reply, TellPhones, backoff_seconds
from models.base.db import Row
from models.inbox.pushes import devices_of, forget_device
from runtime.clock import utcnow
from workers.errands.contract import Caller
from workers.push import contract
from workers.push.contract import Dropped, Message, Unregistered
from workers.push.words import word
from workers.workshop import Workshop

log = logging.getLogger(__name__)

FRESH = timedelta(hours=1)

Devices = Mapping[int, Sequence[Row]]


async def phones_of(shop: Workshop, bucket: int, errands: Sequence[Errand]) -> Devices:
    """The phones of all that are to be told something."""
    if shop.sender is None:
        return {}
    return await devices_of(shop.database, bucket, (errand.user_id for errand in errands))


async def tell_phones(shop: Workshop, errand: Errand, devices: Devices) -> Reply:
    """Tell a member's phones that were not told yet. Old news is not told."""
    call, left = errand.call, errand.created_at + FRESH - utcnow()
    assert isinstance(call, TellPhones)
    if shop.sender is None or left <= timedelta(0):
        return Done()
    told, waits = set(call.told), list[float]()
    for device in devices.get(errand.user_id, ()):
        said = word(call.note, device.language, call.params)
        if said is None or device.id.hex() in told:
            continue
        result = await shop.sender.send(_message(errand, call.note, device, said, left))
        if isinstance(result, contract.Later):
            waits.append(result.retry_seconds or backoff_seconds(errand))
            continue
        told.add(device.id.hex())
        if isinstance(result, Unregistered):
            await forget_device(shop.database, errand.user_id, device.id)
        elif isinstance(result, Dropped):
            log.error("a push of kind %s was dropped: %s", call.note, result.reason)
    if not waits:
        return Done()
    # All are tried again when the last of them may be.
    return Later(max(waits), TellPhones(call.note, call.params, tuple(sorted(told))))


def _message(
    errand: Errand, kind: str, device: Row, said: tuple[str, str], left: timedelta
) -> Message:
    return Message(
        token=device.token,
        title=said[0],
        body=said[1],
        data={"notification_id": str(errand.id), "kind": kind},
        ttl_seconds=int(left.total_seconds()),
        collapse_key=kind,
        tag=str(errand.id),
    )


TELL_PHONES = Caller(TellPhones, tell_phones, prepare=phones_of)
