"""One event of a network proves one view, whoever comes with it, in whatever order."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from models.ads.events import KEPT, claim_event, prune_events
from models.operations.invariants import audit, audit_globally
from runtime.clock import new_id, utcnow
from tests.kit.words import at
from tests.kit.world import Person, World


async def two_watchers(world: World) -> list[tuple[Person, dict[str, Any]]]:
    """Two members of two buckets, each of whom has watched an ad to its end."""
    first = await world.person(group_number=1)
    await world.value("SELECT setval('user_ids', 64)")  # the next newcomers' bucket is another
    people = [first, await world.person(group_number=1)]
    assert len({person.id % 64 for person in people}) == 2
    world.move_to(at("00:05"))
    watched = [(person, await person.begin()) for person in people]
    world.move_to(at("00:06"))
    for person, ad in watched:
        await person.report(ad["view_id"], "completed")
    return watched


async def mining(world: World, people: list[Person]) -> int:
    await world.drain()
    return [(await person.status())["session"] is not None for person in people].count(True)


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 0, 1, 1), (1, 0, 1, 0)])
async def test_an_event_for_views_of_two_buckets_proves_the_first(
    world: World, order: tuple[int, ...]
) -> None:
    watched = await two_watchers(world)
    for number in order:
        person, ad = watched[number]
        assert (await person.callback(ad["nonce"], "one-event")).status_code == 200
    assert await mining(world, [person for person, _ in watched]) == 1
    winner = watched[order[0]]
    assert (await winner[0].status())["session"]["status"] == "ACTIVE"
    assert await audit_globally(world.database, utcnow()) == []
    loser = watched[1 - order[0]]
    suspicions = await world.rows("SELECT user_id, event_type, severity, details FROM fraud_logs")
    assert {row.user_id for row in suspicions} == {loser[0].id}
    assert {(row.event_type, row.severity) for row in suspicions} == {("EVENT_REUSED", "HIGH")}
    assert winner[1]["view_id"] in suspicions[0].details


async def test_ten_callbacks_at_once_for_two_buckets_prove_one(world: World) -> None:
    watched = await two_watchers(world)
    sent = [person.callback(ad["nonce"], "one-event") for _ in range(5) for person, ad in watched]
    assert {answer.status_code for answer in await asyncio.gather(*sent)} == {200}
    assert await mining(world, [person for person, _ in watched]) == 1


async def test_a_process_that_dies_after_the_claim_is_made_up_for(world: World) -> None:
    """The claim stands, and no intent: the network's repeat goes through, another view's not."""
    (person, ad), (other, theirs) = await two_watchers(world)
    await claim_event(world.database, "house", "one-event", ad["view_id"], utcnow())
    assert (await other.callback(theirs["nonce"], "one-event")).status_code == 200
    assert await mining(world, [person, other]) == 0
    for _ in range(2):
        assert (await person.callback(ad["nonce"], "one-event")).status_code == 200
    assert await mining(world, [person]) == 1
    assert await mining(world, [other]) == 0
    assert (await other.callback(theirs["nonce"], "an-event-of-its-own")).status_code == 200
    assert await mining(world, [other]) == 1


async def test_a_claim_outlives_what_networks_repeat(world: World) -> None:
    view, later = new_id(utcnow()), new_id(utcnow())
    assert await claim_event(world.database, "unity", "1", view, utcnow()) == view
    assert await claim_event(world.database, "meta", "1", later, utcnow()) == later
    assert await prune_events(world.database, utcnow() + KEPT) == 0
    assert await claim_event(world.database, "unity", "1", later, utcnow()) == view
    assert await prune_events(world.database, utcnow() + KEPT + timedelta(seconds=1)) == 2
    assert await claim_event(world.database, "unity", "1", later, utcnow()) == later


async def test_the_daily_audit_sees_over_all_buckets(world: World, caplog: Any) -> None:
    """What the hourly share cannot: two views of two buckets that one event proved."""
    watched = await two_watchers(world)
    for number, (person, ad) in enumerate(watched):
        await person.callback(ad["nonce"], f"an-event-{number}")
    await world.drain()
    spoil = "UPDATE ad_views SET event_id = :e WHERE bucket = :b AND user_id = :u RETURNING id"
    for person, _ in watched:
        await world.rows(spoil, e="one-event", b=person.id % 64, u=person.id)
    assert await audit(world.database) == []
    [found] = await audit_globally(world.database, utcnow())
    assert found.invariant == "an ad network's event proves one view"
    told = "SELECT text FROM alerts WHERE key = 'books:all'"
    await world.go_to(at("03:06"))
    assert await world.rows(told) == []
    await world.go_to(at("04:06"))
    [alert] = await world.rows(told)
    assert alert.text == "Broken invariants: an ad network's event proves one view"
    await world.rows(spoil, e="another", b=watched[0][0].id % 64, u=watched[0][0].id)
