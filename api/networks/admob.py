"""AdMob's server-side verification of rewarded ads (Google, "Validate SSV callbacks").

Google signs the percent-*decoded* query, so several raw queries share one signature. Every rule in
`read_query` serves one end: that only one reading of a signed message is accepted.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote_to_bytes

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from msgspec import Struct

from api.networks.admob_keys import KeyCache, KeyMiss
from api.networks.contract import (
    NONCE,
    AdUnits,
    CallbackRequest,
    Refusal,
    Refused,
    VerifiedCallback,
    refuse_method,
    refuse_policy,
    refuse_problem,
    untimely,
)

AGE_MAX = timedelta(minutes=15)
SKEW_MAX = timedelta(minutes=1)
RETRY_AFTER_SECONDS = 1

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TEXT = r"[!-%'-<>-~]{0,512}"  # visible ASCII but & and =
# The names in the order in which Google sends them.
_FIELDS = {
    name: re.compile(pattern)
    for name, pattern in {
        "ad_network": r"[0-9]{1,20}",
        "ad_unit": r"[0-9]{1,20}",
        "custom_data": rf"(?!.*%(?:26|3[Dd])){_TEXT}",
        "reward_amount": r"[0-9]{1,10}",
        "reward_item": _TEXT,
        "timestamp": r"[0-9]{13}",
        "transaction_id": r"[0-9A-Fa-f]{1,64}",
        "user_id": _TEXT,
        "signature": r"[A-Za-z0-9_-]{8,128}",
        "key_id": r"[0-9]{1,20}",
    }.items()
}
_OPTIONAL = frozenset({"custom_data", "user_id"})
_FACTS = frozenset({"ad_network", "reward_item", "user_id", "key_id"})
_HIDDEN_FIELD = re.compile(f"&(?:{'|'.join(_FIELDS)})=")


class SignedQuery(Struct, frozen=True):
    """A callback's query: its fields decoded, and `message`, the bytes that Google signed."""

    fields: dict[str, str]
    message: bytes
    signature: bytes
    key_id: int


def read_query(raw_query: bytes) -> SignedQuery | None:
    """Read a raw query strictly; None if it is not of the documented form. Proves nothing yet."""
    if not raw_query.isascii():
        return None
    raw = _split(raw_query.decode("ascii"))
    if raw is None:
        return None
    signature = _decode_signature(raw["signature"])
    unsigned = raw_query.partition(b"&signature=")[0]
    try:
        fields = {name: unquote_to_bytes(value).decode("utf-8") for name, value in raw.items()}
    except UnicodeDecodeError:
        return None
    if signature is None or any(_HIDDEN_FIELD.search(value) for value in fields.values()):
        return None
    return SignedQuery(fields, unquote_to_bytes(unsigned), signature, int(raw["key_id"]))


def _split(query: str) -> dict[str, str] | None:
    """Split before decoding. Each name at most once and in order, each value of its own form."""
    pairs = [part.partition("=") for part in query.split("&")]
    names = [name for name, _, _ in pairs]
    if names != [name for name in _FIELDS if name in names or name not in _OPTIONAL]:
        return None
    raw = {name: value for name, _, value in pairs}
    if not all(_FIELDS[name].fullmatch(value) for name, value in raw.items()):
        return None
    return raw


def _decode_signature(text: str) -> bytes | None:
    try:
        signature = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    return signature if urlsafe_b64encode(signature).decode().rstrip("=") == text else None


def signature_valid(key: EllipticCurvePublicKey, query: SignedQuery) -> bool:
    """Whether the holder of `key` signed the query: ECDSA with SHA-256, DER."""
    try:
        key.verify(query.signature, query.message, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


class AdMob:
    """Verifies AdMob's callbacks. `custom_data` is our nonce; `reward_amount` is never used.

    An ad unit is the number after the slash in AdMob's `ca-app-pub-…/…`.
    """

    name = "admob"

    def __init__(
        self,
        keys: KeyCache,
        units: AdUnits,
        age_max: timedelta = AGE_MAX,
        skew_max: timedelta = SKEW_MAX,
    ) -> None:
        self._keys = keys
        self._units = units
        self._age_max = age_max
        self._skew_max = skew_max

    async def verify(self, request: CallbackRequest, now: datetime) -> VerifiedCallback | Refused:
        """Check form, then signature, then what the callback says."""
        if request.method != "GET":
            return refuse_method("GET")
        query = read_query(request.raw_query)
        if query is None:
            return refuse_problem(Refusal.MALFORMED)
        key = await self._keys.find(query.key_id, now)
        if key is KeyMiss.UNAVAILABLE:
            retry_after = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            return refuse_problem(Refusal.KEYS_UNAVAILABLE, retry_after)
        if isinstance(key, KeyMiss) or not signature_valid(key, query):
            return refuse_problem(Refusal.SIGNATURE)
        return await self._judge(query.fields, now)

    async def _judge(self, fields: dict[str, str], now: datetime) -> VerifiedCallback | Refused:
        occurred_at = _EPOCH + timedelta(milliseconds=int(fields["timestamp"]))
        late = untimely(occurred_at, now, age_max=self._age_max, skew_max=self._skew_max)
        if late is not None:
            return refuse_policy(late)
        nonce = fields.get("custom_data", "")
        # AdMob's "Verify URL" button sends a genuine callback without custom_data.
        if not NONCE.fullmatch(nonce):
            return refuse_policy(Refusal.NONCE_MISSING)
        if fields["ad_unit"] not in await self._units(self.name):
            return refuse_policy(Refusal.UNIT_UNKNOWN)
        facts = {name: value for name, value in fields.items() if name in _FACTS}
        return VerifiedCallback(
            network=self.name,
            event_id=fields["transaction_id"],
            nonce=nonce,
            ad_unit=fields["ad_unit"],
            occurred_at=occurred_at,
            facts=facts,
        )
