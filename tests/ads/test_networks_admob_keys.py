"""The cache of AdMob's keys: how long, how often, and what happens when Google is away."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256K1,
    SECP256R1,
    SECP384R1,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from api.networks.admob_keys import KeyCache, KeyMiss, load_key
from tests.kit.admob_google import KEY_ID, keys_document, spki
from tests.kit.counterpart import Counterpart, Reply, counterpart

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KEY = generate_private_key(SECP256R1()).public_key()
NEW_KEY = generate_private_key(SECP256R1()).public_key()
NEW_ID = KEY_ID + 1
DOCUMENT = keys_document({KEY_ID: KEY})
ROTATED = keys_document({KEY_ID: KEY, NEW_ID: NEW_KEY})
AWAY = Reply(503, b"")


def after(**units: float) -> datetime:
    return NOW + timedelta(**units)


@asynccontextmanager
async def cache(*replies: Reply) -> AsyncIterator[tuple[KeyCache, Counterpart]]:
    with counterpart(*replies) as google:
        async with httpx.AsyncClient(trust_env=False) as http:
            yield KeyCache(http, google.url), google


async def test_a_key_is_fetched_once_and_kept_for_its_max_age() -> None:
    reply = Reply(200, DOCUMENT, {"Cache-Control": "public, s-maxage=9, max-age=3600"})
    async with cache(reply) as (keys, google):
        for at in (NOW, after(minutes=59, seconds=59, milliseconds=999)):
            assert await keys.find(KEY_ID, at) == KEY
        assert len(google.received) == 1
        assert await keys.find(KEY_ID, after(hours=1)) == KEY
        assert len(google.received) == 2


@pytest.mark.parametrize("cache_control", ["", "public", "max-age=999999999"])
async def test_a_key_is_kept_for_a_day_at_most(cache_control: str) -> None:
    headers = {"Cache-Control": cache_control}
    async with cache(Reply(200, DOCUMENT, headers)) as (keys, google):
        await keys.find(KEY_ID, NOW)
        await keys.find(KEY_ID, after(hours=24, microseconds=-1))
        assert len(google.received) == 1
        await keys.find(KEY_ID, after(hours=24))
        assert len(google.received) == 2


async def test_the_time_in_other_caches_counts() -> None:
    headers = {"Cache-Control": "max-age=3600", "Age": "3000"}
    async with cache(Reply(200, DOCUMENT, headers)) as (keys, google):
        await keys.find(KEY_ID, NOW)
        await keys.find(KEY_ID, after(minutes=10, microseconds=-1))
        assert len(google.received) == 1
        await keys.find(KEY_ID, after(minutes=10))
        assert len(google.received) == 2


async def test_an_unknown_key_is_asked_for_once_a_minute() -> None:
    async with cache(Reply(200, DOCUMENT)) as (keys, google):
        await keys.find(KEY_ID, NOW)
        for seconds in (0, 30, 59.999):
            assert await keys.find(NEW_ID, after(seconds=seconds)) is KeyMiss.UNKNOWN
        assert len(google.received) == 1
        google.replies[:] = [Reply(200, ROTATED)]
        assert await keys.find(NEW_ID, after(seconds=60)) == NEW_KEY
        assert len(google.received) == 2
        assert await keys.find(NEW_ID + 1, after(seconds=119)) is KeyMiss.UNKNOWN
        assert len(google.received) == 2


async def test_many_callers_share_one_fetch() -> None:
    async with cache(Reply(200, DOCUMENT)) as (keys, google):
        times = [after(seconds=seconds) for seconds in range(20)]
        found = await asyncio.gather(*(keys.find(KEY_ID, at) for at in times))
        assert found == [KEY] * 20
        assert len(google.received) == 1


async def test_many_callers_share_one_failure() -> None:
    async with cache(AWAY) as (keys, google):
        times = [after(seconds=seconds) for seconds in range(20)]
        found = await asyncio.gather(*(keys.find(KEY_ID, at) for at in times))
        assert found == [KeyMiss.UNAVAILABLE] * 20
        assert len(google.received) == 1


async def test_a_failed_refresh_keeps_serving_for_a_day() -> None:
    good = Reply(200, DOCUMENT, {"Cache-Control": "max-age=60"})
    async with cache(good, AWAY) as (keys, google):
        await keys.find(KEY_ID, NOW)
        assert await keys.find(KEY_ID, after(minutes=1)) == KEY
        assert await keys.find(KEY_ID, after(minutes=1, seconds=59)) == KEY
        assert len(google.received) == 2
        assert await keys.find(NEW_ID, after(minutes=1, seconds=59)) is KeyMiss.UNAVAILABLE
        assert await keys.find(KEY_ID, after(hours=24, microseconds=-1)) == KEY
        assert await keys.find(KEY_ID, after(hours=24)) is KeyMiss.UNAVAILABLE


async def test_without_any_key_google_is_asked_again_after_a_second() -> None:
    async with cache(AWAY, Reply(200, DOCUMENT)) as (keys, google):
        assert await keys.find(KEY_ID, NOW) is KeyMiss.UNAVAILABLE
        assert await keys.find(KEY_ID, after(seconds=0.999)) is KeyMiss.UNAVAILABLE
        assert len(google.received) == 1
        assert await keys.find(KEY_ID, after(seconds=1)) == KEY


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"not json"),
        Reply(200, b"\xff"),
        Reply(200, b'{"keys":[]}'),
        Reply(200, b'{"keys":[{"keyId":"1","base64":""}]}'),
        Reply(200, b'{"keys":[{"keyId":3335741209,"base64":"!"}]}'),
        Reply(200, b'{"keys":[{"keyId":3335741209,"base64":"AAAA"}]}'),
        Reply(302, b"", {"Location": "/elsewhere"}),
        Reply(404, DOCUMENT),
    ],
)
async def test_a_document_that_is_none_counts_as_a_failure(reply: Reply) -> None:
    async with cache(reply) as (keys, google):
        assert await keys.find(KEY_ID, NOW) is KeyMiss.UNAVAILABLE
        assert len(google.received) == 1


@pytest.mark.parametrize("error", [httpx.ReadTimeout, httpx.ConnectError, TimeoutError])
async def test_a_fetch_that_breaks_counts_as_a_failure(error: type[Exception]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error("away")

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        assert await KeyCache(http).find(KEY_ID, NOW) is KeyMiss.UNAVAILABLE


async def test_keys_of_other_kinds_are_left_out() -> None:
    p384 = generate_private_key(SECP384R1()).public_key()
    document = keys_document({KEY_ID: KEY, NEW_ID: p384})
    async with cache(Reply(200, document)) as (keys, _):
        assert await keys.find(KEY_ID, NOW) == KEY
        assert await keys.find(NEW_ID, NOW) is KeyMiss.UNKNOWN


def test_only_p256_is_loaded() -> None:
    assert load_key(spki(KEY)) == KEY
    assert load_key(spki(generate_private_key(SECP384R1()).public_key())) is None
    assert load_key(spki(generate_private_key(SECP256K1()).public_key())) is None
    ed25519 = Ed25519PrivateKey.generate().public_key()
    der = ed25519.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert load_key(b64encode(der).decode()) is None
    assert load_key(spki(KEY)[:-8]) is None
    assert load_key("!" + spki(KEY)) is None
