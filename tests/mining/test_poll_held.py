"""Whose answers a process holds, and for how long (decision 0021)."""

import asyncio
from datetime import timedelta

import pytest

import api.poll.held
from api.web_base.tokens import ACCESS_SECONDS, issue_access_token
from models.mining.snapshots import COPY_SECONDS_MAX
from runtime.clock import utcnow
from tests.kit.polls import PATIENCE_SECONDS, POLL, disable, held_status
from tests.kit.problems import problem_of
from tests.kit.words import MICROSECOND, at
from tests.kit.world import World


async def test_nobody_is_shown_somebody_elses_status(world: World) -> None:
    people = await world.people(4)
    own = [await held_status(person) for person in people]
    assert len({shown["window"]["your_time"] for shown in own}) == 4
    for _ in range(3):
        for person, shown in zip(people[::-1], own[::-1], strict=True):
            assert await person.status() == shown


async def test_a_verified_token_is_refused_once_it_has_expired(world: World) -> None:
    person = await world.person()
    signed, expires_at = person.headers, utcnow() + timedelta(seconds=ACCESS_SECONDS)
    for moment in (utcnow(), expires_at - MICROSECOND):
        world.move_to(moment)
        await held_status(person)
        assert (await world.http.get(POLL, headers=signed)).status_code == 200
    world.move_to(expires_at)
    await held_status(person)
    refused = await world.http.get(POLL, headers=signed)
    problem = problem_of(refused, 401, "unauthorized")
    assert "expired" in problem["detail"]
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")


async def test_only_the_verified_token_itself_is_known(world: World) -> None:
    person = await world.person()
    await held_status(person)
    scheme, _, token = person.headers["Authorization"].partition(" ")
    assert (await world.http.get(POLL, headers={"Authorization": f"bearer {token}"})).is_success
    forged = issue_access_token(b"another secret of thirty-two bytes", person.id, utcnow())
    wrong = ["", scheme, f"Basic {token}", f"Bearer {forged}", f"Bearer {token[:-1]}", token]
    for header in wrong:
        problem_of(await world.http.get(POLL, headers={"Authorization": header}), 401)
    problem_of(await world.http.get(POLL), 401, "unauthorized")


async def test_an_answer_is_kept_until_time_changes_it(world: World) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    await person.mine()
    shown = await held_status(person)
    held = world.services.held.find(person.id, utcnow())
    assert held is not None and held.answer is not None
    answer = held.answer
    assert answer.changes_at == at("00:10")
    world.move_to(answer.changes_at - MICROSECOND)
    assert await person.status() == shown
    assert held.answer is answer
    world.move_to(answer.changes_at)
    assert (await person.status())["session"]["earned"] != shown["session"]["earned"]
    assert held.answer is not answer
    # A clock that was put back.
    world.move_to(answer.rendered_at)
    assert await person.status() == shown


async def test_nothing_is_held_longer_than_a_copy_lives(world: World) -> None:
    person = await world.person(group_number=1)
    await held_status(person)
    end = utcnow() + timedelta(seconds=COPY_SECONDS_MAX)
    for moment, is_held in ((end - MICROSECOND, True), (end, False)):
        world.move_to(moment)
        assert (world.services.held.find(person.id, utcnow()) is not None) is is_held


async def test_what_is_held_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.poll.held, "HELD_MAX", 2)
    people = await world.people(3)
    for person in people:
        await held_status(person)
    held = [world.services.held.find(person.id, utcnow()) is not None for person in people]
    assert held == [False, True, True]


async def test_an_emptied_redis_empties_what_is_held(world: World) -> None:
    person = await world.person(group_number=1)
    await held_status(person)
    await disable(world, person, told=False)
    await world.services.redis.flushdb()
    # Whoever empties Redis may have its answer a moment before the feed is told.
    async with asyncio.timeout(PATIENCE_SECONDS):
        while world.services.held.find(person.id, utcnow()) is not None:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert (await person.status())["can_start"] is False
