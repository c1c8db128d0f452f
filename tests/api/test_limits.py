"""Limits: what is counted for whom, behind which proxies, and what happens without Redis."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.web_base.client_ip import HOPS_MAX, client_ip, networks_of
from engine.admin.configuration import LIMITS
from engine.core.limit import Limit
from engine.core.role import Role
from runtime.clock import utcnow
from runtime.environment import ConfigError, load_config
from runtime.limiter import Count, Limiter
from runtime.proxies import Proxies
from tests.kit.accounts import PASSWORD, auth, forgotten, sent_code, signed_up
from tests.kit.limits import config
from tests.kit.problems import problem_of
from tests.kit.staff import configure, staff
from tests.kit.world import World

__all__ = ["config"]  # a fixture

PROXIES = Proxies("10.0.0.0/8, fd00::/8")


def scope(peer: str | None, *forwarded: str) -> Any:
    """What a server hands over."""
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return {"client": (peer, 1) if peer else None, "headers": headers}


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),  # not by a proxy of ours
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),  # the first is a claim
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1"], "198.51.100.1"),  # two headers are one list
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["198.51.100.1:51034"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1:51034, 10.0.0.2:80"], "198.51.100.1"),
        ("10.0.0.1", ["[2001:db8::7]:443"], "2001:db8::7"),
        ("10.0.0.1", ["[2001:db8::7]"], "2001:db8::7"),
        ("10.0.0.1", ["2001:db8::7"], "2001:db8::7"),
        ("10.0.0.1", ['"198.51.100.1"'], "198.51.100.1"),
        ("10.0.0.1", ['"198.51.100.1:51034"'], "198.51.100.1"),
        ("10.0.0.1", ['1.1.1.1 , "[2001:db8::7]:443"'], "2001:db8::7"),
        ("10.0.0.1", ["[::ffff:198.51.100.1]:443"], "198.51.100.1"),
        ("10.0.0.1", ["[fe80::1%eth0]:443"], "fe80::1"),
        ("10.0.0.1", ["198.51.100.1,, "], "198.51.100.1"),  # empty elements are none
        ("10.0.0.1", ["198.51.100.1", "", ","], "198.51.100.1"),
        ("10.0.0.1", ["not an address"], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1, unknown"], "10.0.0.1"),  # what stands before it is a claim
        ("10.0.0.1", ["1.1.1.1, unknown, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1:"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1:123456"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1:٤٤٣"], "10.0.0.1"),
        ("10.0.0.1", ["[198.51.100.1", '"198.51.100.1'], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("fd00::1", ["2001:db8::7"], "2001:db8::7"),
        (None, ["198.51.100.1"], None),
    ],
)
def test_whose_address_it_is(peer: str | None, forwarded: list[str], expected: str | None) -> None:
    assert client_ip(scope(peer, *forwarded), PROXIES) == expected


def test_only_the_last_hops_are_read() -> None:
    """However long a client's own claim is, and whoever wrote the header."""
    ours = ", ".join(["10.0.0.2"] * (HOPS_MAX - 1))
    assert client_ip(scope("10.0.0.1", f"1.1.1.1, 198.51.100.1, {ours}"), PROXIES) == "198.51.100.1"
    assert client_ip(scope("10.0.0.1", f"198.51.100.1, {ours}, 10.0.0.3"), PROXIES) == "10.0.0.2"
    split = [f"198.51.100.1, {ours}", "10.0.0.3"]
    assert client_ip(scope("10.0.0.1", *split), PROXIES) == "10.0.0.2"
    many = scope("10.0.0.1", *["10.0.0.2," * 20_000] * 3)
    assert client_ip(many, PROXIES) == "10.0.0.2"


def test_what_cannot_be_read_is_one_line(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.web_base.client_ip._unread_until", 0.0)
    for _ in range(5):
        client_ip(scope("10.0.0.1", "unknown"), PROXIES)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "X-Forwarded-For" in caplog.text


def test_nobody_is_trusted_unless_named() -> None:
    assert client_ip(scope("10.0.0.1", "198.51.100.1"), Proxies()) == "10.0.0.1"


def test_an_address_has_its_networks_around_it() -> None:
    assert networks_of("2001:db8:1:203::4") == (
        ("2001:db8:1:203::/64", 1),
        ("2001:db8:1:200::/56", 4),
        ("2001:db8:1::/48", 16),
    )
    assert networks_of("::ffff:198.51.100.7") == networks_of("198.51.100.7")
    assert networks_of("198.51.100.7") == (("198.51.100.7/32", 1), ("198.51.100.0/24", 16))
    assert networks_of(None) == (("unknown", 1),)


@pytest.mark.parametrize("env", [{"TWTC_TRUSTED_PROXIES": "somewhere"}, {"TWTC_LIMITS": "perhaps"}])
def test_a_wrong_setting_is_refused(env: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=next(iter(env))):
        load_config({"DATABASE_URL": "postgresql://x", "REDIS_URL": "redis://x"} | env)


async def ask(world: World, address: str, path: str = "/docs/openapi.json") -> httpx.Response:
    return await world.http.get(path, headers={"X-Forwarded-For": address})


async def test_an_address_has_a_hundred_requests_a_minute(world: World) -> None:
    for left in (99, 98):
        answer = await ask(world, "198.51.100.1")
        assert answer.headers["RateLimit-Policy"] == '"address";q=100;w=60'
        assert answer.headers["RateLimit"].startswith(f'"address";r={left};t=')
    answers = []
    for _ in range(5):  # no more at once than a process takes on
        answers += await asyncio.gather(*(ask(world, "198.51.100.1") for _ in range(22)))
    assert sum(answer.status_code == 200 for answer in answers) == 98
    refused = await ask(world, "198.51.100.1")
    assert refused.status_code == 429
    assert refused.json()["type"] == "urn:twtc:problem:rate-limited"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert (await ask(world, "198.51.100.2")).status_code == 200
    assert (await ask(world, "198.51.100.1", "/healthz")).status_code == 200
    world.move_to(utcnow() + timedelta(seconds=61))
    assert (await ask(world, "198.51.100.1")).status_code == 200


async def test_a_forged_header_is_no_way_around(world: World) -> None:
    for n in range(101):
        answer = await ask(world, f"203.0.113.{n}, 198.51.100.1")
    assert answer.status_code == 429


async def test_an_address_registers_three_accounts_an_hour(world: World) -> None:
    for n in range(3):
        await signed_up(world, f"ann{n}@example.com")
    body = {"email": "ann3@example.com", "password": PASSWORD}
    assert (await auth(world, "register", **body)).status_code == 429
    world.move_to(utcnow() + timedelta(minutes=61))
    assert (await auth(world, "register", **body)).status_code == 202


@pytest.mark.parametrize(
    ("addresses", "allowed"),
    [
        ([f"2001:db8::{n}" for n in range(1, 6)], 3),
        ([f"2001:db8:0:{n}::1" for n in range(20)], 12),
        ([f"2001:db8:0:{n:x}00::1" for n in range(60)], 48),
        ([f"2001:db8:{n}::1" for n in range(60)], 60),
        ([f"198.51.100.{n}" for n in range(60)], 48),
        ([f"198.51.{n}.1" for n in range(60)], 60),
    ],
)
async def test_networks_register_by_rising_quotas(
    world: World, addresses: list[str], allowed: int
) -> None:
    statuses = [
        (
            await world.http.post("/v1/auth/register", json={}, headers={"X-Forwarded-For": each})
        ).status_code
        for each in addresses
    ]
    assert statuses == [400] * allowed + [429] * (len(addresses) - allowed)


async def test_who_is_refused_uses_up_nothing_of_their_neighbours(world: World) -> None:
    for each in ["2001:db8::1"] * 60 + ["2001:db8:0:1::1"] * 3:
        answer = await world.http.post(
            "/v1/auth/register", json={}, headers={"X-Forwarded-For": each}
        )
    assert answer.status_code == 400


async def test_members_behind_one_address_count_by_themselves(world: World) -> None:
    """A carrier puts thousands behind one IPv4 address."""
    there = {"X-Forwarded-For": "198.51.100.1"}
    for member in await world.people(12):
        for _ in range(10):
            assert (await member.get("/v1/wallet", **there)).status_code == 200
            assert (await member.get("/v1/mining/status", **there)).status_code == 200
    assert (await ask(world, "198.51.100.1")).status_code == 200


@pytest.mark.parametrize("path", ["/v1/wallet", "/v1/mining/status", "/v1/events"])
async def test_a_token_that_is_none_is_a_strangers(world: World, path: str) -> None:
    member, there = await world.person(), {"X-Forwarded-For": "198.51.100.1"}
    forged = there | {"Authorization": f"{member.headers['Authorization']}x"}
    statuses = [(await world.http.get(path, headers=forged)).status_code for _ in range(102)]
    assert statuses == [401] * 100 + [429] * 2
    if path != "/v1/events":
        assert (await member.get(path, **there)).status_code == 200


async def test_a_token_is_no_way_around_a_strangers_limits(world: World) -> None:
    """Where nobody is asked for a token, it counts for nothing."""
    member = await world.person()
    for status in [400] * 3 + [429]:
        answer = await world.http.post("/v1/auth/register", json={}, headers=member.headers)
        assert answer.status_code == status


async def test_five_wrong_passwords_close_an_account_for_a_quarter_of_an_hour(
    world: World,
) -> None:
    await signed_up(world)
    wrong = {"email": " ANN@example.com", "password": "not the right one"}
    right = {"email": "ann@example.com", "password": PASSWORD}
    for _ in range(4):
        assert (await auth(world, "login", **wrong)).status_code == 401
    assert (await auth(world, "login", **right)).status_code == 200  # and counts anew
    for _ in range(5):
        assert (await auth(world, "login", **wrong)).status_code == 401
    assert (await auth(world, "login", **right)).status_code == 429
    other = {"email": "bob@example.com", "password": PASSWORD}
    assert (await auth(world, "login", **other)).status_code == 401
    world.move_to(utcnow() + timedelta(minutes=15, seconds=1))
    assert (await auth(world, "login", **right)).status_code == 200


async def test_guesses_for_a_forgotten_password_are_few_whatever_codes_are_sent(
    world: World,
) -> None:
    await signed_up(world)
    for _ in range(5):
        world.move_to(utcnow() + timedelta(minutes=1))
        chosen = {"ticket": await forgotten(world), "password": "another password"}
        wrong = f"{(int(sent_code(world).replace(' ', '')) + 1) % 10**6:06}"
        problem_of(await auth(world, "password/reset", **chosen, code=wrong), 422, "code-wrong")
    right = sent_code(world)
    refused = await auth(world, "password/reset", **chosen, code=right)
    problem_of(refused, 429, "rate-limited")
    asked = await auth(world, "password/forgotten", email="ann@example.com")
    problem_of(asked, 429, "rate-limited")
    assert int(refused.headers["Retry-After"]) > 0


async def test_a_wallet_is_read_ten_times_an_hour_and_by_a_vip_thirty_times(world: World) -> None:
    for person, reads in ((await world.person(), 10), (await staff(world, Role.VIP), 30)):
        for _ in range(reads):
            assert (await person.get("/v1/wallet")).status_code == 200
        assert (await person.get("/v1/wallet")).status_code == 429
        assert (await person.get("/v1/me")).status_code == 200


async def test_a_refused_start_records_nothing(world: World) -> None:
    person = await world.person()
    world.move_to(person.next_opening())
    limit = {"mining": Limit(1, 60)}
    await configure(world, limits=LIMITS | limit)
    world.move_to(utcnow() + timedelta(minutes=6))
    assert (await person.post("/v1/mining/sessions")).status_code == 202
    assert (await person.post("/v1/mining/sessions")).status_code == 429
    assert await world.value("SELECT count(*) FROM intents WHERE kind = 'mining.start'") == 1


async def test_polls_count_in_their_process(world: World, monkeypatch: Any) -> None:
    person = await world.person()
    taken: list[str] = []

    async def take(count: Count) -> None:
        taken.append(count.name)

    monkeypatch.setattr(world.services.limiter, "take", take)
    answers = [await person.get("/v1/mining/status") for _ in range(301)]
    assert [answer.status_code for answer in answers] == [200] * 300 + [429]
    assert answers[-1].headers["Retry-After"] == "60"
    assert taken == []
    world.move_to(utcnow() + timedelta(minutes=1))
    assert (await person.get("/v1/mining/status")).status_code == 200


async def test_without_redis_a_process_counts_alone_and_grants_half(world: World) -> None:
    limiter = Limiter("redis://127.0.0.1:1/0", "test")
    count = Count("address", Limit(10, 60), "198.51.100.1")
    taken = [await limiter.take(count) for _ in range(6)]
    assert [standing.is_allowed for standing in taken] == [True] * 5 + [False]


async def test_two_processes_count_together(world: World) -> None:
    count = Count("address", Limit(2, 60), "198.51.100.1")
    one, two = (Limiter(world.config.redis_url, "test") for _ in range(2))
    taken = [await each.take(count) for each in (one, two, one)]
    assert [standing.is_allowed for standing in taken] == [True, True, False]
    for limiter in (one, two):
        await limiter.aclose()
