"""The ad networks of the demo: each signs its callbacks as the real one does."""

from base64 import b64encode, urlsafe_b64encode
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import Struct

from api.networks import house, unity
from models.ads.units import change_ad_unit, read_ad_units
from models.base.db import Database
from models.base.trail import OPERATOR
from runtime.clock import utcnow

SECRET = b"the demo's own secret, of no use anywhere else"
TOKEN = "the-demos-own-token"  # noqa: S105
NETWORK_SECRETS = {"unity": (SECRET,), "meta": (TOKEN.encode(),)}
_KEY = generate_private_key(SECP256R1())
_KEY_ID = 1
_UNCHANGED = {"unit": None, "min_seconds": None, "proof": None, "weight": None}
_UNCHANGED |= {"fallback_rank": None, "requests_per_minute": None, "revenue_micro_usd": None}


class Callback(Struct, frozen=True):
    """One request of a network."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def google() -> httpx.AsyncClient:
    """A client that finds the demo's own key where AdMob publishes its keys."""
    public = _KEY.public_key()
    entry = {
        "keyId": _KEY_ID,
        "pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        "base64": b64encode(
            public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        ).decode(),
    }
    document = msgspec.json.encode({"keys": [entry]})
    return httpx.AsyncClient(
        transport=httpx.MockTransport(lambda request: httpx.Response(200, content=document))
    )


async def activate_networks(database: Database, *, outside: bool = True) -> None:
    """Serve the ads of all four networks of the rotation; or only of the house again."""
    for row in await read_ad_units(database):
        change = _UNCHANGED | {"is_active": outside or row.network == "house"}
        await change_ad_unit(database, row.id, change, OPERATOR, "demo", utcnow())


def confirm(ad: dict[str, Any], at: datetime) -> Callback:
    """The callback with which an ad's network proves it."""
    return _SIGNERS[ad["network"]](ad, at)


def _house(ad: dict[str, Any], at: datetime) -> Callback:
    event = {
        "event_id": f"demo-{ad['view_id']}",
        "nonce": ad["nonce"],
        "ad_unit": ad["unit"],
        "completed_at": at,
        "seconds": ad["min_seconds"],
    }
    body = msgspec.json.encode(event)
    signature = house.sign(SECRET, int(at.timestamp()), body)
    return Callback("POST", "/v1/ads/callbacks/house", {house.SIGNATURE_HEADER: signature}, body)


def _unity(ad: dict[str, Any], at: datetime) -> Callback:
    fields = {"oid": ad["view_id"], "productid": "1", "sid": ad["nonce"]}
    query = "&".join(f"{name}={value}" for name, value in fields.items())
    signature = unity.sign(SECRET, fields)
    return Callback("GET", f"/v1/ads/callbacks/unity?{query}&hmac={signature}", {}, b"")


def _meta(ad: dict[str, Any], at: datetime) -> Callback:
    query = f"event_id={ad['view_id']}&nonce={ad['nonce']}&ad_unit={ad['unit']}&token={TOKEN}"
    return Callback("GET", f"/v1/ads/callbacks/meta?{query}", {}, b"")


def _admob(ad: dict[str, Any], at: datetime) -> Callback:
    unsigned = (
        f"ad_network=1&ad_unit={ad['unit']}&custom_data={ad['nonce']}&reward_amount=1"
        f"&reward_item=coins&timestamp={int(at.timestamp() * 1000)}"
        f"&transaction_id={UUID(ad['view_id']).hex}"
    )
    signature = urlsafe_b64encode(_KEY.sign(unsigned.encode(), ECDSA(SHA256()))).decode()
    query = f"{unsigned}&signature={signature.rstrip('=')}&key_id={_KEY_ID}"
    return Callback("GET", f"/v1/ads/callbacks/admob?{query}", {}, b"")


_SIGNERS = {"house": _house, "unity": _unity, "meta": _meta, "admob": _admob}
