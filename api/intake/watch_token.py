"""How far a watch has come, sealed: the client carries it, so that a beat costs no row.

It proves only what this server's clock has seen. An old token takes its holder back in time: the
silence since then counts as any other does (engine.boosts.watching).
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from struct import Struct as Packer
from uuid import UUID

from engine.boosts.watching import Progress

_FIELDS = Packer(">16sQQQI")
_MAC_BYTES = 16
_FAULTS_MAX = 2**32 - 1


def seal(secret: bytes, progress: Progress) -> str:
    """The progress as an opaque token."""
    packed = _FIELDS.pack(
        progress.boost_id.bytes,
        progress.duration_us,
        progress.reached_us,
        progress.beat_at_us,
        min(progress.faults, _FAULTS_MAX),
    )
    return urlsafe_b64encode(packed + _mac(secret, packed)).decode()


def unseal(secret: bytes, token: str) -> Progress | None:
    """The progress in a token of ours, or None."""
    try:
        raw = urlsafe_b64decode(token.encode("ascii"))
    except ValueError:
        return None
    packed, mac = raw[: _FIELDS.size], raw[_FIELDS.size :]
    if len(mac) != _MAC_BYTES or not hmac.compare_digest(mac, _mac(secret, packed)):
        return None
    boost_id, duration_us, reached_us, beat_at_us, faults = _FIELDS.unpack(packed)
    return Progress(UUID(bytes=boost_id), duration_us, reached_us, beat_at_us, faults)


def _mac(secret: bytes, packed: bytes) -> bytes:
    return hmac.digest(secret, b"watch:" + packed, "sha256")[:_MAC_BYTES]
