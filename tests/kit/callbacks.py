"""What the house network sends when an ad has been watched."""

import json
from hashlib import sha256

from api.networks.house import SIGNATURE_HEADER, sign
from runtime.clock import utcnow


def house_event(
    secret: bytes, nonce: str, event_id: str | None, unit: str, seconds: int
) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of its signed callback."""
    event = {
        "event_id": event_id or f"event-{sha256(nonce.encode()).hexdigest()[:32]}",
        "nonce": nonce,
        "ad_unit": unit,
        "completed_at": utcnow().isoformat(),
        "seconds": seconds,
    }
    body = json.dumps(event).encode()
    signature = sign(secret, int(utcnow().timestamp()), body)
    return body, {SIGNATURE_HEADER: signature, "Content-Type": "application/json"}
