"""The status poll: the same wherever it comes from, and when it changes."""

from datetime import timedelta
from typing import Any

import pytest

from engine.core.timeline import phase_in_window
from models.mining.snapshots import SnapshotCopies
from runtime.clock import utcnow
from tests.kit.words import MICROSECOND, at
from tests.kit.world import Person, World


async def moments_of_a_cycle(person: Person) -> Any:
    """Take a person through two cycles, stopping wherever the status could differ."""
    world = person.world
    yield "closed"
    await world.go_to(at("00:24"))
    yield "open"
    ad = (await person.start())["result"]["ad"]
    yield "served"
    await person.report(ad["view_id"], "started")
    yield "playing"
    await world.go_to(at("00:25:30"))
    await person.report(ad["view_id"], "completed")
    yield "awaiting the callback"
    await person.callback(ad["nonce"])
    await world.drain()
    yield "mining"
    for time in ("00:29:59.999999", "00:30", "00:47:59.999999", "00:48", "03:10", "04:24"):
        await world.go_to(at(time))
        yield time
    await person.mine()
    yield "two sessions"
    await world.go_to(at("04:25:30"))
    yield "the second began"
    await world.live_until(at("08:23"), timedelta(hours=1))
    yield "at the end"
    await world.go_to(at("08:26"))
    yield "settled"


async def test_the_status_is_the_same_wherever_it_comes_from(world: World) -> None:
    person = await world.person(group_number=2)
    copies = SnapshotCopies(world.services.redis, world.services.installation.id)
    bodies = set()
    async for moment in moments_of_a_cycle(person):
        await person.get("/v1/mining/status")  # leaves a copy, if the worker left none
        assert await copies.read(person.id) is not None, moment
        copied = await person.get("/v1/mining/status")
        assert world.services.held.find(person.id, utcnow()) is not None, moment
        held = await person.get("/v1/mining/status")
        assert (held.content, held.headers) == (copied.content, copied.headers), moment
        await world.services.redis.flushdb()
        stored = await person.get("/v1/mining/status")
        assert copied.content == stored.content, moment
        assert copied.headers == stored.headers, moment
        bodies.add(stored.content)
    assert len(bodies) >= 14


@pytest.mark.parametrize("watches", [True, False])
async def test_nothing_changes_before_the_next_poll(world: World, watches: bool) -> None:
    """The poll is spread over a tenth of a tick after the change, so that not all ask at once.

    Redis is emptied each time: an answer that is held would be the same without being right.
    """
    person = await world.person(group_number=2)
    spread = phase_in_window(world.table.timing.tick_seconds // 10, person.id)
    world.move_to(at("00:24"))
    await (person.mine() if watches else person.start())
    changes = 0
    while utcnow() < at("08:00"):
        answer = await person.get("/v1/mining/status")
        next_poll = at(answer.json()["next_poll_at"])
        assert next_poll > utcnow()
        changes_at = next_poll - spread
        middle = utcnow() + (changes_at - utcnow()) / 2
        for before in (middle, changes_at - MICROSECOND):
            await world.go_to(max(before, utcnow()))
            await world.services.redis.flushdb()
            assert (await person.get("/v1/mining/status")).content == answer.content, before
        await world.go_to(changes_at)
        assert (await person.get("/v1/mining/status")).content != answer.content
        changes += 1
    assert changes > (24 if watches else 2)


async def test_an_unchanged_status_is_not_sent_again(world: World) -> None:
    person = await world.person(group_number=1)
    answer = await person.get("/v1/mining/status")
    tag = answer.headers["ETag"]
    assert tag.startswith('"') and tag.endswith('"')
    for known in (tag, f"W/{tag}", f'"other", {tag}', f'W/"other",W/{tag},"x"'):
        unchanged = await person.get("/v1/mining/status", **{"If-None-Match": known})
        assert (unchanged.status_code, unchanged.content) == (304, b""), known
        assert unchanged.headers["ETag"] == tag
        assert "private" in unchanged.headers["Cache-Control"]
    for unknown in ('"other"', tag.strip('"'), "", f"{tag[:-2]}", 'W/"', ",,,"):
        changed = await person.get("/v1/mining/status", **{"If-None-Match": unknown})
        assert (changed.status_code, changed.content) == (200, answer.content), unknown
    await person.start()
    again = await person.get("/v1/mining/status", **{"If-None-Match": tag})
    assert again.status_code == 200
    assert again.headers["ETag"] != tag


async def test_a_star_stands_for_any_status(world: World) -> None:
    """RFC 9110, section 13.1.2."""
    person = await world.person()
    answer = await person.get("/v1/mining/status", **{"If-None-Match": "*"})
    assert (answer.status_code, answer.content) == (304, b"")
