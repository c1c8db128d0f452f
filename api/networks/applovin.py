"""AppLovin MAX's server-to-server rewarded callback.

GET with the macros that we choose in its address (docs/adding-an-ad-network.md). `token` is
{EVENT_TOKEN_ALL}: sha256hex of the used macros' decoded values in the order of the macros' names,
then the key. All four values have a fixed length, so the text that is signed has one reading.
The order of the values is the vendor's documentation's; it is unconfirmed against a live account.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from api.networks.contract import (
    AdUnits,
    CallbackRequest,
    Refusal,
    Refused,
    VerifiedCallback,
    matches,
    refuse_policy,
    refuse_problem,
    untimely,
)
from api.networks.query import OUR_NONCE, read_callback

AGE_MAX = timedelta(minutes=15)
SKEW_MAX = timedelta(minutes=1)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# In the order of their macros: AD_UNIT_ID, CUSTOM_DATA, EVENT_ID, TS.
_SIGNED = ("ad_unit_id", "custom_data", "event_id", "ts")
_FORMS = {
    "ad_unit_id": re.compile(r"[0-9a-f]{16}"),
    "custom_data": OUR_NONCE,
    "event_id": re.compile(r"[0-9a-f]{40}"),
    "ts": re.compile(r"[0-9]{10}"),
    "token": re.compile(r"[0-9a-f]{64}"),
}


def sign(secret: bytes, fields: dict[str, str]) -> str:
    """The `token` of a callback's fields."""
    return sha256("".join(fields[name] for name in _SIGNED).encode() + secret).hexdigest()


class AppLovin:
    """Verifies AppLovin MAX's callbacks."""

    name = "applovin"

    def __init__(self, secrets: Sequence[bytes], units: AdUnits) -> None:
        self._secrets = tuple(secrets)
        self._units = units

    async def verify(self, request: CallbackRequest, now: datetime) -> VerifiedCallback | Refused:
        """Check form, then signature, then age and unit."""
        fields = read_callback(request, _FORMS)
        if isinstance(fields, Refused):
            return fields
        if not matches(fields["token"], [sign(secret, fields) for secret in self._secrets]):
            return refuse_problem(Refusal.SIGNATURE)
        occurred_at = _EPOCH + timedelta(seconds=int(fields["ts"]))
        late = untimely(occurred_at, now, age_max=AGE_MAX, skew_max=SKEW_MAX)
        if late is not None:
            return refuse_policy(late)
        if fields["ad_unit_id"] not in await self._units(self.name):
            return refuse_policy(Refusal.UNIT_UNKNOWN)
        return VerifiedCallback(
            network=self.name,
            event_id=fields["event_id"],
            nonce=fields["custom_data"],
            ad_unit=fields["ad_unit_id"],
            occurred_at=occurred_at,
            facts={},
        )
