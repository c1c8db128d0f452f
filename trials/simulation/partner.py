"""The ad network: it confirms what it has shown; early, late, twice, as another, or never."""

from random import Random
from typing import Any, Protocol

import msgspec

from api.networks.house import SIGNATURE_HEADER, sign
from runtime.environment import Config
from trials.asgi import Reply
from trials.simulation.seed import Seed


class Sender(Protocol):
    """The way to the API."""

    async def send(
        self, method: str, path: str, headers: dict[str, str], body: bytes = b""
    ) -> Reply | None: ...


class Partner:
    """Direct partners, who sign their callbacks."""

    def __init__(self, seed: Seed, line: Sender, config: Config) -> None:
        self.config = config
        self._seed = seed
        self._line = line

    def show(self, ad: dict[str, Any], random: Random) -> None:
        """An ad begins to play: its callbacks will be on their way."""
        faults, seconds = self._seed.faults, ad["min_seconds"] + random.uniform(0, 5)
        if faults.happens("callback lost"):
            return
        if faults.happens("callback early"):
            seconds = random.uniform(0, ad["min_seconds"])
        if faults.happens("callback late"):
            seconds += random.uniform(30, 1500)
        event_id = f"event-{ad['view_id']}"
        self._seed.scheduler.spawn(self._confirm(ad, event_id), seconds)
        if faults.happens("callback doubled"):
            delay = seconds + random.uniform(-1, 60)
            self._seed.scheduler.spawn(self._confirm(ad, event_id), max(0, delay))
        if faults.happens("callback repeated as another"):
            delay = seconds + random.uniform(-1, 60)
            self._seed.scheduler.spawn(self._confirm(ad, f"{event_id}-2"), max(0, delay))

    async def _confirm(self, ad: dict[str, Any], event_id: str) -> None:
        at = self._seed.scheduler.now
        event = {
            "event_id": event_id,
            "nonce": ad["nonce"],
            "ad_unit": ad["unit"],
            "completed_at": at,
            "seconds": ad["min_seconds"],
        }
        body = msgspec.json.encode(event)
        signature = sign(self.config.house_secrets[0], int(at.timestamp()), body)
        headers = {SIGNATURE_HEADER: signature}
        reply = await self._line.send("POST", "/v1/ads/callbacks/house", headers, body)
        if reply is not None and reply.status == 200:
            self._seed.confirmed.append(event_id)
