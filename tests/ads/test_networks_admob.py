"""AdMob's callbacks: one reading of each signed message, and nothing that Google did not sign."""

from base64 import b64decode
from datetime import UTC, datetime, timedelta
from itertools import product
from urllib.parse import quote, unquote_to_bytes

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from hypothesis import given
from hypothesis import strategies as st

from api.networks import CallbackRequest, Refused, VerifiedCallback
from api.networks.admob import AdMob, read_query, signature_valid
from api.networks.admob_keys import KeyCache, load_key
from tests.kit.admob_google import KEY, KEY_ID, keys_document, sign_raw, signature_of
from tests.kit.counterpart import Reply, counterpart

GOLDEN_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE+nzvoGqvDeB9+SzE6igTl7TyK4JBbglwir9oTcQta8NuG26ZpZFxt+F2"
    "NDk7asTE6/2Yc8i1ATcGIqtuS5hv0Q=="
)
GOLDEN = (
    b"ad_network=5450213213286189855&ad_unit=3826813800&reward_amount=5&reward_item=coins"
    b"&timestamp=1603301304534&transaction_id=147f17287596c1e105dc48686abaaf5e"
    b"&user_id=hIUa1gWJKIhyoD2QMYxzog521O62"
    b"&signature=MEQCIFbibACS03osaK1Xt__gaNaA7tHz4RSRKMvK7tkHmdYKAiA_LNgYMvIM6CVPxDJkRXER7pFbO7Ri"
    b"hvjd_RHTujiimg&key_id=3335741209"
)
NONCE = "AZzKt3sAcACAAAAAAAAAAQAAAAAAAAAB"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
NOW_MS = 1772323200000
FIELDS = {
    "ad_network": "5450213213286189855",
    "ad_unit": "3826813800",
    "custom_data": NONCE,
    "reward_amount": "5",
    "reward_item": "Coins & Gems",
    "timestamp": str(NOW_MS),
    "transaction_id": "147f17287596c1e105dc48686abaaf5e",
    "user_id": "a user=+1",
}


def unsigned_query(**changes: str | None) -> str:
    fields = {name: value for name, value in (FIELDS | changes).items() if value is not None}
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())


def query(**changes: str | None) -> bytes:
    """As Google would send it, genuinely signed."""
    return sign_raw(unsigned_query(**changes))


async def units(network: str) -> frozenset[str]:
    assert network == "admob"
    return frozenset({"3826813800"})


async def verify(
    raw_query: bytes, now: datetime = NOW, method: str = "GET"
) -> tuple[int, str] | VerifiedCallback:
    """Verify with keys fetched over HTTP from a server that plays Google's."""
    document = keys_document({KEY_ID: KEY.public_key()})
    with counterpart(Reply(200, document)) as google:
        async with httpx.AsyncClient(trust_env=False) as http:
            admob = AdMob(KeyCache(http, google.url), units)
            verdict = await admob.verify(CallbackRequest(method, raw_query, {}, b""), now)
    if isinstance(verdict, Refused):
        return verdict.answer.status, verdict.reason.value
    return verdict


def test_the_golden_vector_verifies() -> None:
    key, read = load_key(GOLDEN_KEY), read_query(GOLDEN)
    assert key is not None
    assert read is not None
    assert read.key_id == 3335741209
    assert signature_valid(key, read)


def test_hiding_the_transaction_id_keeps_the_signature_but_is_not_read() -> None:
    trick = GOLDEN.replace(b"&transaction_id=", b"%26transaction_id%3D")
    unsigned = trick.partition(b"&signature=")[0]
    golden, key = read_query(GOLDEN), load_key(GOLDEN_KEY)
    assert golden is not None
    assert key is not None
    assert unquote_to_bytes(unsigned) == golden.message
    assert read_query(trick) is None


async def test_a_genuine_callback_is_verified() -> None:
    assert await verify(query()) == VerifiedCallback(
        network="admob",
        event_id="147f17287596c1e105dc48686abaaf5e",
        nonce=NONCE,
        ad_unit="3826813800",
        occurred_at=NOW,
        facts={
            "ad_network": "5450213213286189855",
            "reward_item": "Coins & Gems",
            "user_id": "a user=+1",
            "key_id": str(KEY_ID),
        },
    )


async def test_the_user_id_may_be_absent() -> None:
    assert isinstance(await verify(query(user_id=None)), VerifiedCallback)


@pytest.mark.parametrize("name", ["reward_item", "user_id"])
async def test_a_plus_is_a_plus_and_other_scripts_are_read(name: str) -> None:
    verified = await verify(query(**{name: "a+b كنز&c="}).replace(b"%2B", b"+"))
    assert isinstance(verified, VerifiedCallback)
    assert verified.facts[name] == "a+b كنز&c="


def swapped(one: str, other: str) -> str:
    parts = unsigned_query().split("&")
    names = [part.partition("=")[0] for part in parts]
    i, j = names.index(one), names.index(other)
    parts[i], parts[j] = parts[j], parts[i]
    return "&".join(parts)


MALFORMED = {
    "empty": b"",
    "no signature": unsigned_query().encode(),
    "reordered": sign_raw(swapped("reward_amount", "reward_item")),
    "optional last": sign_raw(unsigned_query(custom_data=None) + f"&custom_data={NONCE}"),
    "duplicate": sign_raw(unsigned_query() + "&user_id=other"),
    "duplicate unit": sign_raw(unsigned_query().replace("&ad_unit=", "&ad_unit=1&ad_unit=")),
    "unknown": sign_raw(unsigned_query() + "&zone=1"),
    "unknown first": sign_raw("aaa=1&" + unsigned_query()),
    "bare name": sign_raw(unsigned_query() + "&"),
    "encoded name": sign_raw(unsigned_query().replace("ad_unit=", "ad%5Funit=")),
    "upper-case name": sign_raw(unsigned_query().replace("ad_unit=", "AD_UNIT=")),
    "key id first": sign_raw(unsigned_query()).replace(b"&signature=", b"&key_id=1&signature="),
    "after key id": query() + b"&user_id=x",
    "long": query(user_id="x" * 5000),
    "not ascii": sign_raw(unsigned_query()).replace(b"user_id=", b"user_id=\xd9\x83"),
    "not utf-8": sign_raw(unsigned_query(user_id=None) + "&user_id=%FF"),
    "space": sign_raw(unsigned_query(user_id=None) + "&user_id=a b"),
    "key id": query().replace(b"key_id=", b"key_id=x"),
    **{
        f"without {name}": query(**{name: None})
        for name in FIELDS
        if name not in ("custom_data", "user_id")
    },
    **{
        f"{name} {value!r}": sign_raw(unsigned_query().replace(f"{name}={FIELDS[name]}", value))
        for name, value in [
            ("ad_network", "ad_network="),
            ("ad_network", "ad_network=-1"),
            ("ad_unit", "ad_unit=ca-app-pub-1/3826813800"),
            ("ad_unit", "ad_unit=%33826813800"),
            ("ad_unit", "ad_unit=3826813800%0A"),
            ("ad_unit", "ad_unit=3826813800%26a%3D1"),
            ("reward_amount", "reward_amount=5.0"),
            ("reward_amount", "reward_amount=٥"),
            ("timestamp", "timestamp=1772323200"),
            ("timestamp", "timestamp=17723232000000"),
            ("transaction_id", "transaction_id=xyz"),
            ("transaction_id", "transaction_id=" + "a" * 65),
            ("custom_data", f"custom_data={NONCE}%26a%3Db"),
            ("custom_data", f"custom_data={NONCE}%26"),
            ("custom_data", f"custom_data={NONCE}%3d"),
        ]
    },
}


@pytest.mark.parametrize("case", MALFORMED)
async def test_any_other_form_is_refused_although_signed(case: str) -> None:
    assert await verify(MALFORMED[case]) == (400, "MALFORMED")


def with_signature(signature: str) -> bytes:
    return f"{unsigned_query()}&signature={signature}&key_id={KEY_ID}".encode()


@pytest.mark.parametrize("signature", ["", "MEQ", "A" * 9, "+" * 96, "/" * 96, "%2B" * 32, "é"])
async def test_a_signature_is_unpadded_base64url(signature: str) -> None:
    assert await verify(with_signature(signature)) == (400, "MALFORMED")


async def test_a_signature_has_one_spelling() -> None:
    while True:  # until the last character carries bits that base64 ignores
        good = signature_of(unquote_to_bytes(unsigned_query()))
        if len(good) % 4:
            break
    assert isinstance(await verify(with_signature(good)), VerifiedCallback)
    padding = "=" * (-len(good) % 4)
    assert await verify(with_signature(good + padding)) == (400, "MALFORMED")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = good[:-1] + alphabet[alphabet.index(good[-1]) + 1]
    assert b64decode(other + padding, altchars=b"-_") == b64decode(good + padding, altchars=b"-_")
    assert await verify(with_signature(other)) == (400, "MALFORMED")


async def test_what_google_did_not_sign_is_refused() -> None:
    forger = generate_private_key(SECP256R1())
    forged = signature_of(unquote_to_bytes(unsigned_query()), forger)
    assert await verify(with_signature(forged)) == (403, "SIGNATURE")
    assert await verify(with_signature("A" * 96)) == (403, "SIGNATURE")
    raised = query().replace(b"reward_amount=5", b"reward_amount=6")
    assert await verify(raised) == (403, "SIGNATURE")
    assert await verify(sign_raw(unsigned_query(), key_id=1)) == (403, "SIGNATURE")


async def test_old_and_future_callbacks_have_no_effect() -> None:
    oldest = NOW + timedelta(minutes=15)
    assert isinstance(await verify(query(), oldest), VerifiedCallback)
    assert await verify(query(), oldest + timedelta(microseconds=1)) == (200, "STALE")
    newest = NOW - timedelta(minutes=1)
    assert isinstance(await verify(query(), newest), VerifiedCallback)
    assert await verify(query(), newest - timedelta(microseconds=1)) == (200, "FUTURE")


async def test_other_publishers_units_have_no_effect() -> None:
    assert await verify(query(ad_unit="1")) == (200, "UNIT_UNKNOWN")


@pytest.mark.parametrize(
    "custom_data", [None, "", "short", "n" * 129, "n" * 22 + "é", "n" * 22 + "\n"]
)
async def test_without_our_nonce_there_is_no_effect(custom_data: str | None) -> None:
    assert await verify(query(custom_data=custom_data)) == (200, "NONCE_MISSING")


async def test_only_get_is_read() -> None:
    assert await verify(query(), method="POST") == (405, "METHOD")


async def test_without_keys_the_network_is_asked_to_come_back() -> None:
    with counterpart(Reply(500, b"")) as google:
        async with httpx.AsyncClient(trust_env=False) as http:
            admob = AdMob(KeyCache(http, google.url), units)
            verdict = await admob.verify(CallbackRequest("GET", query(), {}, b""), NOW)
    assert isinstance(verdict, Refused)
    assert (verdict.answer.status, verdict.answer.headers) == (503, {"Retry-After": "1"})


SIGNED = query()
SIGNED_READ = read_query(SIGNED)


@given(st.data())
def test_a_mutated_query_never_verifies_as_something_else(data: st.DataObject) -> None:
    raw = bytearray(SIGNED)
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(raw) - 1))
        kind = data.draw(st.sampled_from(["change", "insert", "delete", "encode", "duplicate"]))
        byte = data.draw(st.one_of(st.integers(0, 255), st.sampled_from(b"&=%+01")))
        end = data.draw(st.integers(position, min(position + 40, len(raw))))
        replacement = {
            "change": bytes([byte]),
            "insert": bytes([byte, raw[position]]),
            "delete": b"",
            "encode": b"%%%02X" % raw[position],
            "duplicate": bytes(raw[position:end]) * 2,
        }[kind]
        raw[position : end if kind == "duplicate" else position + 1] = replacement
    read = read_query(bytes(raw))
    assert SIGNED_READ is not None
    if read is not None and signature_valid(KEY.public_key(), read):
        signed = {k: v for k, v in read.fields.items() if k not in ("signature", "key_id")}
        assert signed == FIELDS


OTHER = "&reward_amount=9&reward_item=x&timestamp=1772323200999&transaction_id=ab&user_id=z"
AMBIGUOUS = {
    "plain": unsigned_query(),
    "in custom_data": unsigned_query(custom_data=NONCE + OTHER),
    "in reward_item": unsigned_query(reward_item="x&timestamp=1772323200999&transaction_id=ab"),
    "in user_id": unsigned_query(user_id="u&signature=AAAAAAAAAAAA&key_id=1"),
    "unit in custom_data": unsigned_query(custom_data=f"{NONCE}&ad_unit=1&custom_data={NONCE}"),
}


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_a_signed_message_has_one_reading(case: str) -> None:
    """Try every way to encode its separators; all that are accepted say the same."""
    message = unquote_to_bytes(AMBIGUOUS[case]).decode()
    pieces = quote(message, safe="&").split("&")
    readings = set()
    for separators in product(("&", "%26"), repeat=len(pieces) - 1):
        raw = pieces[0].replace("%3D", "=", 1)
        for separator, piece in zip(separators, pieces[1:], strict=True):
            raw += separator + (piece.replace("%3D", "=", 1) if separator == "&" else piece)
        read = read_query(f"{raw}&signature={'A' * 96}&key_id=1".encode())
        if read is not None:
            assert read.message.decode() == message
            readings.add(tuple(read.fields.items()))
    assert len(readings) == (1 if case == "plain" else 0)
