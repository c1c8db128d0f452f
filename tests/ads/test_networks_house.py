"""The house network's signed callback: form, signature, age, policy."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from api.networks import CallbackRequest, Refused, VerifiedCallback
from api.networks.house import BODY_BYTES_MAX, House, page_url, sign

SECRET = b"a secret of the house, long enough"
OLD_SECRET = b"the secret before, still accepted"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
NOW_SECONDS = 1772323200
NONCE = "AZzKt3sAcACAAAAAAAAAAQAAAAAAAAAB"
BODY = (
    b'{"event_id":"event-0001","nonce":"AZzKt3sAcACAAAAAAAAAAQAAAAAAAAAB",'
    b'"ad_unit":"house-rewarded","completed_at":"2026-02-28T23:59:59Z","seconds":60}'
)
# printf '%s.%s' 1772323200 "$BODY" | openssl dgst -sha256 -hmac "$SECRET"
GOLDEN = "t=1772323200,v1=02b18950bf4c546377885c057090c44dff2cc1c85af8ff21322e5536b2ab078d"
# printf 'page.house-rewarded.%s.60' "$NONCE" | openssl dgst -sha256 -hmac "$SECRET"
GOLDEN_PAGE = "5fa65643b7034424ad2103791d729007c5c9115359101b49aeef2f6717bf178d"


async def units(network: str) -> frozenset[str]:
    assert network == "house"
    return frozenset({"house-rewarded"})


def house(*secrets: bytes) -> House:
    return House(secrets or (SECRET,), units)


def request(
    body: bytes = BODY, signature: str | None = None, method: str = "POST", query: bytes = b""
) -> CallbackRequest:
    signature = sign(SECRET, NOW_SECONDS, body) if signature is None else signature
    return CallbackRequest(method, query, {"twtc-signature": signature}, body)


def body_with(**changes: object) -> bytes:
    fields = msgspec.json.decode(BODY) | changes
    return msgspec.json.encode({k: v for k, v in fields.items() if v is not None})


async def verify(
    callback: CallbackRequest, now: datetime = NOW
) -> tuple[int, str] | VerifiedCallback:
    verdict = await house().verify(callback, now)
    if isinstance(verdict, Refused):
        return verdict.answer.status, verdict.reason.value
    return verdict


async def test_the_golden_vector_verifies() -> None:
    assert sign(SECRET, NOW_SECONDS, BODY) == GOLDEN
    assert await verify(request(signature=GOLDEN)) == VerifiedCallback(
        network="house",
        event_id="event-0001",
        nonce=NONCE,
        ad_unit="house-rewarded",
        occurred_at=NOW - timedelta(seconds=1),
        facts={},
        seconds=60,
    )


@pytest.mark.parametrize("sign_of_skew", [1, -1])
async def test_the_tolerance_is_five_minutes_both_ways(sign_of_skew: int) -> None:
    border = NOW + sign_of_skew * timedelta(minutes=5)
    assert isinstance(await verify(request(), border), VerifiedCallback)
    beyond = border + sign_of_skew * timedelta(microseconds=1)
    assert await verify(request(), beyond) == (403, "SIGNATURE")


@pytest.mark.parametrize(
    "signature",
    [
        "",
        GOLDEN.replace("v1=", "v0="),
        GOLDEN.replace("t=1772323200", "t=1772323201"),
        GOLDEN.replace("t=", "t=+"),
        GOLDEN + ",v1=" + "0" * 64,
        GOLDEN + "\n",
        GOLDEN[:-1],
        GOLDEN[:-1] + "g",
        "t=1772323200,v1=" + "0" * 64,
        "t=1772323200,v1=" + GOLDEN[-64:].upper(),
    ],
)
async def test_another_signature_is_refused(signature: str) -> None:
    assert await verify(request(signature=signature)) == (403, "SIGNATURE")


async def test_an_unsigned_callback_is_refused() -> None:
    assert await verify(CallbackRequest("POST", b"", {}, BODY)) == (403, "SIGNATURE")


@pytest.mark.parametrize("position", range(0, len(BODY), 7))
async def test_a_tampered_body_is_refused(position: int) -> None:
    tampered = BODY[:position] + bytes([BODY[position] ^ 1]) + BODY[position + 1 :]
    assert await verify(request(tampered, GOLDEN)) == (403, "SIGNATURE")


async def test_two_secrets_are_accepted_while_rotating() -> None:
    signed_with_old = request(signature=sign(OLD_SECRET, NOW_SECONDS, BODY))
    both = house(SECRET, OLD_SECRET)
    assert isinstance(await both.verify(signed_with_old, NOW), VerifiedCallback)
    assert isinstance(await both.verify(request(), NOW), VerifiedCallback)
    assert isinstance(await house(SECRET).verify(signed_with_old, NOW), Refused)


@pytest.mark.parametrize("secrets", [(), (b"",), (SECRET, b"short")])
def test_weak_secrets_are_not_taken(secrets: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match="house secrets"):
        House(secrets, units)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"not json",
        b'{"event_id":"\xff\xfe\xff\xfe\xff\xfe\xff\xfe"}',
        body_with(extra=1),
        body_with(event_id="short"),
        body_with(event_id="with space"),
        body_with(event_id="event-0001\n"),
        body_with(event_id="e" * 129),
        body_with(event_id=None),
        body_with(nonce="n" * 21),
        body_with(nonce="n" * 129),
        body_with(nonce="n" * 22 + "\n"),
        body_with(nonce="n" * 22 + "="),
        body_with(ad_unit="a/b"),
        body_with(ad_unit=""),
        body_with(completed_at="2026-03-01T00:00:00"),
        body_with(completed_at=1772323200),
        body_with(seconds=0),
        body_with(seconds="60"),
        body_with(seconds=60.5),
    ],
)
async def test_a_signed_but_malformed_body_is_refused(body: bytes) -> None:
    assert await verify(request(body)) == (400, "MALFORMED")


async def test_the_body_is_bounded() -> None:
    padding = b" " * (BODY_BYTES_MAX - len(BODY))
    assert isinstance(await verify(request(BODY + padding)), VerifiedCallback)
    assert await verify(request(BODY + padding + b" ")) == (400, "MALFORMED")


async def test_only_a_plain_post_is_read() -> None:
    verdict = await house().verify(request(method="GET"), NOW)
    assert isinstance(verdict, Refused)
    assert (verdict.answer.status, verdict.answer.headers) == (405, {"Allow": "POST"})
    assert await verify(request(query=b"a=1")) == (400, "MALFORMED")


async def test_policy_refusals_are_answered_200() -> None:
    unit = request(body_with(ad_unit="unknown"))
    assert await verify(unit) == (200, "UNIT_UNKNOWN")
    future = request(body_with(completed_at="2026-03-01T00:05:00.000001Z"))
    assert await verify(future) == (200, "FUTURE")
    stale = request(body_with(completed_at="2026-02-27T23:59:59.999999Z"))
    assert await verify(stale) == (200, "STALE")
    of_the_contract_before = request(body_with(seconds=None))
    assert await verify(of_the_contract_before) == (200, "SECONDS_MISSING")


def test_a_page_bears_our_signature_over_what_is_asked_for() -> None:
    url = page_url("https://partner.test", "house-rewarded", NONCE, 60, (SECRET,))
    path = f"https://partner.test/ads/house-rewarded?nonce={NONCE}&seconds=60"
    assert url == f"{path}&signature={GOLDEN_PAGE}"
    both = page_url("https://partner.test", "house-rewarded", NONCE, 60, (OLD_SECRET, SECRET))
    assert both.startswith(f"{path}&signature=") and both.endswith(f",{GOLDEN_PAGE}")


async def test_the_time_of_completion_is_read_with_its_offset() -> None:
    late = request(body_with(completed_at="2026-03-01T04:05:00+04:00"))
    verified = await verify(late)
    assert isinstance(verified, VerifiedCallback)
    assert verified.occurred_at == NOW + timedelta(minutes=5)
    assert verified.occurred_at.tzinfo is UTC
    day_old = await verify(request(body_with(completed_at="2026-02-28T00:00:00Z")))
    assert isinstance(day_old, VerifiedCallback)
