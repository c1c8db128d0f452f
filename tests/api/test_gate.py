"""What every request passes before it is routed: bounds, and the arrival of its body."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from api.web_base import gate
from api.web_base.gate import (
    BODY_BYTES_MAX,
    COOKIES_BYTES_MAX,
    HEADERS_BYTES_MAX,
    TARGET_BYTES_MAX,
    Gate,
    Lobby,
)
from api.web_base.pages import FILES, WEB
from api.web_base.permissions import handlers_of
from tests.kit.problems import problem_of
from tests.kit.waiting import until
from tests.kit.words import at
from tests.kit.world import World

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def lobby_of(world: World) -> Lobby:
    entrance: Any = world.app.asgi_handler
    assert isinstance(entrance, Gate)
    return entrance.lobby


def has(lobby: Lobby, number: int) -> bool:
    return len(lobby) == number


def gone(sending: Sequence[Any]) -> bool:
    return all(each.done() for each in sending)


class Slow:
    """A body that comes when it is let go."""

    def __init__(self) -> None:
        self.rest = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"{"
        await self.rest.wait()
        yield b"}"


def send(world: World, path: str, body: Slow, method: str = "POST") -> Any:
    headers = {"Content-Type": "application/json"}
    return asyncio.create_task(world.http.request(method, path, content=body, headers=headers))


def paths_of(world: World) -> set[str]:
    """An address of each route."""
    found = {path for path, _, _ in handlers_of(world.app)}
    return {path.replace("{", "").replace("}", "") for path in found}


async def test_whoever_waits_for_a_body_takes_nobodys_room_on_any_route(world: World) -> None:
    world.http.event_hooks = {}  # not every method is documented
    body, admission, lobby = Slow(), world.services.admission, lobby_of(world)
    wanted = [(path, method) for path in sorted(paths_of(world)) for method in METHODS]
    # Of one address not so many may wait.
    for first in range(0, len(wanted), gate.ARRIVING_PER_ADDRESS_MAX):
        some = wanted[first : first + gate.ARRIVING_PER_ADDRESS_MAX]
        sending = [send(world, path, body, method) for path, method in some]
        await until(partial(has, lobby, len(some)))
        assert (admission.in_flight, admission.waiting) == (0, 0)
        assert world.services.database.use()[0] == 0
        body.rest.set()
        for answer in await asyncio.gather(*sending):
            assert answer.status_code < 500 or answer.headers["Retry-After"]
        body = Slow()
    assert len(lobby) == 0


async def test_a_body_has_its_time_to_arrive(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "BODY_SECONDS_MAX", 0.05)
    body = Slow()
    for path in ("/v1/auth/login", "/v1/mining/status", "/healthz", "/nothing"):
        answer = await send(world, path, body, "GET")
        problem_of(answer, 408, "request-timeout")
        assert answer.headers["Connection"] == "close"
    assert len(lobby_of(world)) == 0


async def test_who_waited_longest_gives_way(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "ARRIVING_PER_ADDRESS_MAX", 3)
    lobby, body, sending = lobby_of(world), Slow(), []
    for number in range(1, 6):
        sending.append(send(world, "/v1/auth/logout", body))
        await until(partial(has, lobby, min(number, 3)))
        await until(partial(gone, sending[: max(number - 3, 0)]))
    for early in sending[:2]:
        problem_of(await early, 408, "request-timeout")
    body.rest.set()
    for late in sending[2:]:
        assert (await late).status_code == 204
    assert len(lobby) == 0


async def test_all_together_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "ARRIVING_MAX", 2)
    lobby, go = Lobby(), asyncio.Event()

    async def wait(address: str) -> None:
        async with lobby.place(address):
            await go.wait()

    waiting = [asyncio.create_task(wait(f"192.0.2.{number}")) for number in range(3)]
    await until(lambda: waiting[0].done())
    assert isinstance(waiting[0].exception(), TimeoutError)
    assert len(lobby) == 2
    go.set()
    await asyncio.gather(*waiting[1:])
    assert len(lobby) == 0


async def test_an_endless_body_is_too_large(world: World) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 1024

    for path, method in (("/v1/auth/login", "POST"), ("/healthz", "GET"), ("/nothing", "PUT")):
        problem_of(await world.http.request(method, path, content=endless()), 413, "body-too-large")
    announced = {"Content-Length": str(BODY_BYTES_MAX + 1)}
    for length in (announced, {"Content-Length": "9" * 30}, {"Content-Length": "x"}):
        problem_of(await world.http.post("/v1/auth/login", headers=length), 413, "body-too-large")


async def test_long_addresses_and_headers_are_refused_before_they_are_routed(world: World) -> None:
    for path in ("/app/" + "a" * TARGET_BYTES_MAX, "/healthz?x=" + "a" * TARGET_BYTES_MAX):
        problem_of(await world.http.get(path), 414, "uri-too-long")
    problem_of(await world.http.get("/" + "a" * (TARGET_BYTES_MAX - 1)), 404, "not-found")
    for name in ("Authorization", "Cookie", "X-Forwarded-For", "If-None-Match", "X-Anything"):
        headers = {name: "a," * (HEADERS_BYTES_MAX // 2)}
        problem_of(await world.http.get("/v1/me", headers=headers), 431, "headers-too-large")


async def test_more_cookies_than_anybody_has_are_refused(world: World) -> None:
    fits = {"Cookie": "a" * COOKIES_BYTES_MAX}
    assert (await world.http.get("/healthz", headers=fits)).status_code == HTTPStatus.OK
    for headers in ({"Cookie": fits["Cookie"] + "a"}, [("Cookie", "a" * 2_100)] * 2):
        problem_of(await world.http.get("/healthz", headers=headers), 431, "headers-too-large")


async def test_what_cannot_be_a_name_is_not_there(world: World) -> None:
    for path in ("/app/a%00.js", "/app/%ED%A0%80", "/%0a", "/app/" + "a" * 300,
                 "/v1/tasks/%00/started"):  # fmt: skip
        problem_of(await world.http.get(path), 404, "not-found")


async def test_numbers_and_ids_in_a_path_are_written_as_we_write_them(world: World) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    for number in ("1_0", "01", "+1", "%201", "1%20", "١", "१", "１", "1.0", "1e0"):
        problem_of(await person.post(f"/v1/tasks/{number}/started"), 404, "not-found")
    assert (await person.post("/v1/tasks/1/started")).status_code == 202
    sent = await person.post("/v1/mining/sessions")
    location = sent.headers["Location"]
    id_ = location.rpartition("/")[2]
    for written in (id_.replace("-", ""), f"%7B{id_}%7D", f"urn:uuid:{id_}"):
        problem_of(await person.get(f"/v1/intents/{written}"), 404, "not-found")
    assert (await person.get(f"/v1/intents/{id_.upper()}")).status_code == 202


HEADS = ("/", "/console", "/sw.js", "/manifest.webmanifest", "/app/main.js", "/docs",
         "/swagger/swagger-ui.css", "/docs/openapi.json", "/healthz", "/readyz")  # fmt: skip


async def test_a_head_is_answered_as_its_get_without_the_body(world: World) -> None:
    def told(answer: httpx.Response) -> dict[str, str]:
        changing = {"x-request-id", "date"}
        return {name: text for name, text in answer.headers.items() if name not in changing}

    for path in HEADS:
        got, asked = await world.http.get(path), await world.http.head(path)
        assert got.status_code == asked.status_code == HTTPStatus.OK
        assert got.content and not asked.content
        assert told(asked) == told(got)


async def test_a_head_of_a_stream_ends_at_once(world: World) -> None:
    person = await world.person()
    answer = await world.http.head("/v1/events", headers=person.headers)
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert len(world.services.streams) == 0


async def test_a_head_of_what_is_not_there_is_refused_like_its_get(world: World) -> None:
    assert (await world.http.head("/nothing")).status_code == HTTPStatus.NOT_FOUND
    assert (await world.http.head("/v1/auth/login")).status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert (await world.http.head("/v1/me")).status_code == HTTPStatus.UNAUTHORIZED


async def test_a_file_is_sent_once(world: World) -> None:
    pages = {"/": "index.html", "/console": "console/index.html"}
    alone = {path: path[1:] for path in ("/sw.js", "/manifest.webmanifest")}
    parts = {name: name[1:] for name in FILES if name.count("/") > 1}
    for path, name in (pages | alone | parts).items():
        got, content = await world.http.get(path), (WEB / name).read_bytes()
        assert got.content == content
        assert got.headers["Content-Type"].startswith(("text/", "image/", "application/"))
        etag = got.headers["ETag"]
        assert etag == f'"{sha256(content).hexdigest()[:24]}"', "the same on every machine"
        for known in (etag, f"W/{etag}", f'"another", {etag}', "*"):
            again = await world.http.get(path, headers={"If-None-Match": known})
            assert (again.status_code, again.content) == (HTTPStatus.NOT_MODIFIED, b"")
            assert (again.headers["ETag"], again.headers["Cache-Control"]) == (etag, "no-cache")
        for other in ('"another"', etag.strip('"'), "", etag[:-2]):
            changed = await world.http.get(path, headers={"If-None-Match": other})
            assert changed.status_code == HTTPStatus.OK


async def test_nothing_else_is_sent(world: World) -> None:
    for path in ("/app", "/app/", "/app/no.js", "/app/../index.html", "/app/%2e%2e/index.html",
                 "/index.html", "/swagger/..%2fapp%2fmain.js", "/app//etc/passwd"):  # fmt: skip
        problem_of(await world.http.get(path), 404, "not-found")
