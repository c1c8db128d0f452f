"""The public keys of AdMob's callbacks, fetched and cached .

Source of the rules: Google's "Validate server-side verification callbacks": keys rotate, and must
not be cached for longer than 24 hours.
"""

import asyncio
import logging
import re
from base64 import b64decode
from datetime import datetime, timedelta
from enum import Enum

import httpx
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from msgspec import Struct

log = logging.getLogger(__name__)

KEYS_URL = "https://www.gstatic.com/admob/reward/verifier-keys.json"
CACHE_AGE_MAX = timedelta(hours=24)
REFETCH_INTERVAL = timedelta(minutes=1)
# AdMob repeats an unanswered callback about every second, five times: be ready by then.
RETRY_INTERVAL = timedelta(seconds=1)
FETCH_SECONDS_MAX = 5.0

_MAX_AGE = re.compile(r"\bmax-age=\"?([0-9]{1,9})", re.IGNORECASE)
_AGE = re.compile(r"[0-9]{1,9}")


class KeyMiss(Enum):
    """Why there is no key: Google does not publish it, or nobody could ask Google."""

    UNKNOWN = "UNKNOWN"
    UNAVAILABLE = "UNAVAILABLE"


class _Entry(Struct, frozen=True, rename="camel"):
    key_id: int
    base64: str


class _Document(Struct, frozen=True):
    keys: list[_Entry]


class _Cached(Struct, frozen=True):
    keys: dict[int, EllipticCurvePublicKey]
    fresh_until: datetime
    usable_until: datetime


_decoder = msgspec.json.Decoder(_Document)


def load_key(spki_base64: str) -> EllipticCurvePublicKey | None:
    """A P-256 public key from its SPKI in base64; None for anything else."""
    try:
        key = load_der_public_key(b64decode(spki_base64, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        return None
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return key
    return None


class KeyCache:
    """Keys by id. One fetch at a time; callers that waited for it share its outcome."""

    def __init__(self, http: httpx.AsyncClient, url: str = KEYS_URL) -> None:
        self._http = http
        self._url = url
        self._lock = asyncio.Lock()
        self._cached: _Cached | None = None
        self._attempts = 0
        self._attempted_at: datetime | None = None
        self._succeeded = False

    async def find(self, key_id: int, now: datetime) -> EllipticCurvePublicKey | KeyMiss:
        """The key, fetched if it is unknown or the cache is past its max-age."""
        cached = self._cached
        if cached and now < cached.fresh_until and key_id in cached.keys:
            return cached.keys[key_id]
        seen = self._attempts
        async with self._lock:
            if self._attempts == seen and self._may_fetch(now):
                await self._refresh(now)
        cached = self._cached
        if cached is None or now >= cached.usable_until:
            return KeyMiss.UNAVAILABLE
        if key_id in cached.keys:
            return cached.keys[key_id]
        return KeyMiss.UNKNOWN if self._succeeded else KeyMiss.UNAVAILABLE

    def _may_fetch(self, now: datetime) -> bool:
        if self._attempted_at is None:
            return True
        usable = self._cached is not None and now < self._cached.usable_until
        return now - self._attempted_at >= (REFETCH_INTERVAL if usable else RETRY_INTERVAL)

    async def _refresh(self, now: datetime) -> None:
        try:
            self._cached = await self._fetch(now)
            self._succeeded = True
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            self._succeeded = False
            log.warning("AdMob keys could not be fetched: %s", type(error).__name__)
        # Counted when it is over: those who waited meanwhile share the outcome, and an attempt
        # that was cancelled with its request does not hold up the next one.
        self._attempts += 1
        self._attempted_at = now

    async def _fetch(self, now: datetime) -> _Cached:
        async with asyncio.timeout(FETCH_SECONDS_MAX):
            response = await self._http.get(self._url, follow_redirects=False)
        response.raise_for_status()
        entries = _decoder.decode(response.content).keys
        loaded = {entry.key_id: load_key(entry.base64) for entry in entries}
        keys = {key_id: key for key_id, key in loaded.items() if key is not None}
        if not keys:
            raise ValueError("the document holds no P-256 key")
        return _Cached(keys, now + _fresh_for(response.headers), now + CACHE_AGE_MAX)


def _fresh_for(headers: httpx.Headers) -> timedelta:
    """RFC 9111, section 4.2: max-age less Age; 24 hours if the server does not say."""
    max_age = _MAX_AGE.search(headers.get("cache-control", ""))
    if max_age is None:
        return CACHE_AGE_MAX
    age = _AGE.fullmatch(headers.get("age", ""))
    seconds = int(max_age[1]) - (int(age[0]) if age else 0)
    return min(timedelta(seconds=max(seconds, 0)), CACHE_AGE_MAX)
