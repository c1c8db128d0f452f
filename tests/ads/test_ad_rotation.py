"""Which ad is shown: the rotation's shares, the chain of fallbacks, caps by the minute, funding."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.ads.state import AdUnit, Proof, Purpose, choose_ad
from engine.core.piece import Piece
from models.ads.inventory import give_back, take_requests
from models.base.db import transaction
from models.installation.settings import ROTATION, load_ads
from runtime.clock import utcnow
from tests.kit.ad_units import enable
from tests.kit.day import start_task, tasks
from tests.kit.tasks import paid
from tests.kit.words import START, at
from tests.kit.world import Person, World
from workers.apply import drain

CHAIN = ["admob", "meta", "unity", "house"]
WEIGHTS = {network: weight for network, weight, _, _ in ROTATION}


def unit(number: int, network: str, purpose: Purpose = Purpose.MINING) -> AdUnit:
    weight, rank = next((w, r) for n, w, r, _ in ROTATION if n == network)
    return AdUnit(number, network, network, purpose, weight, rank, 60, Proof.BOTH, 0)


UNITS = [unit(number, network) for number, (network, *_) in enumerate(ROTATION, start=1)]
UNITS += [replace(u, id=u.id + 4, purpose=Purpose.TASK) for u in UNITS]
IDS = {u.network: u.id for u in UNITS if u.purpose is Purpose.MINING}


def chosen(seed: int, **known: Any) -> str | None:
    """The network whose unit is shown for a session."""
    found = choose_ad(UNITS, Purpose.MINING, str(seed), **known)
    return found.network if found else None


def test_the_seeded_rotation_is_forty_thirty_twenty_ten() -> None:
    assert WEIGHTS == {"admob": 40, "meta": 30, "unity": 20, "house": 10}
    assert [n for n, *_ in sorted(ROTATION, key=lambda row: row[2])] == CHAIN


def test_the_networks_are_shown_by_their_shares() -> None:
    count = 20_000
    shown = Counter(chosen(seed) for seed in range(count))
    for network, weight in WEIGHTS.items():
        share, deviation = weight / 100, (weight * (100 - weight) / count) ** 0.5 / 100
        assert abs(shown[network] / count - share) < 5 * deviation, shown


def test_a_unit_without_weight_is_a_fallback_only() -> None:
    units = [replace(u, weight=0) if u.network == "admob" else u for u in UNITS[:4]]
    drawn = {choose_ad(units, Purpose.MINING, str(seed)) for seed in range(500)}
    assert {u.network for u in drawn if u} == {"meta", "unity", "house"}
    full = {IDS["house"]}
    spilt = {choose_ad(units, Purpose.MINING, str(s), full=full) for s in range(500)}
    assert "admob" in {u.network for u in spilt if u}
    weightless = [replace(u, weight=0) for u in UNITS[:4]]
    first = choose_ad(weightless, Purpose.MINING, "1")
    assert first is not None and first.network == "admob"


@pytest.mark.parametrize("place", range(4))
def test_after_one_that_could_not_be_shown_comes_the_next_of_the_chain(place: int) -> None:
    following = {chosen(seed, after=IDS[CHAIN[place]]) for seed in range(50)}
    assert following == {CHAIN[(place + 1) % 4]}


def test_a_single_unit_is_tried_again_and_one_taken_away_makes_way_for_the_first() -> None:
    alone = [UNITS[0]]
    assert choose_ad(alone, Purpose.MINING, "1", after=alone[0].id) is alone[0]
    assert chosen(1, after=999) == "admob"
    assert choose_ad([], Purpose.MINING, "1") is None
    assert choose_ad(UNITS[:4], Purpose.TASK, "1") is None


def test_what_is_full_spills_to_the_next_of_the_chain_and_leaves_the_others_alone() -> None:
    for seed in range(400):
        usual = chosen(seed)
        spilt = chosen(seed, full={IDS["admob"], IDS["meta"]})
        assert spilt == ("unity" if usual in ("admob", "meta") else usual)


@given(st.text(), st.sets(st.sampled_from([u.id for u in UNITS])), st.none() | st.integers(1, 9))
def test_nothing_full_and_nothing_of_another_purpose_is_shown(
    seed: str, full: set[int], after: int | None
) -> None:
    for purpose in Purpose:
        found = choose_ad(UNITS, purpose, seed, after=after, full=full)
        assert found == choose_ad(UNITS, purpose, seed, after=after, full=full)
        room = {u.id for u in UNITS if u.purpose is purpose} - full
        assert found.id in room if found else not room


async def with_ad_tasks(world: World, number: int) -> list[tuple[Person, int]]:
    """People, each with a task of theirs that an ad is shown for, in many groups."""
    found: list[tuple[Person, int]] = []
    while len(found) < number:
        person = await world.person(group_number=len(found) % 4 + 1)
        mine = [t for t in await tasks(person) if (t["wave"], t["category"]) == (0, "ADS")]
        if mine:
            found.append((person, int(mine[0]["number"])))
    return found


async def served(world: World, minute: str = "00:00") -> Counter[str]:
    """How many ads of each network were served in a minute."""
    found = await world.rows(
        "SELECT network FROM ad_views WHERE date_trunc('minute', served_at) = :m", m=at(minute)
    )
    return Counter(row.network for row in found)


async def drain_together(world: World, people: list[tuple[Person, int]]) -> None:
    """Each group's piece in a worker of its own, at the same time."""
    pieces = {Piece(person.group_number, person.id % 64) for person, _ in people}
    await asyncio.gather(*(drain(world.shop, piece) for piece in pieces))


async def test_a_cap_by_the_minute_holds_under_batches_at_once_and_spills(world: World) -> None:
    await enable(world)
    await enable(world, "weight = 0", "network <> 'admob'")
    await enable(world, "requests_per_minute = 5", "network = 'admob' AND purpose = 'TASK'")
    await enable(world, "requests_per_minute = 3", "network = 'meta' AND purpose = 'TASK'")
    people = await with_ad_tasks(world, 16)
    for person, number in people:
        await person.post(f"/v1/tasks/{number}/started")
    await drain_together(world, people)
    shown = await served(world)
    assert shown.total() == 16
    assert shown["admob"] <= 5 and shown["meta"] <= 3
    assert shown["unity"] == 16 - shown["admob"] - shown["meta"]
    granted = await world.rows(
        "SELECT a.network, r.granted FROM ad_requests r JOIN ads a ON a.id = r.ad_id"
    )
    assert {row.network: row.granted for row in granted} == {
        "admob": shown["admob"],
        "meta": shown["meta"],
    }


async def test_one_batch_takes_what_there_is_and_the_next_minute_has_its_own(
    world: World,
) -> None:
    await enable(world)
    await enable(world, "weight = 0", "network <> 'admob'")
    await enable(world, "requests_per_minute = 2", "network = 'admob' AND purpose = 'TASK'")
    people = [p for p in await with_ad_tasks(world, 20) if p[0].group_number == 1][:4]
    for person, number in people[:3]:
        await person.post(f"/v1/tasks/{number}/started")
    world.move_to(at("00:00:59.999999"))
    await world.drain()
    assert (await served(world)) == {"admob": 2, "meta": 1}
    world.move_to(at("00:01"))
    person, number = people[3]
    assert (await start_task(person, number))["ad"]["network"] == "admob"


async def test_without_any_room_a_start_says_when_to_come_back(world: World) -> None:
    await enable(world, "requests_per_minute = 1", "network = 'house' AND purpose = 'TASK'")
    [(first, one), (second, two)] = await with_ad_tasks(world, 2)
    ad = (await start_task(first, one))["ad"]
    refused = await second.ask(f"/v1/tasks/{two}/started")
    assert refused["problem"]["reason"] == "AD_UNAVAILABLE"
    failed = await first.report(ad["view_id"], "failed")  # its second try has no room either
    assert failed["problem"]["reason"] == "AD_UNAVAILABLE"
    world.move_to(START + timedelta(minutes=1))
    assert (await start_task(second, two))["ad"]["network"] == "house"


async def test_what_was_not_used_is_given_back_and_no_more_is_ever_granted(world: World) -> None:
    await enable(world, "requests_per_minute = 10", "id = 1")
    async with transaction(world.database) as connection:
        [capped, *_] = await load_ads(connection)

    async def take(wanted: int) -> int:
        granted = await take_requests(world.database, [capped], {capped.purpose: wanted}, utcnow())
        return granted[capped.id]

    grants = await asyncio.gather(*(take(4) for _ in range(6)))
    assert sorted(grants, reverse=True) == [4, 4, 2, 0, 0, 0]
    await give_back(world.database, {capped.id: 3}, utcnow())
    assert await take(4) == 3
    await enable(world, "requests_per_minute = 5", "id = 1")
    async with transaction(world.database) as connection:
        [capped, *_] = await load_ads(connection)
    assert await take(1) == 0  # lowered meanwhile: what was granted stays, nothing is added
    world.move_to(START + timedelta(minutes=1))
    assert await take(9) == 5


async def test_the_chain_is_walked_from_admob_to_the_house(world: World) -> None:
    await enable(world)
    await enable(world, "weight = 0", "network <> 'admob'")
    [(person, number)] = await with_ad_tasks(world, 1)
    ad = (await start_task(person, number))["ad"]
    shown = [ad["network"]]
    for _ in range(2):
        ad = (await person.report(ad["view_id"], "failed"))["result"]["ad"]
        shown.append(ad["network"])
    assert shown == CHAIN[:3]
    await enable(world, "is_active = false", "network = 'unity'")
    assert (await person.report(ad["view_id"], "failed"))["status"] == "REJECTED"
    ad = (await start_task(person, number))["ad"]
    for expected in ("meta", "house"):
        ad = (await person.report(ad["view_id"], "failed"))["result"]["ad"]
        assert ad["network"] == expected


@pytest.mark.parametrize("network", CHAIN)
async def test_the_ledger_says_whose_money_it_is(world: World, network: str) -> None:
    await enable(world, "is_active = true, proof = 'CLIENT_TIMED'")
    await enable(world, "is_active = false", f"network <> '{network}'")
    [(person, number)] = await with_ad_tasks(world, 1)
    ad = (await start_task(person, number))["ad"]
    await person.report(ad["view_id"], "started")
    world.move_to(utcnow() + timedelta(seconds=20))
    await enable(world, "is_active = true", "true")  # the view decides, not what is shown now
    await person.report(ad["view_id"], "completed")
    assert await paid(world) == [(f"2026-03-01:{number}", 2_000_000, network)]
    world.move_to(at("00:05"))
    await world.regroup(person, 1)
    await enable(world, "is_active = false", f"network <> '{network}'")
    mining = await person.begin()
    world.move_to(at("00:06"))
    await person.report(mining["view_id"], "completed")
    await world.live_until(at("04:10"), timedelta(hours=1))
    mined = "SELECT funding FROM transactions WHERE type = 'MINING'"
    assert await world.value(mined) == network


async def test_who_reports_every_ad_as_failed_gains_no_right(world: World) -> None:
    """The house's own ad pays as the first one of the chain would have."""
    await enable(world, "is_active = true, proof = 'CLIENT_TIMED'")
    await enable(world, "is_active = false", "network NOT IN ('unity', 'house')")
    await enable(world, "weight = 0", "network = 'house'")
    [(person, number)] = await with_ad_tasks(world, 1)
    ad = (await start_task(person, number))["ad"]
    assert ad["network"] == "unity"
    ad = (await person.report(ad["view_id"], "failed"))["result"]["ad"]
    assert ad["network"] == "house"
    await person.report(ad["view_id"], "started")
    world.move_to(utcnow() + timedelta(seconds=20))
    await person.report(ad["view_id"], "completed")
    assert await paid(world) == [(f"2026-03-01:{number}", 2_000_000, "unity")]
    world.move_to(at("00:05"))
    await world.regroup(person, 1)
    mining = await person.begin()
    shown = (await person.report(mining["view_id"], "failed"))["result"]["ad"]
    world.move_to(at("00:05:10"))
    await person.report(shown["view_id"], "started")
    world.move_to(at("00:07"))
    await person.report(shown["view_id"], "completed")
    await world.live_until(at("04:15"), timedelta(hours=1))
    mined = "SELECT funding FROM transactions WHERE type = 'MINING'"
    assert await world.value(mined) == "unity"
