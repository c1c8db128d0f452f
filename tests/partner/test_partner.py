"""The local ad partner over real HTTP: its timer, its page, and the callbacks it sends."""

import html
from datetime import timedelta

import httpx
import msgspec
import pytest

from api.networks import CallbackRequest, VerifiedCallback
from api.networks.house import House, page_url, sign_page
from partner import app as partner
from partner import showings as partner_showings
from partner.texts import choose_language, texts_of
from tests.kit.counterpart import Received, Reply
from tests.kit.partner import ACCEPTED, NONCE, NOW, SECRET, UNIT, Hands, free_port, serve

OTHER_NONCE = "AZzKt3sAcACAAAAAAAAAAQAAAAAAAAAC"


async def verify(received: Received) -> VerifiedCallback:
    """Check a callback as the API does."""

    async def units(network: str) -> frozenset[str]:
        return frozenset({"house-rewarded"})

    request = CallbackRequest(received.method, b"", received.headers, received.body)
    verdict = await House((SECRET,), units).verify(request, NOW)
    assert isinstance(verdict, VerifiedCallback)
    return verdict


async def test_an_ad_watched_to_its_end_is_reported_with_a_signature() -> None:
    async with serve() as world:
        assert (await world.show()).status_code == 200
        world.hands.monotonic += 60
        answer = await world.finish()
        assert answer.status_code == 200
        assert answer.json() == {"status": "completed", "callback": "delivered"}
        (received,) = world.api.received
        assert received.path == "/v1/ads/callbacks/house"
        verified = await verify(received)
        assert (verified.nonce, verified.ad_unit) == (NONCE, "house-rewarded")
        assert verified.seconds == 60
        assert verified.occurred_at == NOW + timedelta(seconds=60)


async def test_an_early_finish_is_refused_with_the_seconds_left() -> None:
    async with serve() as world:
        await world.show()
        for elapsed, left in [(0.0, 60), (0.5, 60), (59.0, 1), (59.999, 1)]:
            world.hands.monotonic = 1000.0 + elapsed
            answer = await world.finish()
            assert answer.status_code == 409
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["retry-after"] == str(left)
            assert answer.json()["type"] == "urn:twtc:problem:ad-not-finished"
            assert answer.json()["seconds_left"] == left
        assert world.api.received == []


async def test_showing_the_page_again_neither_restarts_nor_shortens_the_timer() -> None:
    async with serve() as world:
        await world.show()
        world.hands.monotonic += 20
        again = await world.show()
        assert 'data-seconds="60" data-left="40"' in again.text
        world.hands.monotonic += 39
        assert (await world.finish()).status_code == 409
        world.hands.monotonic += 1
        assert (await world.finish()).status_code == 200


@pytest.mark.parametrize(
    ("unit", "nonce", "seconds", "secret"),
    [
        ("house-rewarded", NONCE, 1, SECRET),
        ("house-rewarded", OTHER_NONCE, 60, SECRET),
        ("house-task", NONCE, 60, SECRET),
        ("house-rewarded", NONCE, 60, b"a secret of somebody else, long"),
    ],
)
async def test_an_ad_is_shown_only_as_the_publisher_signed_it(
    unit: str, nonce: str, seconds: int, secret: bytes
) -> None:
    signature = sign_page(secret, "house-rewarded", NONCE, 60)
    page = f"/ads/{unit}?nonce={nonce}&seconds={seconds}&signature={signature}"
    async with serve() as world:
        answer = await world.http.get(page)
        assert answer.status_code == 403
        assert answer.json()["type"] == "urn:twtc:problem:ad-page-signature"
        finish = await world.http.post(f"/ads/{unit}/finish", json={"nonce": nonce})
        assert finish.status_code == 404  # it never began
        assert world.api.received == []


async def test_either_signature_does_while_the_publisher_changes_its_secret() -> None:
    secrets = (b"the publisher's next secret, long", SECRET)
    async with serve() as world:
        url = page_url("", "house-rewarded", NONCE, 60, secrets)
        assert (await world.http.get(url)).status_code == 200


async def test_finishing_twice_is_the_same_event() -> None:
    async with serve(Reply(404, b"{}"), ACCEPTED) as world:
        await world.show()
        world.hands.monotonic += 60
        refused = await world.finish()
        assert refused.status_code == 502
        assert refused.json()["type"] == "urn:twtc:problem:callback-refused"
        for _ in range(2):
            world.hands.monotonic += 1
            assert (await world.finish()).json()["callback"] == "delivered"
        first, second = [await verify(received) for received in world.api.received]
        assert first == second


async def test_a_callback_is_sent_again_while_the_api_is_away() -> None:
    away = Reply(503, b"")
    async with serve(away, Reply(429, b""), away, ACCEPTED) as world:
        await world.show()
        world.hands.monotonic += 60
        assert (await world.finish()).status_code == 200
        assert world.hands.slept == [0.5, 1.0, 2.0]
        events = {(await verify(received)).event_id for received in world.api.received}
        assert (len(world.api.received), len(events)) == (4, 1)


async def test_an_api_that_stays_away_can_be_told_later() -> None:
    async with serve(*[Reply(500, b"")] * 4, ACCEPTED) as world:
        await world.show()
        world.hands.monotonic += 60
        answer = await world.finish()
        assert answer.status_code == 502
        assert answer.json()["type"] == "urn:twtc:problem:callback-undelivered"
        assert (await world.finish()).json()["callback"] == "delivered"


async def test_an_api_that_is_not_there_is_tried_again() -> None:
    hands = Hands()
    url = f"http://127.0.0.1:{free_port()}/v1/ads/callbacks/house"
    async with httpx.AsyncClient(trust_env=False) as http:
        showings = partner_showings.Partner(
            SECRET, url, http, lambda: hands.monotonic, hands.now, hands.sleep
        )
        showing = showings.start("house-rewarded", NONCE, 1)
        delivery = await showings.deliver("house-rewarded", NONCE, showing)
    assert delivery is partner_showings.Delivery.UNDELIVERED
    assert hands.slept == [0.5, 1.0, 2.0]


@pytest.mark.parametrize(
    "reply", [Reply(200, b'{"status":"refused"}'), Reply(200, b"[]"), Reply(200, b"hello")]
)
async def test_an_answer_other_than_accepted_is_not_delivered(reply: Reply) -> None:
    async with serve(reply) as world:
        await world.show()
        world.hands.monotonic += 60
        assert (await world.finish()).json()["type"] == "urn:twtc:problem:callback-refused"


async def test_what_was_never_shown_cannot_be_finished() -> None:
    async with serve() as world:
        await world.show()
        world.hands.monotonic += 60
        assert (await world.finish(OTHER_NONCE)).status_code == 404
        other_unit = await world.http.post("/ads/other/finish", json={"nonce": NONCE})
        assert other_unit.status_code == 404
        assert world.api.received == []


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partner_showings, "SHOWINGS_MAX", 2)
    async with serve() as world:
        nonces = [f"nonce-{n:020}" for n in range(3)]
        for nonce in nonces:
            await world.show(nonce)
        statuses = [(await world.finish(nonce)).status_code for nonce in nonces]
        assert statuses == [404, 409, 409]
        world.hands.monotonic += partner_showings.SHOWING_SECONDS_MAX
        assert (await world.finish(nonces[1])).status_code == 200
        world.hands.monotonic += 0.001
        assert (await world.finish(nonces[2])).status_code == 404


@pytest.mark.parametrize(
    "body", [b"[" * 4_000, b'{"nonce":' + b"[" * 4_000, b'{"nonce": "\\ud800"}', b"\xff\xfe", b""]
)
async def test_a_body_that_cannot_be_read_is_the_senders_fault(body: bytes) -> None:
    async with serve() as world:
        await world.show()
        headers = {"Content-Type": "application/json"}
        answer = await world.http.post(f"{UNIT}/finish", content=body, headers=headers)
        assert answer.status_code == 400, answer.text


async def test_other_addresses_are_refused() -> None:
    async with serve() as world:
        for path in (
            f"{UNIT}?nonce={NONCE}",
            f"{UNIT}?seconds=60",
            f"{UNIT}?nonce={NONCE}&seconds=0",
            f"{UNIT}?nonce={NONCE}&seconds=121",
            f"{UNIT}?nonce={NONCE}&seconds=x",
            f"{UNIT}?nonce={NONCE}%0A&seconds=60",
            f"{UNIT}?nonce={'n' * 21}&seconds=60",
            f"{UNIT}?nonce={'n' * 129}&seconds=60",
            f"{UNIT}?nonce=%3Cscript%3E{'n' * 22}&seconds=60",
            f"/ads/%3Cb%3E?nonce={NONCE}&seconds=60",
            f"/ads/{'u' * 65}?nonce={NONCE}&seconds=60",
        ):
            answer = await world.http.get(f"{path}&signature={'0' * 64}")
            assert answer.status_code == 400, path
            assert answer.headers["content-type"] == "application/problem+json"
            assert "<b>" not in answer.text
            assert "<script>" not in answer.text


async def test_other_bodies_are_refused() -> None:
    async with serve() as world:
        for body in ({}, {"nonce": "short"}, {"nonce": NONCE + "\n"}, {"nonce": NONCE, "a": 1}):
            assert (await world.http.post(f"{UNIT}/finish", json=body)).status_code == 400
        large = msgspec.json.encode({"nonce": NONCE}) + b" " * partner.BODY_BYTES_MAX
        assert (await world.http.post(f"{UNIT}/finish", content=large)).status_code == 413


async def test_the_page_runs_only_its_own_script() -> None:
    async with serve() as world:
        page, other = await world.show(), await world.show(OTHER_NONCE)
        policy = page.headers["content-security-policy"]
        token = policy.partition("script-src 'nonce-")[2].partition("'")[0]
        assert len(token) >= 22
        assert policy.startswith("default-src 'none'; ")
        assert page.text.count(f'nonce="{token}"') == 2
        assert token not in other.text
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"
        assert "http" not in page.text  # self-contained
        assert f'data-nonce="{NONCE}" data-seconds="60" data-left="60"' in page.text


async def test_the_page_speaks_english_and_arabic() -> None:
    async with serve() as world:
        english = await world.show()
        assert '<html lang="en" dir="ltr">' in english.text
        assert html.escape(texts_of("en")["headline"]) in english.text
        assert "Dunes &amp; Sea" in english.text
        arabic = await world.show(languages="ar-EG,en;q=0.8")
        assert '<html lang="ar" dir="rtl">' in arabic.text
        assert html.escape(texts_of("ar")["headline"]) in arabic.text
        assert arabic.headers["content-language"] == "ar"
        assert texts_of("en").keys() == texts_of("ar").keys()


def test_the_language_is_the_preferred_one() -> None:
    arabic = ["ar", "AR-AE", "en;q=0.5, ar;q=0.9", "fr, ar;q=0.1"]
    english = ["", "en, ar;q=0.9", "ar;q=0", "ar;q=x", "arc", "*"]
    assert {choose_language(header) for header in arabic} == {"ar"}
    assert {choose_language(header) for header in english} == {"en"}


async def test_it_says_that_it_lives() -> None:
    async with serve() as world:
        answer = await world.http.get("/healthz")
        assert (answer.status_code, answer.text) == (200, "ok")


def test_the_environment_must_be_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWTC_HOUSE_SECRET", "new,old")
    monkeypatch.setenv("TWTC_PUBLIC_URL", "http://127.0.0.1:8000")
    assert partner.create_from_environment()
    monkeypatch.setenv("TWTC_PUBLIC_URL", "127.0.0.1:8000")
    with pytest.raises(partner.PartnerConfigError, match="TWTC_PUBLIC_URL"):
        partner.create_from_environment()
    monkeypatch.setenv("TWTC_PUBLIC_URL", "http://127.0.0.1:8000")
    monkeypatch.delenv("TWTC_HOUSE_SECRET")
    with pytest.raises(partner.PartnerConfigError, match="TWTC_HOUSE_SECRET"):
        partner.create_from_environment()
