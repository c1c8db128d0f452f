"""Personal data at rest: sealed by the application, found by blind indexes (decision 0026).

A sealed text is `<key id>.<base64url(nonce, ciphertext, tag)>`: AES-256-GCM, bound to its field
and its owner, so that it cannot be moved to another row. A key's id is derived from the key. A
blind index is HMAC-SHA-256 of the field's name and normal form, under a key of its own.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

_NONCE_BYTES = 12
# A key id and at least a nonce and a tag. No address looks like that.
_SEALED = re.compile(r"[0-9a-f]{8}\.[A-Za-z0-9_=-]{40,}\Z")


class UnreadableError(ValueError):
    """A sealed text that none of the keys opens: a key is missing, or the text was changed."""


class Keyring(Struct, frozen=True):
    """The secrets of `TWTC_PII_KEYS`, of which the first seals, and of `TWTC_INDEX_KEY`."""

    secrets: tuple[bytes, ...] = ()
    index_secret: bytes = b""

    def seal(self, field: str, user_id: int, text: str) -> str:
        """Seal a text under the current key."""
        if not self.secrets:
            raise UnreadableError("set TWTC_PII_KEYS: personal data is not kept unsealed")
        key = _key(self.secrets[0])
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(key).encrypt(nonce, text.encode(), _bound_to(field, user_id))
        return f"{_key_id(key)}.{urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, field: str, user_id: int, sealed: str) -> str:
        """The text that was sealed. Raise UnreadableError."""
        key_id, _, encoded = sealed.partition(".")
        for key in map(_key, self.secrets):
            if _key_id(key) == key_id:
                packed = urlsafe_b64decode(encoded)
                nonce, ciphertext = packed[:_NONCE_BYTES], packed[_NONCE_BYTES:]
                try:
                    return (
                        AESGCM(key).decrypt(nonce, ciphertext, _bound_to(field, user_id)).decode()
                    )
                except InvalidTag:
                    break
        raise UnreadableError(f"no key of TWTC_PII_KEYS opens this {field} (key {key_id})")

    def open_any(self, field: str, user_id: int, text: str) -> str:
        """As `open`, or the text itself if it was written before texts were sealed."""
        return self.open(field, user_id, text) if _SEALED.match(text) else text

    def is_current(self, text: str) -> bool:
        """Whether a text is sealed under the key that seals now."""
        return text.startswith(self.current_id + ".") and bool(_SEALED.match(text))

    @property
    def current_id(self) -> str:
        """The id of the key that seals now."""
        return _key_id(_key(self.secrets[0]))

    def index(self, kind: str, value: str) -> str:
        """The blind index of a value in its normal form: what it is found by."""
        if not self.index_secret:
            raise UnreadableError("set TWTC_INDEX_KEY: accounts cannot be found without it")
        return hmac.new(self.index_secret, f"{kind}:{value}".encode(), sha256).hexdigest()


def field_of(column: str) -> str:
    """What a column's texts are bound to: those of a change are copied to the user's row."""
    return column.removeprefix("new_").removeprefix("old_")


def open_fields(
    keyring: Keyring, user_id: int, row: dict[str, Any], fields: Iterable[str]
) -> dict[str, Any]:
    """A row with its sealed fields opened."""
    opened = {
        field: keyring.open(field_of(field), user_id, value)
        for field in fields
        if isinstance(value := row.get(field), str)
    }
    return row | opened


def _key(secret: bytes) -> bytes:
    return sha256(b"twtc-pii-key:" + secret).digest()


def _key_id(key: bytes) -> str:
    return sha256(b"twtc-pii-key-id:" + key).hexdigest()[:8]


def _bound_to(field: str, user_id: int) -> bytes:
    return f"{field}:{user_id}".encode()
