"""JSON as it is stored and sent: instants as RFC 3339 with Z, unknown types refused."""

from typing import Any

import msgspec

_encoder = msgspec.json.Encoder(order="deterministic")


def encode(value: Any) -> str:
    """A value as JSON text; equal values give equal text."""
    return _encoder.encode(value).decode()
