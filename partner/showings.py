"""Ads being watched at the local partner: their timers, and the callback when one is finished."""

import logging
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import StrEnum

import httpx
import msgspec
from msgspec import Struct

from api.networks.contract import matches
from api.networks.house import SIGNATURE_HEADER, HouseEvent, sign, sign_page

log = logging.getLogger(__name__)

SHOWINGS_MAX = 10_000
SHOWING_SECONDS_MAX = 3600.0
RETRY_WAITS_SECONDS = (0.5, 1.0, 2.0)


class Delivery(StrEnum):
    """What became of a callback."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    UNDELIVERED = "undelivered"


class Showing(Struct):
    """One ad being watched. Times are of the monotonic clock, in seconds."""

    event_id: str
    began: float
    seconds: int
    body: bytes | None = None
    delivered: bool = False

    def left(self, at: float) -> float:
        """Seconds still to be watched."""
        return max(self.began + self.seconds - at, 0.0)


class Partner:
    """Times the showings, and tells the API of those that were watched to the end.

    Memory is bounded: the oldest showings are forgotten beyond SHOWINGS_MAX, or after an hour.
    """

    def __init__(
        self,
        secret: bytes,
        callback_url: str,
        http: httpx.AsyncClient,
        monotonic: Callable[[], float],
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[object]],
    ) -> None:
        self._secret = secret
        self._callback_url = callback_url
        self._http = http
        self._now = now
        self._sleep = sleep
        self._showings: OrderedDict[tuple[str, str], Showing] = OrderedDict()
        self.monotonic = monotonic

    def is_asked_for(self, unit: str, nonce: str, seconds: int, signature: str) -> bool:
        """Whether the publisher signed that this ad is to be shown for so long."""
        return matches(sign_page(self._secret, unit, nonce, seconds), signature.split(","))

    def start(self, unit: str, nonce: str, seconds: int) -> Showing:
        """Begin the timer. Showing the page again does not restart or shorten it."""
        showing = self.find(unit, nonce)
        if showing is None:
            showing = Showing(f"house-{secrets.token_hex(16)}", self.monotonic(), seconds)
            self._showings[unit, nonce] = showing
            if len(self._showings) > SHOWINGS_MAX:
                self._showings.popitem(last=False)
        return showing

    def find(self, unit: str, nonce: str) -> Showing | None:
        """The showing, unless it never began or is forgotten."""
        limit = self.monotonic() - SHOWING_SECONDS_MAX
        while self._showings and next(iter(self._showings.values())).began < limit:
            self._showings.popitem(last=False)
        return self._showings.get((unit, nonce))

    async def deliver(self, unit: str, nonce: str, showing: Showing) -> Delivery:
        """Send the callback until the API answers. A repeat is the same event."""
        if showing.body is None:
            event = HouseEvent(showing.event_id, nonce, unit, self._now(), showing.seconds)
            showing.body = msgspec.json.encode(event)
        for wait in (*RETRY_WAITS_SECONDS, None):
            if showing.delivered:
                return Delivery.DELIVERED
            response = await self._send(showing.body)
            if response is not None and response.status_code < 500 and response.status_code != 429:
                showing.delivered = _accepted(response)
                return Delivery.DELIVERED if showing.delivered else Delivery.REFUSED
            if wait is not None:
                await self._sleep(wait)
        return Delivery.UNDELIVERED

    async def _send(self, body: bytes) -> httpx.Response | None:
        signature = sign(self._secret, int(self._now().timestamp()), body)
        headers = {SIGNATURE_HEADER: signature, "Content-Type": "application/json"}
        try:
            response = await self._http.post(self._callback_url, content=body, headers=headers)
        except httpx.TransportError as error:
            log.warning("the callback did not arrive: %s", type(error).__name__)
            return None
        if not _accepted(response):
            log.warning("callback answered with %d: %.300s", response.status_code, response.text)
        return response


def _accepted(response: httpx.Response) -> bool:
    if response.status_code != 200:
        return False
    try:
        return bool(response.json().get("status") == "accepted")
    except (ValueError, AttributeError):
        return False
