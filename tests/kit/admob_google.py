"""Google's side of AdMob's callbacks: signing them, and the document of its keys."""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

KEY_ID = 3335741209
KEY = generate_private_key(SECP256R1())


def signature_of(message: bytes, key: EllipticCurvePrivateKey = KEY) -> str:
    """The signature of a decoded message, as it is sent."""
    return urlsafe_b64encode(key.sign(message, ECDSA(SHA256()))).decode().rstrip("=")


def sign_raw(unsigned: str, key_id: int = KEY_ID) -> bytes:
    """A raw query with a genuine signature of whatever it decodes to."""
    signature = signature_of(unquote_to_bytes(unsigned))
    return f"{unsigned}&signature={signature}&key_id={key_id}".encode()


def spki(key: EllipticCurvePublicKey) -> str:
    """A public key as Google publishes it."""
    return b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def keys_document(keys: Mapping[int, EllipticCurvePublicKey]) -> bytes:
    """The document at the verifier keys' address."""
    entries = [
        {
            "keyId": key_id,
            "pem": key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
            "base64": spki(key),
        }
        for key_id, key in keys.items()
    ]
    return msgspec.json.encode({"keys": entries})
