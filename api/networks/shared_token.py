"""A callback that is proved by a shared token alone, for vendors that arrange it with us.

GET with `event_id`, `nonce`, `ad_unit` and `token`. A token proves less than a signature: whoever
sees one callback can make others. Meta Audience Network publishes no other way; it is off unless
TWTC_META_TOKEN is set.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from api.networks.contract import (
    NONCE,
    AdUnits,
    CallbackRequest,
    Refusal,
    Refused,
    VerifiedCallback,
    matches,
    refuse_policy,
    refuse_problem,
)
from api.networks.query import read_callback

_FORMS = {
    "event_id": re.compile(r"[A-Za-z0-9_.:-]{8,128}"),
    "nonce": NONCE,
    "ad_unit": re.compile(r"[A-Za-z0-9_-]{1,64}"),
    "token": re.compile(r"[A-Za-z0-9_-]{16,128}"),
}


class SharedToken:
    """Verifies the callbacks of one vendor, by the name that it has in the callback's address."""

    def __init__(self, name: str, tokens: Sequence[bytes], units: AdUnits) -> None:
        self.name = name
        self._tokens = tuple(tokens)
        self._units = units

    async def verify(self, request: CallbackRequest, now: datetime) -> VerifiedCallback | Refused:
        """Check form, then token, then unit."""
        fields = read_callback(request, _FORMS)
        if isinstance(fields, Refused):
            return fields
        if not matches(fields["token"], self._tokens):
            return refuse_problem(Refusal.SIGNATURE)
        if fields["ad_unit"] not in await self._units(self.name):
            return refuse_policy(Refusal.UNIT_UNKNOWN)
        return VerifiedCallback(
            network=self.name,
            event_id=fields["event_id"],
            nonce=fields["nonce"],
            ad_unit=fields["ad_unit"],
            occurred_at=now,
            facts={},
        )
