"""Unity LevelPlay's (ironSource) server-to-server callback.

GET with `userId`, `rewards`, `eventId`, and appended by LevelPlay `timestamp` (YYYYMMDDHHMM, UTC)
and `signature`: md5hex(timestamp + eventId + userId + rewards + private key). `userId` is what the
app hands the SDK as its dynamic user id: our nonce.

The signature does not mark where one field ends and the next begins, so the address that LevelPlay
calls carries a secret of its own in `token`, which is not part of what is signed.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import md5

from api.networks.contract import (
    Answer,
    CallbackRequest,
    Refusal,
    Refused,
    VerifiedCallback,
    matches,
    refuse_problem,
    untimely,
)
from api.networks.query import OUR_NONCE, read_callback

AGE_MAX = timedelta(days=8)  # LevelPlay repeats for a day, then daily for a week
SKEW_MAX = timedelta(minutes=5)

_FORMS = {
    "userId": OUR_NONCE,
    "rewards": re.compile(r"[0-9]{1,6}"),
    "eventId": re.compile(r"[A-Za-z0-9_-]{8,64}"),
    "timestamp": re.compile(r"20[0-9]{10}"),
    "signature": re.compile(r"[0-9a-f]{32}"),
    "token": re.compile(r"[A-Za-z0-9_-]{16,128}"),
}


def sign(secret: bytes, fields: dict[str, str]) -> str:
    """The `signature` of a callback's fields."""
    signed = fields["timestamp"] + fields["eventId"] + fields["userId"] + fields["rewards"]
    return md5(signed.encode() + secret, usedforsecurity=False).hexdigest()


class LevelPlay:
    """Verifies LevelPlay's callbacks. They do not name the ad unit."""

    name = "levelplay"

    def __init__(self, secrets: Sequence[bytes], tokens: Sequence[bytes]) -> None:
        self._secrets = tuple(secrets)
        self._tokens = tuple(tokens)

    async def verify(self, request: CallbackRequest, now: datetime) -> VerifiedCallback | Refused:
        """Check form, token and signature, then the callback's age."""
        fields = read_callback(request, _FORMS)
        if isinstance(fields, Refused):
            return fields
        occurred_at = _read_minute(fields["timestamp"])
        if occurred_at is None:
            return refuse_problem(Refusal.MALFORMED)
        signatures = [sign(secret, fields) for secret in self._secrets]
        if not (matches(fields["token"], self._tokens) & matches(fields["signature"], signatures)):
            return refuse_problem(Refusal.SIGNATURE)
        # Whatever we think of it, LevelPlay repeats until it reads this.
        answer = Answer(200, f"{fields['eventId']}:OK".encode(), "text/plain")
        late = untimely(occurred_at, now, age_max=AGE_MAX, skew_max=SKEW_MAX)
        if late is not None:
            return Refused(late, answer)
        return VerifiedCallback(
            network=self.name,
            event_id=fields["eventId"],
            nonce=fields["userId"],
            ad_unit=None,
            occurred_at=occurred_at,
            facts={},
            answer=answer,
        )


def _read_minute(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        return None
