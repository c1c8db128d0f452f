"""Attacks as stories, from the first request to the books (docs/security.md names the others)."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from msgspec.structs import replace

from api.networks import applovin, levelplay, networks, unity
from api.networks.house import SIGNATURE_HEADER
from models.base.encoding import encode
from runtime.clock import utcnow
from runtime.environment import Config
from tests.kit.accounts import ANN, auth, signed_up
from tests.kit.ad_units import enable
from tests.kit.admob_google import KEY, KEY_ID, keys_document, sign_raw
from tests.kit.counterpart import Reply, counterpart
from tests.kit.words import at
from tests.kit.world import Person, World

SECRET, TOKEN = b"a-secret-of-the-vendor-of-ads", b"a-token-in-the-address-of-ours"


@pytest.fixture
def config(config: Config) -> Config:
    """With a secret of every network."""
    names = ("unity", "levelplay", "applovin", "meta")
    secrets = dict.fromkeys(names, (SECRET,)) | {"levelplay_token": (TOKEN,)}
    return replace(config, network_secrets=secrets)


def signed(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def test_a_stolen_access_token_is_good_for_a_quarter_of_an_hour(world: World) -> None:
    person, stolen = await signed_up(world)
    world.move_to(utcnow() + timedelta(minutes=15))
    for method, path in (("GET", "/v1/wallet"), ("POST", "/v1/mining/sessions")):
        headers = signed(stolen) | {"Idempotency-Key": "k"}
        assert (await world.http.request(method, path, headers=headers)).status_code == 401
    assert await world.value("SELECT count(*) FROM intents WHERE user_id = :u", u=person.id) == 0


async def test_a_stolen_access_token_changes_no_lock(world: World) -> None:
    _, stolen = await signed_up(world)
    wrong = {"password": "not the right one"}
    for method, path, body in (
        ("POST", "/v1/auth/password", wrong | {"new_password": "a password of a thief"}),
        ("POST", "/v1/auth/mfa/totp", wrong),
        ("POST", "/v1/auth/mfa/code", wrong),
        ("DELETE", "/v1/auth/mfa", wrong),
        ("DELETE", "/v1/me", wrong),
    ):
        answer = await world.http.request(method, path, json=body, headers=signed(stolen))
        assert answer.json()["type"] == "urn:twtc:problem:password-wrong", (path, answer.text)
    assert (await auth(world, "login", **ANN)).status_code == 200


async def test_a_thief_who_goes_on_is_out_when_the_owner_refreshes(world: World) -> None:
    _, tokens = await signed_up(world)
    elsewhere = (await auth(world, "login", **ANN)).json()
    thief = (await auth(world, "refresh", refresh_token=tokens["refresh_token"])).json()
    thief = (await auth(world, "refresh", refresh_token=thief["refresh_token"])).json()
    assert (await auth(world, "refresh", refresh_token=tokens["refresh_token"])).status_code == 401
    assert (await auth(world, "refresh", refresh_token=thief["refresh_token"])).status_code == 401
    untouched = await auth(world, "refresh", refresh_token=elsewhere["refresh_token"])
    assert untouched.status_code == 200


async def test_a_thief_in_step_with_the_owner_is_seen_by_the_operators(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Who lost an answer asks again from the same device, in whatever network."""

    async def refresh(token: str, device: str) -> str:
        body, headers = {"refresh_token": token}, {"User-Agent": device}
        answer = await world.http.post("/v1/auth/refresh", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["refresh_token"])

    person, tokens = await signed_up(world)
    first = tokens["refresh_token"]
    second = await refresh(first, "the owner's")
    assert await refresh(first, "the owner's") == second
    assert "another device" not in caplog.text
    assert await refresh(first, "a thief's") == second
    [line] = [r for r in caplog.records if "another device" in r.getMessage()]
    assert line.levelname == "WARNING" and f"user {person.id}" in line.getMessage()


async def test_a_key_reused_for_something_else_records_nothing(world: World) -> None:
    ann, bob = await world.people(2, group_number=1)
    started = await ann.post("/v1/mining/sessions", key="k")
    other = await ann.post("/v1/tasks/1/started", key="k")
    assert (started.status_code, other.status_code) == (202, 422)
    theirs = await bob.post("/v1/mining/sessions", key="k")
    assert theirs.headers["Location"] != started.headers["Location"]
    await world.drain()
    counts = await world.rows("SELECT user_id, count(*) AS n FROM intents WHERE user_id > 0"
                              " GROUP BY user_id")  # fmt: skip
    assert {row.user_id: row.n for row in counts} == {ann.id: 1, bob.id: 1}


async def test_two_devices_that_race_one_account_earn_once(world: World) -> None:
    world.deliveries = 2
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    starts = await asyncio.gather(
        *(person.post("/v1/mining/sessions", key=f"start-{device}") for device in "ab")
    )
    outcomes = [await person.outcome(answer) for answer in starts]
    [ad] = [o["result"]["ad"] for o in outcomes if o["status"] == "APPLIED"]
    for what, time in (("started", "00:05:10"), ("completed", "00:06:10")):
        world.move_to(at(time))
        path = f"/v1/ads/views/{ad['view_id']}/{what}"
        both = await asyncio.gather(*(person.post(path, key=f"{what}-{d}") for d in "ab"))
        assert {answer.status_code for answer in both} == {202}
        await world.drain()
    await person.callback(ad["nonce"])
    await world.live_until(at("04:20"), timedelta(minutes=30))
    assert await person.balance() == "100.000000"


async def test_five_hundred_completions_of_one_view_pay_once(world: World) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    ad = await person.begin()
    world.move_to(at("00:06:05"))
    path = f"/v1/ads/views/{ad['view_id']}/completed"
    wanted = [f"c-{n}" for n in range(500)]
    while wanted:  # what is too much at once is refused, and comes again under its key
        answers = await asyncio.gather(*(person.post(path, key=key) for key in wanted))
        assert {answer.status_code for answer in answers} <= {202, 503}
        left = [k for k, a in zip(wanted, answers, strict=True) if a.status_code == 503]
        assert len(left) < len(wanted)
        wanted = left
    await asyncio.gather(*(person.callback(ad["nonce"], f"event-{n:032}") for n in range(50)))
    await world.live_until(at("04:20"), timedelta(minutes=30))
    assert await person.balance() == "100.000000"
    assert await world.value("SELECT count(*) FROM transactions") == 1
    assert await world.value("SELECT count(*) FROM intents WHERE status = 'FAILED'") == 0


def _query(fields: dict[str, str], **signature: str) -> str:
    return urlencode(fields | signature)


def _unity(nonce: str, unit: str) -> str:
    fields = {"productid": "1061310", "sid": nonce, "oid": "546553466"}
    return _query(fields, hmac=unity.sign(SECRET, fields))


def _levelplay(nonce: str, unit: str) -> str:
    fields = {"userId": nonce, "rewards": "1", "eventId": "ab" * 20}
    fields |= {"timestamp": f"{utcnow():%Y%m%d%H%M}", "token": TOKEN.decode()}
    return _query(fields, signature=levelplay.sign(SECRET, fields))


def _applovin(nonce: str, unit: str) -> str:
    fields = {"ad_unit_id": unit, "custom_data": nonce, "event_id": "ab" * 20}
    fields |= {"ts": str(int(utcnow().timestamp()))}
    return _query(fields, token=applovin.sign(SECRET, fields))


def _meta(nonce: str, unit: str) -> str:
    fields = {"event_id": "an-event-of-meta", "nonce": nonce, "ad_unit": unit}
    return _query(fields, token=SECRET.decode())


def _admob(nonce: str, unit: str) -> str:
    stamp = int(utcnow().timestamp() * 1000)
    unsigned = f"ad_network=5450213213286189855&ad_unit={unit}&custom_data={quote(nonce)}"
    unsigned += f"&reward_amount=5&reward_item=coins&timestamp={stamp}&transaction_id={'1' * 32}"
    return sign_raw(unsigned).decode()


VENDORS: dict[str, Callable[[str, str], str]] = {
    "unity": _unity,
    "levelplay": _levelplay,
    "applovin": _applovin,
    "meta": _meta,
    "admob": _admob,
}


async def watched(world: World, network: str) -> tuple[Person, dict[str, Any], str]:
    """Somebody who watched an ad of a network to its end, and the name of its unit."""
    unit = "0123456789abcdef" if network in ("applovin", "meta") else "1234567890"
    await enable(world, "is_active = false, network = 'off', unit = 'off-' || id")
    changes = f"is_active = true, network = '{network}', unit = '{unit}'"
    await enable(world, changes, "id = 1 AND purpose = 'MINING'")
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    ad = await person.begin()
    assert ad["network"] == network
    world.move_to(at("00:06:05"))
    await person.report(ad["view_id"], "completed")
    return person, ad, unit


def forgeries(genuine: str, network: str) -> list[str]:
    """The genuine callback, changed everywhere a little; Meta's token signs nothing but itself."""
    first = genuine.index("token=") if network == "meta" else 0
    flipped = [
        genuine[:place] + ("0" if genuine[place] != "0" else "1") + genuine[place + 1 :]
        for place in range(first, len(genuine), 7)
    ]
    return [*flipped, genuine[:-1], genuine + "0", genuine + "&again=1", genuine.swapcase(), ""]


@pytest.mark.parametrize("network", VENDORS)
async def test_forged_and_replayed_callbacks_of_every_network(world: World, network: str) -> None:
    world.deliveries = 2
    with counterpart(Reply(200, keys_document({KEY_ID: KEY.public_key()}))) as google:
        known = networks(world.config, world.database, world.services.http, google.url)
        world.app.state.services = replace(world.services, networks=known)
        person, ad, unit = await watched(world, network)
        genuine, route = VENDORS[network](ad["nonce"], unit), f"/v1/ads/callbacks/{network}"
        for forged in forgeries(genuine, network):
            await world.http.get(f"{route}?{forged}")
        await world.drain()
        assert (await person.status())["session"] is None, "a forgery was believed"
        replays = [world.http.get(f"{route}?{genuine}") for _ in range(20)]
        await asyncio.gather(*replays)
        await world.drain()
        assert (await person.status())["session"]["status"] == "ACTIVE"
        await world.live_until(at("04:01"), timedelta(minutes=30))
        again = await person.begin()
        world.move_to(utcnow() + timedelta(seconds=61))
        await person.report(again["view_id"], "completed")
        await world.http.get(f"{route}?{genuine}")  # of the session before
        await world.live_until(at("08:30"), timedelta(minutes=30))
    assert await person.balance() == "100.000000"


async def test_forged_and_replayed_callbacks_of_our_own_ads(world: World) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    ad = await person.begin()
    world.move_to(at("00:06:05"))
    await person.report(ad["view_id"], "completed")
    event = {"event_id": "e" * 32, "nonce": ad["nonce"], "ad_unit": "house-rewarded"}
    body = encode(event | {"completed_at": utcnow().isoformat(), "seconds": 60}).encode()
    stamp = int(utcnow().timestamp())
    for signature in ("", "t=1,v1=00", f"t={stamp},v1={'0' * 64}", f"t={stamp},v1="):
        headers = {SIGNATURE_HEADER: signature, "Content-Type": "application/json"}
        answer = await world.http.post("/v1/ads/callbacks/house", content=body, headers=headers)
        assert answer.status_code in (400, 403)
    for _ in range(20):
        assert (await person.callback(ad["nonce"])).status_code == 200
    await world.live_until(at("04:20"), timedelta(minutes=30))
    assert await person.balance() == "100.000000"


async def test_ids_of_others_open_nothing(world: World) -> None:
    owner, thief = await world.people(2, group_number=1)
    world.move_to(at("00:05"))
    started = await owner.post("/v1/mining/sessions")
    ad = (await owner.outcome(started))["result"]["ad"]
    await owner.report(ad["view_id"], "started")
    world.move_to(at("00:06:05"))
    mining = (await owner.get("/v1/me/sign-ins")).json()
    assert mining == []  # tests sign without one
    for method, path in (
        ("GET", started.headers["Location"]),
        ("GET", f"/v1/boosts/{ad['view_id']}/question"),
        ("DELETE", f"/v1/me/sign-ins/{ad['view_id']}"),
        ("GET", f"/v1/admin/users/{owner.id}"),
        ("POST", f"/v1/admin/users/{owner.id}/role"),
    ):
        answer = await world.http.request(method, path, headers=thief.headers)
        assert answer.status_code in (403, 404), (path, answer.text)
    for what in ("started", "completed", "failed"):
        found: httpx.Response = await thief.post(f"/v1/ads/views/{ad['view_id']}/{what}", {})
        if found.status_code != 404:
            assert (await thief.outcome(found))["status"] == "REJECTED"
    assert (await world.value("SELECT status FROM ad_views")) == "STARTED"
    assert await thief.balance() == "0.000000"
