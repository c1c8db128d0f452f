"""Unity Ads' server-to-server redeem callback (Unity, "Implement S2S redeem callbacks").

GET with `productid`, `sid`, `oid` and `hmac`: hex HMAC-MD5 over the other parameters, sorted,
as `k=v` joined by commas. `sid` is what the app hands the SDK as its server id: our nonce.
"""

import hmac
import re
from collections.abc import Sequence
from datetime import datetime

from api.networks.contract import (
    NONCE,
    Answer,
    CallbackRequest,
    Refusal,
    Refused,
    VerifiedCallback,
    matches,
    refuse_problem,
)
from api.networks.query import read_callback

ACCEPTED = Answer(200, b"1", "text/plain")
REPEATED = Answer(400, b"duplicate oid", "text/plain")

_FORMS = {
    "productid": re.compile(r"[0-9]{1,20}"),
    "sid": NONCE,
    "oid": re.compile(r"[A-Za-z0-9_-]{1,128}"),
    "hmac": re.compile(r"[0-9a-f]{32}"),
}


def sign(secret: bytes, fields: dict[str, str]) -> str:
    """The `hmac` of a callback's other parameters."""
    message = ",".join(f"{name}={fields[name]}" for name in sorted(fields) if name != "hmac")
    return hmac.new(secret, message.encode(), "md5").hexdigest()


class Unity:
    """Verifies Unity's callbacks. They name the game, not the placement, and carry no time."""

    name = "unity"

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._secrets = tuple(secrets)

    async def verify(self, request: CallbackRequest, now: datetime) -> VerifiedCallback | Refused:
        """Check form, then signature. How long a callback counts is the view's rule."""
        fields = read_callback(request, _FORMS)
        if isinstance(fields, Refused):
            return fields
        if not matches(fields["hmac"], [sign(secret, fields) for secret in self._secrets]):
            return refuse_problem(Refusal.SIGNATURE)
        return VerifiedCallback(
            network=self.name,
            event_id=fields["oid"],
            nonce=fields["sid"],
            ad_unit=None,
            occurred_at=now,
            facts={"productid": fields["productid"]},
            answer=ACCEPTED,
            answer_again=REPEATED,
        )
