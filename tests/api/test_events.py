"""The event stream: what is told, when, to whom, and what a reconnect gets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from litestar.response import ServerSentEventMessage

from api.poll import streams
from api.poll.open_streams import STREAMS_MAX, STREAMS_PER_MEMBER_MAX, Open
from api.poll.streams import follow
from api.web_base.services import Services, open_services
from runtime.clock import utcnow
from tests.kit.words import at
from tests.kit.world import Person, World

Events = AsyncIterator[ServerSentEventMessage]


def stream(person: Person, known: Any = None, services: Services | None = None) -> Any:
    """A member's stream, closed with the block."""
    ends_at = utcnow() + timedelta(minutes=15)
    return aclosing(follow(services or person.world.services, person.id, known, ends_at))


async def next_event(events: Events, kind: str) -> ServerSentEventMessage:
    """The next event of a kind."""
    async with asyncio.timeout(10):
        async for message in events:
            if message.event == kind:
                return message
    raise AssertionError("the stream has ended")


def status_of(message: ServerSentEventMessage) -> dict[str, Any]:
    """The status that an event holds."""
    found: dict[str, Any] = msgspec.json.decode(str(message.data))
    return found


async def test_a_stream_tells_what_the_poll_answers_as_it_changes(world: World) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    async with stream(person) as events:
        first = await next_event(events, "status")
        assert status_of(first) == await person.status()
        assert (await next_event(events, "unread")).data == "0"
        await person.begin()
        while status_of(told := await next_event(events, "status"))["ad"] is None:
            pass
        assert told.id != first.id
    assert not world.services.held._watches


async def test_a_reconnect_gets_only_what_it_does_not_have(world: World) -> None:
    person = await world.person(group_number=1)
    async with stream(person) as events:
        first = await next_event(events, "status")
    known = (await person.get("/v1/mining/status")).headers["ETag"].strip('"')
    assert first.id == known
    world.services.streams.close()
    async with stream(person, known) as events:
        assert [message.event async for message in events] == [None, "unread"]
    async with stream(person, "something older") as events:
        assert [message.event async for message in events] == [None, "status", "unread"]


async def test_over_http_it_is_an_event_stream(world: World) -> None:
    person = await world.person()
    world.services.streams.close()
    answer = await person.get("/v1/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-cache"
    etag = (await person.get("/v1/mining/status")).headers["ETag"].strip('"')
    assert f"id: {etag}\r\nevent: status\r\n" in answer.text
    again = await person.get("/v1/events", **{"Last-Event-ID": etag})
    assert "event: status" not in again.text


async def test_a_fifth_stream_ends_the_first(world: World) -> None:
    person = await world.person()
    opened = [Open(asyncio.Event()) for _ in range(STREAMS_PER_MEMBER_MAX + 1)]
    for each in opened:
        world.services.streams.add(person.id, each)
    assert [each.is_over for each in opened] == [True, *[False] * STREAMS_PER_MEMBER_MAX]


async def test_a_full_process_says_so(world: World) -> None:
    person = await world.person()
    for number in range(STREAMS_MAX):
        world.services.streams.add(number, Open(asyncio.Event()))
    answer = await person.get("/v1/events")
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:twtc:problem:busy"
    assert answer.headers["Retry-After"]


async def test_a_closed_account_is_told_nothing(world: World) -> None:
    person = await world.person()
    ends_at = utcnow() + timedelta(minutes=15)
    found = [m async for m in follow(world.services, person.id + 64, None, ends_at)]
    assert [message.event for message in found] == [None]


async def test_a_stream_ends_with_its_token(world: World) -> None:
    person = await world.person()
    async with stream(person) as events:
        await next_event(events, "status")
        world.move_to(utcnow() + timedelta(minutes=15))
        for changed in world.services.held._watches[person.id]:
            changed.set()
        async with asyncio.timeout(10):
            assert [m.event async for m in events if m.event == "status"] == []


async def test_another_process_goes_on_where_the_first_stopped(world: World) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    async with stream(person) as events:
        first = await next_event(events, "status")
    ad = await person.begin()
    async with open_services(world.config) as other, stream(person, first.id, other) as events:
        while (shown := status_of(await next_event(events, "status"))["ad"]) is None:
            pass
        assert shown["view_id"] == ad["view_id"]
        await person.report(ad["view_id"], "failed")  # to the first process
        while status_of(await next_event(events, "status"))["ad"] == shown:
            pass
    assert not other.held._watches


async def test_a_heartbeat_is_a_comment_and_no_message(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0)
    person, seen = await world.person(), list[str]()
    async with stream(person) as events, asyncio.timeout(10):
        async for message in events:
            seen.append(message.encode().decode())
            if seen.count(": still here\r\n\r\n") == 2:
                break
    # Every event that dispatches something has data of its own (WHATWG HTML, 9.2.6).
    assert [text for text in seen if "\r\ndata: " not in text] == [
        ": hello\r\nretry: 3000\r\n\r\n",
        ": still here\r\n\r\n",
        ": still here\r\n\r\n",
    ]
    assert not any("data: \r\n" in text for text in seen)
