"""Intents over HTTP: recorded once, committed when answered, applied by the workers."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.kit.intents import INTENT_ROUTES, START_ROUTE, VIEW_ROUTES, counts
from tests.kit.problems import problem_of
from tests.kit.words import at
from tests.kit.world import Person, World


@pytest.fixture
async def person(world: World) -> Person:
    """A member whose window is open."""
    member = await world.person(group_number=1)
    world.move_to(at("00:05"))
    return member


@pytest.fixture
async def view(person: Person) -> str:
    """The ad that this member is to watch."""
    view_id: str = (await person.start(key="start"))["result"]["ad"]["view_id"]
    return view_id


async def intents(world: World) -> list[Any]:
    """The members' intents as another connection sees them, oldest first."""
    return list(
        await world.rows("SELECT * FROM intents WHERE origin LIKE 'user:%' ORDER BY recorded_at")
    )


async def apply_when_recorded(world: World) -> None:
    """What a worker does when the bell rings."""
    while not await intents(world):
        pass  # each look awaits the database
    await world.drain()


async def test_an_intent_is_committed_when_it_is_answered(person: Person) -> None:
    answer = await person.post(START_ROUTE, key="one")
    assert answer.status_code == 202
    [row] = await intents(person.world)
    body = answer.json()
    assert UUID(body["id"]) == row.id
    assert answer.headers["Location"] == f"/v1/intents/{row.id}"
    assert "no-store" in answer.headers["Cache-Control"]
    assert "Preference-Applied" not in answer.headers
    assert body == {
        "id": str(row.id),
        "kind": "mining.start",
        "status": "RECORDED",
        "recorded_at": "2026-03-01T00:05:00Z",
        "applied_at": None,
        "result": None,
        "problem": None,
    }
    assert (row.status, row.key, row.origin) == ("RECORDED", "one", f"user:{person.id}")
    assert (row.user_id, row.group_number, row.recorded_at) == (person.id, 1, at("00:05"))


async def test_an_intent_goes_from_202_to_200(person: Person) -> None:
    world = person.world
    location = (await person.post(START_ROUTE)).headers["Location"]
    for _ in range(2):
        waiting = await person.get(location)
        assert (waiting.status_code, waiting.json()["status"]) == (202, "RECORDED")
    world.move_to(at("00:06"))
    await world.drain()
    done = await person.get(location)
    assert done.status_code == 200
    assert done.headers["Location"] == location
    assert done.json()["status"] == "APPLIED"
    assert done.json()["recorded_at"] == "2026-03-01T00:05:00Z"
    assert done.json()["applied_at"] == "2026-03-01T00:06:00Z"
    assert done.json()["problem"] is None
    assert set(done.json()["result"]) >= {"session_id", "ad"}


async def test_a_refused_intent_carries_its_problem(world: World) -> None:
    person = await world.person(group_number=2)
    refused = await person.start()
    assert (refused["status"], refused["result"]) == ("REJECTED", None)
    problem = refused["problem"]
    assert (problem["type"], problem["status"]) == ("urn:twtc:problem:window-closed", 409)
    assert problem["reason"] == "WINDOW_CLOSED"
    assert problem["retry_at"] == problem["opens_at"] == "2026-03-01T00:24:00Z"


async def test_a_retry_gets_the_same_intent_before_and_after_it_is_applied(
    person: Person,
) -> None:
    first = await person.post(START_ROUTE, key="one")
    second = await person.post(START_ROUTE, {}, key="one")  # no body is an empty body
    assert (second.status_code, second.content) == (202, first.content)
    person.world.move_to(at("03:00"))
    applied = await person.outcome(first)
    late = await person.post(START_ROUTE, key="one")
    assert (late.status_code, late.json()) == (200, applied)
    assert len(await intents(person.world)) == 1


async def test_a_key_is_ones_own(world: World) -> None:
    ann, bob = await world.people(2, group_number=1)
    world.move_to(at("00:05"))
    anns, bobs = [await person.start(key="same") for person in (ann, bob)]
    assert anns["id"] != bobs["id"]
    assert [i["status"] for i in (anns, bobs)] == ["APPLIED", "APPLIED"]
    problem_of(await bob.get(f"/v1/intents/{anns['id']}"), 404, "not-found")


async def test_a_key_is_1_to_255_visible_ascii_characters(person: Person, view: str) -> None:
    before = await counts(person.world)
    headers = [(name.encode(), value.encode()) for name, value in person.headers.items()]
    for route in INTENT_ROUTES:
        path = route.format(view=view)
        for key in (b"", b" ", b"x" * 256, b"a b", "ä".encode(), b"a\tb", b"\x7f"):
            given = [*headers, (b"idempotency-key", key)]
            answer = await person.world.http.post(path, headers=given)
            assert answer.status_code == 400, key
            problem_of(answer, 400, "bad-request")
        missing = await person.world.http.post(path, headers=person.headers)
        problem_of(missing, 400, "idempotency-key-missing")
    assert await counts(person.world) == before
    assert (await person.post(START_ROUTE, key="x" * 255)).status_code == 202


async def test_a_key_names_one_request(person: Person, view: str) -> None:
    """Under the key of a start, another route or body is refused; the start stays what it was."""
    before = [list(row.values()) for row in await intents(person.world)]
    for route in VIEW_ROUTES:
        answer = await person.post(route.format(view=view), key="start")
        problem_of(answer, 422, "idempotency-key-reused")
    assert [list(row.values()) for row in await intents(person.world)] == before


async def test_what_belongs_to_another_is_not_there(world: World) -> None:
    owner, stranger, *others = await world.people(65, group_number=1)
    neighbour = next(other for other in others if other.id % 64 == owner.id % 64)
    world.move_to(at("00:05"))
    started = await owner.start()
    view = started["result"]["ad"]["view_id"]
    before = await counts(world)
    for other in (stranger, neighbour):
        for route in VIEW_ROUTES:
            problem_of(await other.post(route.format(view=view)), 404, "not-found")
        problem_of(await other.get(f"/v1/intents/{started['id']}"), 404, "not-found")
    for route in VIEW_ROUTES:
        problem_of(await owner.post(route.format(view=uuid4())), 404, "not-found")
    assert await counts(world) == before


async def test_twenty_at_once_with_one_key_are_one_intent(person: Person) -> None:
    answers = await asyncio.gather(*(person.post(START_ROUTE, key="one") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await intents(person.world)) == 1


async def test_the_body_counts_not_its_spelling(person: Person, view: str) -> None:
    path = f"/v1/ads/views/{view}/failed"

    async def sent(body: bytes) -> httpx.Response:
        headers = person.headers | {"Idempotency-Key": "one", "Content-Type": "application/json"}
        return await person.world.http.post(path, content=body, headers=headers)

    first = await sent(b'{"cause":"NO_FILL"}')
    again = await sent(b' { "cause" :\n"NO_F\\u0049LL" } ')
    assert first.status_code == again.status_code == 202
    assert first.json()["id"] == again.json()["id"]
    problem_of(await sent(b'{"cause":"NO_FILM"}'), 422, "idempotency-key-reused")
    problem_of(await sent(b""), 422, "idempotency-key-reused")
    assert len(await intents(person.world)) == 2


@pytest.mark.parametrize(
    "prefer", ["wait=10", "respond-async, wait=10", "wait=10;x=1", "wait=99", "WAIT=10",
               'wait="10"', 'handling=lenient, Wait = "10" ;x']
)  # fmt: skip
async def test_prefer_wait_answers_with_the_outcome(person: Person, prefer: str) -> None:
    """A worker applies it meanwhile; the answer comes at once, not when the time is up."""
    loop = asyncio.get_running_loop()
    begins = loop.time()
    answer, _ = await asyncio.gather(
        person.post(START_ROUTE, Prefer=prefer), apply_when_recorded(person.world)
    )
    assert loop.time() - begins < 9
    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == "wait=10"
    assert answer.json()["status"] == "APPLIED"
    seen = await person.get(answer.headers["Location"])
    assert seen.json() == answer.json()


async def test_when_nobody_applies_it_in_time_the_answer_is_202(person: Person) -> None:
    loop = asyncio.get_running_loop()
    begins = loop.time()
    answer = await person.post(START_ROUTE, Prefer="wait=1")
    assert loop.time() - begins >= 1
    assert (answer.status_code, answer.json()["status"]) == (202, "RECORDED")
    assert answer.headers["Preference-Applied"] == "wait=1"


async def test_no_other_preference_makes_it_wait(person: Person) -> None:
    for prefer in (
        *("wait=0", "wait=000000", "wait=-1", "wait=x", "wait=", "wait", "await=5", "wait=5s"),
        *("wait=1.5", "wait=9999999999", 'wait="5', "respond-async", "", ";;,,", "x" * 5000),
    ):
        answer = await person.post(START_ROUTE, Prefer=prefer)
        assert answer.status_code == 202, prefer
        assert "Preference-Applied" not in answer.headers, prefer


async def test_where_it_came_from_is_recorded(person: Person) -> None:
    agent = "Phone/1.0 ü" + "x" * 1000
    raw = [(n.encode(), v.encode()) for n, v in person.headers.items()]
    raw += [(b"user-agent", agent.encode("latin-1")), (b"idempotency-key", b"one")]
    answer = await person.world.http.post(START_ROUTE, headers=raw)
    assert answer.status_code == 202
    recorded = await person.world.rows("""
        SELECT evidence ->> 'ip' AS ip, evidence ->> 'user_agent' AS agent FROM intents
        WHERE origin LIKE 'user:%'
    """)
    assert [(row.ip, row.agent) for row in recorded] == [("127.0.0.1", agent[:500])]
    await person.outcome(answer)
    logged = await person.world.rows("SELECT ip_address, user_agent FROM activity_logs")
    assert {(row.ip_address, row.user_agent) for row in logged} == {("127.0.0.1", agent[:500])}


async def test_an_intent_is_found_by_its_own_id_only(person: Person) -> None:
    found = await person.post(START_ROUTE)
    assert (await person.get(f"/v1/intents/{found.json()['id'].upper()}")).status_code == 202
    problem_of(await person.get(f"/v1/intents/{uuid4()}"), 404, "not-found")
    problem_of(await person.world.http.get(found.headers["Location"]), 401, "unauthorized")


async def test_a_disabled_members_wish_is_refused_by_the_rules(person: Person) -> None:
    await person.world.rows("UPDATE users SET is_active = false")
    refused = await person.start()
    assert (refused["status"], refused["problem"]["reason"]) == ("REJECTED", "ACCOUNT_DISABLED")
