"""The poll's answers that a process holds: right, or not there (decision 0021)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace
from redis import Redis as BlockingRedis
from redis.asyncio import Redis

import runtime.changes
from api.poll.held import HeldCopies
from api.web_base.services import open_services
from engine.status import Snapshot
from models.base.db import open_database
from models.mining.snapshots import SnapshotCopies
from runtime.clock import utcnow
from tests.kit.polls import PATIENCE_SECONDS, disable, held_status
from tests.kit.world import Person, World


async def until_current(held: HeldCopies, *, current: bool = True) -> None:
    """Let the event loop turn until the feed is current, or no longer is."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while held.feed.is_current() is not current:  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0)


async def cut(held: HeldCopies, redis: Redis) -> None:
    """Have the server close the feed's connection."""
    host, port = held.feed._socket.getsockname()
    await redis.client_kill_filter(addr=f"{host}:{port}")


async def test_what_is_held_needs_neither_server(world: World) -> None:
    person = await world.person(group_number=1)
    shown = await held_status(person)
    alive = world.services
    dead_redis = Redis.from_url("redis://127.0.0.1:1/0")
    world.app.state.services = replace(
        alive,
        database=open_database("postgresql://x@127.0.0.1:1/x", pool_size=1, application_name="x"),
        copies=SnapshotCopies(dead_redis, alive.installation.id),
    )
    assert await person.status() == shown
    world.app.state.services = alive
    await dead_redis.aclose()


async def test_ones_own_action_shows_in_the_next_poll_of_every_process(world: World) -> None:
    person = await world.person(group_number=1)
    here = world.services
    async with open_services(world.config) as elsewhere:

        async def shown(poll: Callable[[Person], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
            """What both processes answer."""
            answers = []
            for process in (elsewhere, here):
                world.app.state.services = process
                answers.append(await poll(person))
            assert answers[0] == answers[1]
            return answers[0]

        assert (await shown(held_status))["next_session"] is None
        ad = await person.begin()
        served = await shown(Person.status)
        assert served["ad"]["view_id"] == ad["view_id"]
        assert await shown(held_status) == served
        world.move_to(utcnow() + timedelta(minutes=1))
        await person.report(ad["view_id"], "completed")
        await person.callback(ad["nonce"])
        assert (await shown(held_status))["session"] is None
        await world.drain()
        assert (await shown(Person.status))["session"]["status"] == "ACTIVE"


async def test_before_a_commit_what_is_held_is_given_up(world: World) -> None:
    person = await world.person(group_number=1)
    await held_status(person)
    held = world.services.held.find(person.id, utcnow())
    assert held is not None
    await world.shop.copies.mark_changing([(person.id, held.snapshot.version + 1)])
    assert world.services.held.find(person.id, utcnow()) is None
    await person.status()  # from PostgreSQL, where nothing is committed yet
    assert world.services.held.find(person.id, utcnow()) is None
    await world.shop.copies.write([replace(held.snapshot, version=held.snapshot.version + 1)])
    await held_status(person)


async def test_a_change_is_heard_without_a_turn_of_the_event_loop(world: World) -> None:
    person = await world.person(group_number=1)
    await held_status(person)
    assert world.services.held.find(person.id, utcnow()) is not None
    with BlockingRedis.from_url(world.config.redis_url) as worker:
        worker.delete(f"{world.services.copies.prefix}{person.id}")
        worker.ping()  # answered, so the message of the deletion has been sent
    assert world.services.held.find(person.id, utcnow()) is None


class SlowCopies(SnapshotCopies):
    """Copies whose answer is on its way while a worker marks a change."""

    async def read(self, user_id: int) -> Snapshot | None:
        """The copy as it was before the mark."""
        found = await super().read(user_id)
        assert found is not None
        await self.mark_changing([(user_id, found.version + 1)])
        return found


async def test_a_copy_that_changes_while_it_is_read_is_not_held(world: World) -> None:
    person = await world.person(group_number=1)
    await person.status()
    slow = SlowCopies(world.services.redis, world.services.installation.id)
    held = HeldCopies(slow, world.config.redis_url)
    async with held.feed:
        assert await held.read(person.id, utcnow()) is not None
        assert held.find(person.id, utcnow()) is None
        assert held._reads == {}


async def test_a_disabled_account_is_told_so_at_once(world: World) -> None:
    person = await world.person(group_number=1)
    assert (await held_status(person))["can_start"] is True
    await disable(world, person)
    shown = await person.status()
    assert (shown["can_start"], shown["refusal"]["reason"]) == (False, "ACCOUNT_DISABLED")


async def test_what_changes_while_nothing_is_heard_is_shown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime.changes, "PAUSE_SECONDS", PATIENCE_SECONDS)
    person, services = await world.person(group_number=1), world.services
    await held_status(person)
    await cut(services.held, services.redis)
    assert services.held.find(person.id, utcnow()) is None
    await disable(world, person)
    for _ in range(3):
        assert (await person.status())["can_start"] is False
        assert services.held.find(person.id, utcnow()) is None


async def test_a_new_connection_begins_with_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime.changes, "PAUSE_SECONDS", 0)
    person, services = await world.person(group_number=1), world.services
    await held_status(person)
    await cut(services.held, services.redis)
    await until_current(services.held, current=False)
    await until_current(services.held)
    assert services.held.find(person.id, utcnow()) is None
    await held_status(person)
    await disable(world, person)
    assert services.held.find(person.id, utcnow()) is None


async def test_what_is_read_before_changes_are_heard_is_not_held(world: World) -> None:
    person = await world.person(group_number=1)
    await person.status()
    held = HeldCopies(world.services.copies, world.config.redis_url)
    assert await held.read(person.id, utcnow()) is not None
    await disable(world, person)
    async with held.feed:
        assert held.feed.is_current()
        assert held.find(person.id, utcnow()) is None


class Relay:
    """A line to Redis that can go dead without a word."""

    def __init__(self) -> None:
        self.flows = asyncio.Event()
        self.flows.set()

    async def carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """Pass on what comes, while it flows."""
        with suppress(OSError):
            while chunk := await source.read(65_536):
                await self.flows.wait()
                target.write(chunk)
        target.close()


@asynccontextmanager
async def relayed(url: str) -> AsyncIterator[tuple[Relay, str]]:
    """A relay before the server of `url`, and the URL of the relay."""
    parts, relay = urlsplit(url), Relay()
    tasks: set[asyncio.Task[None]] = set()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        above, below = await asyncio.open_connection(parts.hostname, parts.port)
        for line in (relay.carry(reader, below), relay.carry(above, writer)):
            tasks.add(asyncio.create_task(line))

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    credentials, _, _ = parts.netloc.rpartition("@")
    try:
        yield relay, parts._replace(netloc=f"{credentials}@127.0.0.1:{port}").geturl()
    finally:
        relay.flows.set()
        server.close()
        await asyncio.gather(*tasks)


async def test_a_line_gone_dead_is_not_trusted_for_long(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime.changes, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(runtime.changes, "PAUSE_SECONDS", 0)
    person = await world.person(group_number=1)
    await person.status()
    async with relayed(world.config.redis_url) as (relay, url):
        held = HeldCopies(world.services.copies, url)
        async with held.feed:
            await held.read(person.id, utcnow())
            assert held.find(person.id, utcnow()) is not None
            monkeypatch.setattr(runtime.changes, "SILENCE_SECONDS_MAX", 0.2)
            relay.flows.clear()
            await until_current(held, current=False)
            assert held.find(person.id, utcnow()) is None
            relay.flows.set()
            await until_current(held)
            await held.read(person.id, utcnow())
            assert held.find(person.id, utcnow()) is not None


async def test_trust_ends_by_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime.changes, "BEAT_SECONDS", 2 * PATIENCE_SECONDS)
    held = HeldCopies(world.services.copies, world.config.redis_url)
    monkeypatch.setattr(runtime.changes, "SILENCE_SECONDS_MAX", 0.2)
    async with held.feed:
        await until_current(held, current=False)
