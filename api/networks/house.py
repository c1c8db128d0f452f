"""The house network: our own signed callback for direct partners (docs/adding-an-ad-network.md).

The page's address is signed: a partner shows an ad only for as long as we asked. The callback is a
POST with a JSON body {event_id, nonce, ad_unit, completed_at, seconds} and the header
`TWTC-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">`. A partner signs afresh each
time it sends; the event id stays the same, so that repeats have one effect.
"""

import hmac
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Meta, Struct

from api.networks.contract import (
    NONCE,
    AdUnits,
    CallbackRequest,
    Refusal,
    Refused,
    VerifiedCallback,
    matches,
    refuse_method,
    refuse_policy,
    refuse_problem,
    untimely,
)

SIGNATURE_HEADER = "TWTC-Signature"
TOLERANCE = timedelta(minutes=5)
COMPLETED_AGE_MAX = timedelta(hours=24)
BODY_BYTES_MAX = 4096
SECRET_BYTES_MIN = 16

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SIGNATURE = re.compile(r"t=([0-9]{10}),v1=([0-9a-f]{64})")


class HouseEvent(Struct, frozen=True, forbid_unknown_fields=True):
    """The body. `completed_at` is RFC 3339 with its offset; `seconds` is how long the ad was shown.

    Partners of the contract before did not send it; they are told why they are refused.
    """

    event_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:-]{8,128}\Z")]
    nonce: Annotated[str, Meta(pattern=rf"^{NONCE.pattern}\Z")]
    ad_unit: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]
    completed_at: Annotated[datetime, Meta(tz=True)]
    seconds: Annotated[int, Meta(ge=1, le=86_400)] | None = None


_decoder = msgspec.json.Decoder(HouseEvent)


def sign(secret: bytes, timestamp: int, body: bytes) -> str:
    """The signature header's value. `timestamp` is in unix seconds, the body as it is sent."""
    return f"t={timestamp},v1={_mac(secret, str(timestamp), body)}"


def page_url(
    partner_url: str, unit: str, nonce: str, seconds: int, secrets: Sequence[bytes]
) -> str:
    """Where the partner shows the ad. Other networks' ads are shown by their own SDK.

    While two secrets are accepted it bears a signature of each, so that the partner may have any.
    """
    signature = ",".join(sign_page(secret, unit, nonce, seconds) for secret in secrets)
    query = urlencode({"nonce": nonce, "seconds": seconds, "signature": signature}, safe=",")
    return f"{partner_url}/ads/{quote(unit)}?{query}"


def sign_page(secret: bytes, unit: str, nonce: str, seconds: int) -> str:
    """Our word that this ad is to be shown for so long: hex HMAC-SHA256."""
    return _mac(secret, "page", f"{unit}.{nonce}.{seconds}".encode())


class House:
    """Verifies direct partners' callbacks. Any of `secrets` may have signed: two while rotating."""

    name = "house"

    def __init__(self, secrets: Sequence[bytes], units: AdUnits) -> None:
        if not secrets or min(map(len, secrets)) < SECRET_BYTES_MIN:
            raise ValueError(f"house secrets: at least one, each of {SECRET_BYTES_MIN} bytes or up")
        self._secrets = tuple(secrets)
        self._units = units

    async def verify(self, request: CallbackRequest, now: datetime) -> VerifiedCallback | Refused:
        """Check form, signature and age, in this order, then what the event says."""
        if request.method != "POST":
            return refuse_method("POST")
        if len(request.body) > BODY_BYTES_MAX or request.raw_query:
            return refuse_problem(Refusal.MALFORMED)
        signature = _SIGNATURE.fullmatch(request.headers.get(SIGNATURE_HEADER.lower(), ""))
        if signature is None or not self._genuine(signature[1], signature[2], request.body):
            return refuse_problem(Refusal.SIGNATURE)
        # 403, not 200: a partner whose clock is off must see it, and a fresh signature helps.
        if abs(now - (_EPOCH + timedelta(seconds=int(signature[1])))) > TOLERANCE:
            return refuse_problem(Refusal.SIGNATURE)
        try:
            event = _decoder.decode(request.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return refuse_problem(Refusal.MALFORMED)
        return await self._judge(event, now)

    def _genuine(self, timestamp: str, mac: str, body: bytes) -> bool:
        return matches(mac, [_mac(secret, timestamp, body) for secret in self._secrets])

    async def _judge(self, event: HouseEvent, now: datetime) -> VerifiedCallback | Refused:
        late = untimely(event.completed_at, now, age_max=COMPLETED_AGE_MAX, skew_max=TOLERANCE)
        if late is not None:
            return refuse_policy(late)
        if event.ad_unit not in await self._units(self.name):
            return refuse_policy(Refusal.UNIT_UNKNOWN)
        if event.seconds is None:
            return refuse_policy(Refusal.SECONDS_MISSING)
        return VerifiedCallback(
            network=self.name,
            event_id=event.event_id,
            nonce=event.nonce,
            ad_unit=event.ad_unit,
            occurred_at=event.completed_at.astimezone(UTC),
            facts={},
            seconds=event.seconds,
        )


def _mac(secret: bytes, timestamp: str, body: bytes) -> str:
    return hmac.new(secret, timestamp.encode() + b"." + body, "sha256").hexdigest()
