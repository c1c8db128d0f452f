"""Callbacks that are genuine and wrong: of another network, another view, another person."""

import asyncio
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx
import pytest
from msgspec.structs import replace

from api.networks import unity
from engine.ads.state import encode_nonce
from engine.core.piece import Piece
from runtime.environment import Config
from tests.kit.ad_units import enable
from tests.kit.words import at
from tests.kit.world import Person, World
from workers.apply import drain

UNITY, META = b"the-secret-of-unity", b"the-token-of-meta-x"


@pytest.fixture
def config(config: Config) -> Config:
    """With the secrets of two more networks."""
    return replace(config, network_secrets={"unity": (UNITY,), "meta": (META,)})


async def watched(world: World, network: str) -> tuple[Person, dict[str, Any]]:
    """Somebody who has watched an ad of a network for a session to its end."""
    await enable(world, "is_active = false")
    await enable(world, "is_active = true", f"network = '{network}' AND purpose = 'MINING'")
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    ad = await person.begin()
    assert ad["network"] == network
    world.move_to(at("00:06"))
    await person.report(ad["view_id"], "completed")
    return person, ad


async def from_unity(world: World, nonce: str, oid: str = "1") -> httpx.Response:
    """Unity's callback."""
    fields = {"productid": "1061310", "sid": nonce, "oid": oid}
    query = urlencode(fields | {"hmac": unity.sign(UNITY, fields)})
    return await world.http.get(f"/v1/ads/callbacks/unity?{query}")


async def from_meta(
    world: World, nonce: str, ad_unit: str, event_id: str = "event-of-meta"
) -> httpx.Response:
    """Meta's callback."""
    fields = {"event_id": event_id, "nonce": nonce, "ad_unit": ad_unit, "token": META.decode()}
    return await world.http.get(f"/v1/ads/callbacks/meta?{urlencode(fields)}")


async def unit_of(world: World, network: str, purpose: str = "MINING") -> str:
    """The name of a network's unit."""
    found: str = await world.value(
        "SELECT unit FROM ads WHERE network = :n AND purpose = :p", n=network, p=purpose
    )
    return found


async def verdicts(world: World) -> list[tuple[str, str, str | None]]:
    """What became of the callbacks, in the order of their arrival."""
    await world.drain()
    found = await world.rows(
        "SELECT origin, status, outcome ->> 'reason' AS reason FROM intents "
        "WHERE kind = 'ad.confirm' ORDER BY recorded_at, id"
    )
    return [(row.origin, row.status, row.reason) for row in found]


async def test_a_callback_of_a_network_that_did_not_show_the_ad_proves_nothing(
    world: World,
) -> None:
    person, ad = await watched(world, "unity")
    answer = await from_meta(world, ad["nonce"], await unit_of(world, "meta"))
    assert answer.status_code == 200
    await person.callback(ad["nonce"])
    assert sorted(await verdicts(world)) == [
        ("network:house", "REJECTED", "AD_MISMATCH"),
        ("network:meta", "REJECTED", "AD_MISMATCH"),
    ]
    assert (await person.status())["session"] is None
    await from_unity(world, ad["nonce"])
    await world.drain()
    assert (await person.status())["session"]["status"] == "ACTIVE"
    assert await world.value("SELECT network FROM ad_views WHERE status = 'VERIFIED'") == "unity"


@pytest.mark.parametrize("network", ["unity", "meta"])
async def test_the_same_callback_from_two_networks_at_once_pays_once(
    world: World, network: str
) -> None:
    world.deliveries = 2
    person, ad = await watched(world, network)
    meta = await unit_of(world, "meta")
    await asyncio.gather(
        *(from_unity(world, ad["nonce"], "same-event-id") for _ in range(3)),
        *(from_meta(world, ad["nonce"], meta, "same-event-id") for _ in range(3)),
    )
    piece = Piece(1, person.id % 64)
    await asyncio.gather(*(drain(world.shop, piece) for _ in range(3)))
    other = "meta" if network == "unity" else "unity"
    found = {origin: verdict for origin, *verdict in await verdicts(world)}
    assert found[f"network:{network}"] == ["APPLIED", None]
    assert found[f"network:{other}"] in (["REJECTED", "AD_MISMATCH"], ["REJECTED", "VIEW_CLOSED"])
    assert len(found) == await world.value("SELECT count(*) FROM intents WHERE kind = 'ad.confirm'")
    await world.live_until(at("04:10"))
    assert await person.balance() == "100.000000"
    [row] = await world.rows("SELECT reference, funding FROM transactions")
    assert row.funding == network


async def test_two_events_of_one_network_for_one_view_confirm_it_once(world: World) -> None:
    person, ad = await watched(world, "unity")
    for oid in ("1", "2"):
        await from_unity(world, ad["nonce"], oid)
    first, second = await verdicts(world)
    assert {first[1:], second[1:]} == {("APPLIED", None), ("REJECTED", "VIEW_CLOSED")}
    assert (await person.status())["session"]["status"] == "ACTIVE"


async def test_one_event_of_a_network_confirms_one_view(world: World) -> None:
    person, ad = await watched(world, "unity")
    other = await world.person(group_number=1)
    assert other.id % 64 == person.id % 64
    theirs = await other.begin()
    world.move_to(at("00:07"))
    await other.report(theirs["view_id"], "completed")
    assert (await from_unity(world, ad["nonce"], "1")).text == "1"
    await from_unity(world, theirs["nonce"], "1")  # genuine, and used already
    await world.drain()
    assert (await person.status())["session"]["status"] == "ACTIVE"
    assert (await other.status())["session"] is None


async def test_a_callback_for_somebody_elses_view_reaches_nobody(world: World) -> None:
    person, ad = await watched(world, "unity")
    other = await world.person(group_number=1)
    stranger = encode_nonce(UUID(ad["view_id"]), other.id)
    nobody = encode_nonce(UUID(ad["view_id"]), person.id + 64 * 64 * 64)
    unknown = encode_nonce(UUID(int=7), person.id)
    for number, nonce in enumerate((stranger, nobody, unknown)):
        assert (await from_unity(world, nonce, f"{number}")).status_code == 200
    assert await verdicts(world) == []
    assert (await other.status())["session"] is None
    assert (await person.status())["session"] is None


async def test_a_unit_of_the_same_network_that_was_not_shown_proves_nothing(world: World) -> None:
    person, ad = await watched(world, "meta")
    await from_meta(world, ad["nonce"], await unit_of(world, "meta", "TASK"), "event-task")
    assert await verdicts(world) == [("network:meta", "REJECTED", "AD_MISMATCH")]
    unknown = await from_meta(world, ad["nonce"], "none-of-ours", "event-none")
    assert unknown.status_code == 200
    assert len(await verdicts(world)) == 1
    await from_meta(world, ad["nonce"], ad["unit"], "event-true")
    await world.drain()
    assert (await person.status())["session"]["status"] == "ACTIVE"


async def test_after_a_fallback_the_first_networks_callback_proves_nothing(world: World) -> None:
    await enable(world)
    await enable(world, "weight = 0", "network <> 'meta'")
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    first = await person.begin()
    second = (await person.report(first["view_id"], "failed"))["result"]["ad"]
    assert (first["network"], second["network"]) == ("meta", "unity")
    await person.report(second["view_id"], "started")
    world.move_to(at("00:06"))
    await person.report(second["view_id"], "completed")
    await from_meta(world, first["nonce"], first["unit"])
    assert await verdicts(world) == [("network:meta", "REJECTED", "VIEW_CLOSED")]
    world.move_to(at("00:06:01"))
    await from_meta(world, second["nonce"], first["unit"], "event-second")
    assert (await verdicts(world))[1:] == [("network:meta", "REJECTED", "AD_MISMATCH")]
    await from_unity(world, second["nonce"])
    await world.drain()
    assert (await person.status())["session"]["status"] == "ACTIVE"
