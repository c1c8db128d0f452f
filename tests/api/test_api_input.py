"""Bad input of every kind: a problem with a stable type, never a 500, nothing half-written."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.web_base.tokens import ACCESS_TYPE, AUDIENCE, ISSUER, TICKET_TYPE
from engine.core.timeline import micros
from runtime.clock import utcnow
from tests.kit.intents import INTENT_ROUTES, START_ROUTE, counts
from tests.kit.problems import problem_of
from tests.kit.words import at
from tests.kit.world import Person, World

JSON = {"Content-Type": "application/json"}
AUTH_ROUTES = [f"/v1/auth/{name}" for name in ("register", "login", "refresh", "logout")]


@pytest.fixture
async def member(world: World) -> AsyncIterator[tuple[Person, str]]:
    """A member with an ad to watch; the test may not write anything."""
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    view: str = (await person.start())["result"]["ad"]["view_id"]
    before = await counts(world)
    yield person, view
    assert await counts(world) == before


# Wrong for every body: of no route is any of these a valid one.
BROKEN = {
    "not JSON": b"hello",
    "cut off": b'{"password": "1234',
    "two values": b"{} {}",
    "bad UTF-8": b'{"password": "\xff\xfe\xff\xfe\xff\xfe\xff\xfe"}',
    "bad UTF-8 in a key": b'{"pass\xff": 1}',
    "lone surrogate": b'{"password": "\\ud800aaaaaaaa", "cause": "\\udfff"}',
    "UTF-16": '{"email": "a"}'.encode("utf-16"),
    "a form": b"email=a%40b.example&password=12345678",
    "an array": b"[]",
    "a string": b'"x"',
    "a number": b"1",
    "true": b"true",
    "NaN": b"NaN",
    "a huge integer": b"9" * 5000,
    "an absurd exponent": b'{"password": 1e999999}',
    "unknown field": b'{"email": "a@b.example", "password": "12345678", "surprise": 1}',
    "absurd date": b'{"recorded_at": "99999-99-99T99:99:99Z"}',
    "deep": b"[" * 8000,
    "deep and closed": b'{"a":' * 2000 + b"1" + b"}" * 2000,
    "deep under a known key": b'{"cause":' + b"[" * 5000 + b"]" * 5000 + b"}",
}


async def test_no_route_accepts_a_broken_body(member: tuple[Person, str]) -> None:
    person, view = member
    for name, body in BROKEN.items():
        for number, route in enumerate([*AUTH_ROUTES, *INTENT_ROUTES]):
            headers = person.headers | JSON | {"Idempotency-Key": f"broken-{number}"}
            answer = await person.world.http.post(
                route.format(view=view), content=body, headers=headers
            )
            assert answer.status_code == 400, (name, route)
            problem_of(answer, 400, "bad-request")


async def test_a_body_of_more_than_16_kib_is_too_large(member: tuple[Person, str]) -> None:
    person, view = member

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * 1024

    for route in [*AUTH_ROUTES, *INTENT_ROUTES, "/v1/ads/callbacks/house"]:
        for content in (b" " * (16 * 1024 + 1), chunks()):
            headers = person.headers | JSON | {"Idempotency-Key": "large"}
            answer = await person.world.http.post(
                route.format(view=view), content=content, headers=headers
            )
            problem_of(answer, 413, "body-too-large")


GOOD = {"email": "good@b.example", "password": "12345678"}
WRONG_CREDENTIALS: list[Any] = [
    {},
    GOOD | {"email": None},
    GOOD | {"phone": "+4915112345678"},
    GOOD | {"password": None},
    GOOD | {"password": 12345678},
    GOOD | {"password": ["12345678"]},
    GOOD | {"email": 10**400},
    *(
        GOOD | {"email": email}
        for email in (
            "", "a@b", "a b@c.example", "a@b@c.example", "@b.example", "a@.example", "a@b.",
            "a\x00b@c.example", "a@b.exa\x00mple", "a\n@b.example", "x" * 65 + "@b.example",
            "a@" + "b" * 250 + ".example", "a@b..example",
        )
    ),
    *(
        {"password": "12345678", "phone": phone}
        for phone in (
            "123456789", "+0123456789", "+12345", "+1234567890123456", "+49151\x00123456",
            "+49 151 abc", "++4915112345678", "+1٢٣٤٥٦٧٨٩",
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize("route", ["register", "login"])
async def test_wrong_credentials_are_refused_before_anything_is_written(
    member: tuple[Person, str], route: str
) -> None:
    for body in WRONG_CREDENTIALS:
        answer = await member[0].world.http.post(f"/v1/auth/{route}", json=body)
        assert answer.status_code == 400, (body, answer.text)
        problem_of(answer, 400, "bad-request")


async def test_a_cause_is_1_to_100_visible_characters(member: tuple[Person, str]) -> None:
    person, view = member
    causes: list[Any] = ["", "x" * 101, "a\x00b", "ä", "line\n", 5, None, ["x"]]
    for cause in causes:
        answer = await person.post(f"/v1/ads/views/{view}/failed", {"cause": cause})
        assert answer.status_code == 400, repr(cause)
        problem_of(answer, 400, "bad-request")


async def test_what_the_content_type_says_does_not_break_anything(
    member: tuple[Person, str],
) -> None:
    person, view = member
    kinds = ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "\xff",
             "multipart/form-data; boundary=x", "application/msgpack", "application/xml; q=\"",
             "application/json; charset=utf-7", "////"]  # fmt: skip
    for route in [*AUTH_ROUTES, *INTENT_ROUTES]:
        for number, kind in enumerate(kinds):
            headers = {"Idempotency-Key": f"kind-{number}"} | person.headers
            raw = [(name.encode(), value.encode()) for name, value in headers.items()]
            raw.append((b"content-type", kind.encode("latin-1")))
            answer = await person.world.http.post(
                route.format(view=view), content=b'{"surprise": 1}', headers=raw
            )
            assert answer.status_code in (400, 415), (route, kind, answer.text)
            problem_of(answer, answer.status_code)


async def test_what_is_not_there_or_not_allowed_is_a_problem(member: tuple[Person, str]) -> None:
    person, view = member
    for path in ("/v1/nothing", "/nothing", "/v1/intents/x", "/v1/intents/%00", "/v1/intents/%ff",
                 "/v1/intents/00000000-0000-7000-8000-00000000000g", "/v1/ads/callbacks/nobody",
                 "/v1/intents/" + "9" * 5000, "/v1/../../etc/passwd"):  # fmt: skip
        problem_of(await person.get(path), 404, "not-found")
    for path in ("/v1/ads/views/x/started", f"/v1/ads/views/{view}/stolen"):
        problem_of(await person.post(path, {}), 404, "not-found")
    for method, path in (("GET", AUTH_ROUTES[0]), ("DELETE", "/v1/wallet"), ("PUT", START_ROUTE),
                         ("PATCH", "/v1/wallet"), ("POST", "/healthz")):  # fmt: skip
        answer = await person.world.http.request(method, path, headers=person.headers)
        problem_of(answer, 405, "method-not-allowed")
        assert answer.headers["Allow"]


LISTS = ["/v1/wallet/transactions", "/v1/mining/sessions", "/v1/notifications"]


@pytest.mark.parametrize("path", LISTS)
async def test_limits_and_cursors_are_checked(member: tuple[Person, str], path: str) -> None:
    for limit in ("0", "-1", "101", "x", "", "1.5", "9" * 400, "%00", "NaN"):
        problem_of(await member[0].get(f"{path}?limit={limit}"), 400, "bad-request")
    for cursor in ("", "x", "%00", "%ff", "ä", "AAAA", "_" * 32, "A" * 31, "A" * 5000, "-" * 32):
        problem_of(await member[0].get(f"{path}?cursor={cursor}"), 400, "bad-request")
    assert (await member[0].get(f"{path}?cursor={'A' * 32}")).json()["items"] == []


def bad_tokens(secret: bytes, user_id: int) -> Iterator[tuple[str, str]]:
    """Authorization headers that prove nothing, by what is wrong with them (RFC 8725)."""
    now = micros(utcnow()) // 10**6
    good: dict[str, Any] = {"iss": ISSUER, "aud": AUDIENCE, "sub": str(user_id), "iat": now}
    good |= {"exp": now + 60, "sid": str(UUID(int=1)), "auth_time": now}
    typ = {"typ": ACCESS_TYPE}

    def made(
        claims: dict[str, Any], key: bytes = secret, algorithm: str = "HS256", **header: Any
    ) -> str:
        return "Bearer " + jwt.encode(claims, key, algorithm, headers=typ | header)

    valid = made(good)
    yield "nothing", ""
    yield "no scheme", valid.removeprefix("Bearer ")
    yield "another scheme", valid.replace("Bearer", "Basic")
    yield "no token", "Bearer "
    yield "garbage", "Bearer a.b.c"
    yield "four parts", valid + ".x"
    yield "signature cut off", valid[:-1]
    yield "no signature", valid.rpartition(".")[0] + "."
    yield "expired now", made(good | {"exp": now})
    yield "expired long ago", made(good | {"exp": -(10**30)})
    yield "another secret", made(good, b"another-secret-of-at-least-thirty-two-bytes")
    yield "alg none", "Bearer " + jwt.encode(good, None, "none", headers=typ)  # type: ignore[arg-type]
    yield "alg HS512", made(good, b"%b" % secret.ljust(64, b"\0"), "HS512")
    yield "alg HS384", made(good, secret.ljust(48, b"\0"), "HS384")
    yield "wrong type", made(good, typ="JWT")
    yield "a ticket", made(good, typ=TICKET_TYPE)
    for claim in good:
        yield f"no {claim}", made({k: v for k, v in good.items() if k != claim})
    wrong: dict[str, list[Any]] = {
        "iss": ["other", ""],
        "aud": ["other", "", [], None],
        "sub": ["x", "", "-1", "0", str(2**63), "9" * 30, "9" * 5000, "1.5"],
        "exp": ["soon", None, [], float("inf"), float("nan")],
        "sid": ["", "x", 7, None],
        "auth_time": ["soon", None, [], 10**30],
    }
    for claim, values in wrong.items():
        for value in values:
            shown = str(value)[:20]
            yield f"{claim} {shown}", made(good | {claim: value})


async def test_only_a_valid_token_signs_a_request(member: tuple[Person, str]) -> None:
    (person, view), http = member, member[0].world.http
    reads = ["/v1/me", "/v1/wallet", "/v1/mining/status", "/v1/intents/" + view, *LISTS]
    for what, value in bad_tokens(person.world.config.secret, person.id):
        headers = {"Authorization": value, "Idempotency-Key": "token"}
        for answer in (
            await http.get(reads[len(what) % len(reads)], headers=headers),
            await http.post(INTENT_ROUTES[len(what) % 4].format(view=view), headers=headers),
        ):
            assert answer.status_code == 401, (what, answer.text)
            problem_of(answer, 401, "unauthorized")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_token_is_good_to_the_last_microsecond(member: tuple[Person, str]) -> None:
    world, headers = member[0].world, member[0].headers
    ends = utcnow() + timedelta(minutes=15)
    world.move_to(ends - timedelta(microseconds=1))
    assert (await world.http.get("/v1/me", headers=headers)).status_code == 200
    world.move_to(ends)
    problem_of(await world.http.get("/v1/me", headers=headers), 401, "unauthorized")


async def test_a_token_of_nobody_opens_nothing(member: tuple[Person, str]) -> None:
    nobody = Person(member[0].world, 10**12, 1)
    for path in ("/v1/me", "/v1/wallet", "/v1/mining/status"):
        problem_of(await nobody.get(path), 401, "unauthorized")
    for route in INTENT_ROUTES:
        problem_of(await nobody.post(route.format(view=member[1])), 404, "not-found")


_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_names = st.sampled_from(["email", "phone", "password", "refresh_token", "cause"]) | st.text()
_values = st.recursive(
    _scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(_names, v, max_size=4)
)
_routes = st.sampled_from([*AUTH_ROUTES, *INTENT_ROUTES, "/v1/ads/callbacks/house"])


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(route=_routes, body=st.dictionaries(_names, _values, max_size=4) | _values | st.binary())
async def test_any_body_is_understood_or_refused(world: World, route: str, body: Any) -> None:
    person = await world.person()
    answer = await world.http.post(
        route.format(view=uuid4()),
        content=body if isinstance(body, bytes) else json.dumps(body).encode(),
        headers=person.headers | JSON | {"Idempotency-Key": uuid4().hex},
    )
    assert answer.status_code < 500, (route, body)
    if answer.status_code >= 400:
        problem_of(answer, answer.status_code)
