"""Fingerprints of devices: what their signals have in common, and the token that stands for it.

The signals are the client's word, so a fingerprint proves nothing by itself. That many accounts
come with the same one does. Only an HMAC of them is kept.
"""

import hmac
import re
import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any

import msgspec
from litestar import Request
from msgspec import Struct

from api.web_base.cookies import cookie_of
from engine.core.text import line

DEVICE_HEADER = "device-token"
KNOWN_HEADER = "known-device"
KNOWN_COOKIE = "twtc_device"
KNOWN = timedelta(days=180)
# The number of whoever has just read a message to the account's address, for as long as it takes
# to sign in with the password that they chose by it. One for all: whoever reads it again and again
# has no more guesses.
READER = "0" * 16
READER_FOR = timedelta(hours=1)
_KNOWN = re.compile(r"([0-9a-f]{16})\.([0-9]{1,12})\.([0-9a-f]{32})")
_SEPARATOR = "."


Signal = Annotated[str, line(500)]


class Signals(Struct, frozen=True, forbid_unknown_fields=True):
    """The blueprint's signals. Battery and the like change by the minute and are left out.

    `canvas` and `webgl` are hashes of what the device draws.
    """

    screen: Signal
    timezone: Signal
    language: Signal
    canvas: Signal
    webgl: Signal
    platform: Signal = ""


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


def new_known_device(
    request: Request[Any, Any, Any], secret: bytes, user_id: int, now: datetime
) -> str:
    """The token by which a device that signs in is known to this account from now on.

    It opens nothing: guesses from the device count by themselves (decision 0045).
    """
    device = known_device(request, secret, user_id, now)
    if device is None or device == READER:
        device = secrets.token_hex(8)
    return _known_token(secret, user_id, device, now + KNOWN)


def reader_device(secret: bytes, user_id: int, now: datetime) -> str:
    """The token of whoever has just read a message to the account's address: strangers' wrong
    passwords do not keep them from signing in."""
    return _known_token(secret, user_id, READER, now + READER_FOR)


def known_device(
    request: Request[Any, Any, Any], secret: bytes, user_id: int, now: datetime
) -> str | None:
    """Which device of this account's a request comes from, or None if it says none or is wrong."""
    token = request.headers.get(KNOWN_HEADER) or cookie_of(request, KNOWN_COOKIE)
    read = _KNOWN.fullmatch(token)
    if read is None:
        return None
    device, until, signature = read[1], int(read[2]), read[3]
    is_ours = hmac.compare_digest(signature, _sign_known(secret, user_id, device, until))
    return device if is_ours and now.timestamp() < until else None


def _known_token(secret: bytes, user_id: int, device: str, end: datetime) -> str:
    until = int(end.timestamp())
    return f"{device}.{until}.{_sign_known(secret, user_id, device, until)}"


def _sign_known(secret: bytes, user_id: int, device: str, until: int) -> str:
    message = f"known-device:{user_id}:{device}:{until}".encode()
    return hmac.new(secret, message, sha256).hexdigest()[:32]
