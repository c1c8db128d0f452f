"""Fingerprints of devices: what their signals have in common, and the token that stands for it.

The signals are the client's word, so a fingerprint proves nothing by itself. That many accounts
come with the same one does. Only an HMAC of them is kept.
"""

import hmac
from hashlib import sha256

import msgspec
from msgspec import Struct

DEVICE_HEADER = "device-token"
_SEPARATOR = "."


class Signals(Struct, frozen=True, forbid_unknown_fields=True):
    """The blueprint's signals. Battery and the like change by the minute and are left out.

    `canvas` and `webgl` are hashes of what the device draws.
    """

    screen: str
    timezone: str
    language: str
    canvas: str
    webgl: str
    platform: str = ""


def fingerprint_of(key: bytes, signals: Signals) -> bytes:
    """Sixteen bytes that the same signals always give."""
    return hmac.new(key, b"device:" + msgspec.json.encode(signals), sha256).digest()[:16]


def device_token(secret: bytes, user_id: int, fingerprint: bytes) -> str:
    """What this user's client sends along from now on."""
    return f"{fingerprint.hex()}{_SEPARATOR}{_sign(secret, user_id, fingerprint)}"


def read_device(secret: bytes, user_id: int, token: str) -> str | None:
    """The fingerprint that a token of this user stands for, in hexadecimal, or None."""
    name, _, signature = token.partition(_SEPARATOR)
    try:
        fingerprint = bytes.fromhex(name)
    except ValueError:
        return None
    expected = _sign(secret, user_id, fingerprint)
    is_ours = signature.isascii() and hmac.compare_digest(signature, expected)
    return name if is_ours and token else None


def _sign(secret: bytes, user_id: int, fingerprint: bytes) -> str:
    message = b"device-token:%d:%s" % (user_id, fingerprint)
    return hmac.new(secret, message, sha256).hexdigest()[:32]
