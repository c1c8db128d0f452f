"""Unity, LevelPlay, AppLovin MAX and the shared token: callbacks that come as a query."""

from collections.abc import Callable, Collection
from datetime import timedelta
from urllib.parse import quote, urlencode
from uuid import UUID

import pytest
from msgspec import Struct
from msgspec.structs import replace

from api.networks import CallbackRequest, Network, Refused, VerifiedCallback, applovin, levelplay
from api.networks import unity as unity_ads
from api.networks.applovin import AppLovin
from api.networks.levelplay import LevelPlay
from api.networks.shared_token import SharedToken
from api.networks.unity import Unity
from engine.ads.state import decode_nonce, encode_nonce
from models.base.db import connected, run, sql
from runtime.environment import Config, ConfigError, load_config
from tests.kit.words import at
from tests.kit.world import World

NOW = at("2026-03-01T00:00:00Z")
NOW_SECONDS = int(NOW.timestamp())
SECRET, OTHER = b"a-secret-of-the-vendor", b"an-older-secret-of-the-vendor"
TOKEN = b"a-token-in-the-address"
NONCE = encode_nonce(UUID(int=7), 42)
EVENT = "ab" * 20

Fields = dict[str, str]


async def units(network: str) -> Collection[str]:
    return {"0123456789abcdef", "meta-rewarded"}


class Kind(Struct, frozen=True):
    """One network, a callback of it before it is signed, and how it is signed."""

    verifier: Callable[[bytes], Network]
    fields: Fields
    sign: Callable[[bytes, Fields], Fields]
    nonce: str
    event: str
    answer: bytes = b'{"status":"accepted"}'


KINDS = {
    "unity": Kind(
        verifier=lambda secret: Unity((OTHER, secret)),
        fields={"productid": "1061310", "sid": NONCE, "oid": "546553466"},
        sign=lambda secret, fields: {"hmac": unity_ads.sign(secret, fields)},
        nonce="sid",
        event="oid",
        answer=b"1",
    ),
    "levelplay": Kind(
        verifier=lambda secret: LevelPlay((OTHER, secret), (TOKEN,)),
        fields={
            "userId": NONCE,
            "rewards": "1",
            "eventId": EVENT,
            "timestamp": "202603010000",
            "token": TOKEN.decode(),
        },
        sign=lambda secret, fields: {"signature": levelplay.sign(secret, fields)},
        nonce="userId",
        event="eventId",
        answer=f"{EVENT}:OK".encode(),
    ),
    "applovin": Kind(
        verifier=lambda secret: AppLovin((OTHER, secret), units),
        fields={
            "ad_unit_id": "0123456789abcdef",
            "custom_data": NONCE,
            "event_id": EVENT,
            "ts": str(NOW_SECONDS),
        },
        sign=lambda secret, fields: {"token": applovin.sign(secret, fields)},
        nonce="custom_data",
        event="event_id",
    ),
    "meta": Kind(
        verifier=lambda secret: SharedToken("meta", (OTHER, secret), units),
        fields={"event_id": EVENT, "nonce": NONCE, "ad_unit": "meta-rewarded"},
        sign=lambda secret, fields: {"token": secret.decode()},
        nonce="nonce",
        event="event_id",
    ),
}
kinds = pytest.mark.parametrize("name", KINDS)


def query(kind: Kind, secret: bytes = SECRET, changes: Fields | None = None) -> bytes:
    fields = kind.fields | (changes or {})
    return urlencode(fields | kind.sign(secret, fields)).encode()


async def verdict(kind: Kind, raw: bytes, method: str = "GET") -> VerifiedCallback | Refused:
    return await kind.verifier(SECRET).verify(CallbackRequest(method, raw, {}, b""), NOW)


async def refusal(kind: Kind, raw: bytes, method: str = "GET") -> tuple[int, str]:
    refused = await verdict(kind, raw, method)
    assert isinstance(refused, Refused)
    return refused.answer.status, refused.reason.value


def test_unitys_golden_vector() -> None:
    fields = {"oid": "546553466", "productid": "1061310", "sid": "jcaintic@jungroup.com"}
    secret = b"ccfbde79b23f0fde7867cb9177b1a15"
    assert unity_ads.sign(secret, fields) == "ec61dfb3f7355aea49a1a81540073f48"


def test_a_nonce_of_ours_has_32_characters() -> None:
    assert len(encode_nonce(UUID(int=2**128 - 1), 2**63 - 1)) == 32
    assert decode_nonce(NONCE) == (UUID(int=7), 42)


@kinds
async def test_a_genuine_callback_is_verified(name: str) -> None:
    kind = KINDS[name]
    for secret in (SECRET, OTHER):
        verified = await verdict(kind, query(kind, secret))
        assert isinstance(verified, VerifiedCallback)
        assert (verified.network, verified.nonce) == (name, NONCE)
        assert verified.event_id == kind.fields[kind.event]
        assert verified.answer.body == kind.answer
        assert verified.occurred_at == NOW


@kinds
async def test_a_callback_is_refused_with_another_secret(name: str) -> None:
    kind = KINDS[name]
    assert await refusal(kind, query(kind, b"another-secret-of-some")) == (403, "SIGNATURE")


@pytest.mark.parametrize(
    ("name", "field"),
    [(name, field) for name in ("unity", "levelplay", "applovin") for field in KINDS[name].fields],
)
async def test_every_field_is_covered_by_the_signature(name: str, field: str) -> None:
    kind = KINDS[name]
    signature = kind.sign(SECRET, kind.fields)
    old = kind.fields[field]
    for changed in (old[:-1] + ("0" if old[-1] != "0" else "1"), ("1" + old[1:])):
        if changed != old:
            raw = urlencode(kind.fields | {field: changed} | signature).encode()
            assert await refusal(kind, raw) in [(403, "SIGNATURE"), (400, "MALFORMED")]


@kinds
async def test_any_other_form_is_refused_although_signed(name: str) -> None:
    kind = KINDS[name]
    good = query(kind).decode()
    first = good.partition("&")[0]
    bad = ["", good + "&", good + "&extra=1", f"{good}&{first}", good.partition("&")[2]]
    bad += [good + "\n", good.replace("=", "%3D", 1), good + "&a=" + "x" * 3000]
    for field, value in kind.fields.items():
        encoded = f"{field}={quote(value, safe='')}"
        assert encoded in good
        for other in ("", value + "%26a%3D1", value + "%0A", value + "+", "%FF", value + "%00"):
            bad.append(good.replace(encoded, f"{field}={other}"))
    for raw in bad:
        assert await refusal(kind, raw.encode()) == (400, "MALFORMED"), raw
    assert await refusal(kind, good.encode() + "&é=1".encode()) == (400, "MALFORMED")


@kinds
async def test_the_order_of_the_fields_does_not_matter(name: str) -> None:
    kind = KINDS[name]
    backwards = b"&".join(reversed(query(kind).split(b"&")))
    assert isinstance(await verdict(kind, backwards), VerifiedCallback)


@kinds
async def test_only_get_is_read(name: str) -> None:
    kind = KINDS[name]
    assert await refusal(kind, query(kind), "POST") == (405, "METHOD")


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("levelplay", {"timestamp": "202603010006"}, "FUTURE"),
        ("levelplay", {"timestamp": "202602202359"}, "STALE"),
        ("applovin", {"ts": str(NOW_SECONDS + 61)}, "FUTURE"),
        ("applovin", {"ts": str(NOW_SECONDS - 901)}, "STALE"),
        ("applovin", {"ad_unit_id": "f" * 16}, "UNIT_UNKNOWN"),
        ("meta", {"ad_unit": "of-another"}, "UNIT_UNKNOWN"),
    ],
)
async def test_what_is_genuine_but_unwanted_is_answered_200(
    name: str, change: Fields, reason: str
) -> None:
    kind = KINDS[name]
    assert await refusal(kind, query(kind, changes=change)) == (200, reason)


async def test_levelplay_stops_repeating_what_is_refused() -> None:
    kind = KINDS["levelplay"]
    refused = await verdict(kind, query(kind, changes={"timestamp": "202602202359"}))
    assert isinstance(refused, Refused)
    assert refused.answer.body == kind.answer


async def test_levelplays_signature_alone_is_not_enough() -> None:
    kind = KINDS["levelplay"]
    assert await refusal(kind, query(kind, changes={"token": "x" * 22})) == (403, "SIGNATURE")
    no_date = query(kind, changes={"timestamp": "202613010000"})
    assert await refusal(kind, no_date) == (400, "MALFORMED")


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"TWTC_SECRET": ""}, "TWTC_SECRET must be"),
        ({"TWTC_SECRET": "s" * 31}, "TWTC_SECRET must be"),
        ({"TWTC_HOUSE_SECRET": "s" * 32 + ","}, "TWTC_HOUSE_SECRET must be"),
        ({"TWTC_UNITY_SECRET": "short"}, "TWTC_UNITY_SECRET must have"),
        ({"TWTC_META_TOKEN": TOKEN.decode() + ","}, "TWTC_META_TOKEN must have"),
        ({"TWTC_LEVELPLAY_SECRET": SECRET.decode()}, "TWTC_LEVELPLAY_TOKEN together"),
    ],
)
def test_weak_or_missing_secrets_are_refused(environment: Fields, message: str) -> None:
    servers = {"DATABASE_URL": "postgresql://x", "REDIS_URL": "redis://x"}
    servers |= {"TWTC_SECRET": "s" * 32, "TWTC_HOUSE_SECRET": "s" * 32}
    with pytest.raises(ConfigError, match=message):
        load_config(servers | environment, signs=True)


@pytest.fixture
def config(config: Config) -> Config:
    """With Unity's secret; the other networks are off."""
    return replace(config, network_secrets={"unity": (SECRET,)})


async def test_a_unity_ad_is_proved_by_its_callback_once(world: World) -> None:
    async with connected(world.database) as connection:
        unit = "UPDATE ads SET network = 'unity', unit = 'rewarded' WHERE id = 1"
        assert await run(connection, sql(unit)) == 1
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    ad = (await person.start())["result"]["ad"]
    assert (ad["network"], ad["page_url"]) == ("unity", None)
    await person.report(ad["view_id"], "started")
    world.move_to(at("00:06"))
    await person.report(ad["view_id"], "completed")
    raw = query(KINDS["unity"], changes={"sid": ad["nonce"]}).decode()
    for expected in ((200, "1"), (400, "duplicate oid")):  # as Unity asks for
        answer = await world.http.get(f"/v1/ads/callbacks/unity?{raw}")
        assert (answer.status_code, answer.text) == expected
    await world.drain()
    assert (await person.status())["session"]["status"] == "ACTIVE"
    await world.live_until(at("04:10"), timedelta(minutes=30))
    transfers = (await person.get("/v1/wallet/transactions")).json()["items"]
    assert [t["amount"] for t in transfers] == ["100.000000"]
    assert await world.value("SELECT funding FROM transactions") == "unity"
    assert (await world.http.get(f"/v1/ads/callbacks/applovin?{raw}")).status_code == 404
