"""Reads: wallet, ledger, sessions, notifications, profile, health, and the poll."""

from datetime import timedelta
from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory
from msgspec.structs import replace

from models.base.db import Database, open_database
from runtime.clock import new_id, utcnow
from runtime.environment import Config
from tests.kit.problems import problem_of
from tests.kit.words import at
from tests.kit.world import Person, World, open_world

DEAD_REDIS = "redis://127.0.0.1:1/0"


async def pay(person: Person, times: int, amount: int = 1_500_000) -> list[str]:
    """Transfers to a person, three at each instant. Return their ids, oldest first."""
    world, ids = person.world, []
    for number in range(times):
        made_at = utcnow() + timedelta(seconds=number // 3)
        made = new_id(made_at)
        await world.rows(
            """WITH paid AS (
                   UPDATE wallets SET settled_balance = settled_balance + :a,
                                      balance = balance + :a, updated_at = :at
                   WHERE bucket = :b AND user_id = :u)
               INSERT INTO transactions (bucket, id, user_id, type, from_account, to_account,
                                         amount, reference, funding, description, metadata,
                                         created_at)
               VALUES (:b, :id, :u, 'BONUS', 'emission:bonus', :account, :a,
                       :reference, 'house', 'Bonus', '{"n": 1}', :at)""",
            a=amount,
            at=made_at,
            b=person.id % 64,
            u=person.id,
            id=made,
            account=f"wallet:{person.id}",
            reference=f"bonus:{made}",
        )
        ids.append((made_at, made))
    return [str(made) for _, made in sorted(ids)]


async def page(person: Person, path: str, limit: int, cursor: str | None) -> dict[str, Any]:
    """One page of a list."""
    answer = await person.get(f"{path}?limit={limit}" + (f"&cursor={cursor}" if cursor else ""))
    assert answer.status_code == 200, answer.text
    assert "private" in answer.headers["Cache-Control"]
    found: dict[str, Any] = answer.json()
    assert len(found["items"]) <= limit
    return found


@pytest.mark.parametrize("limit", [1, 4, 10, 20, 100])
async def test_pages_neither_skip_nor_repeat_while_rows_arrive(world: World, limit: int) -> None:
    person, other = await world.people(2)
    await pay(other, 2)
    world.move_to(at("00:01"))
    expected = (await pay(person, 20))[::-1]
    seen: list[str] = []
    cursor = None
    for _ in range(25):
        found = await page(person, "/v1/wallet/transactions", limit, cursor)
        seen += [item["id"] for item in found["items"]]
        cursor = found["next_cursor"]
        if cursor is None:
            break
        world.move_to(utcnow() + timedelta(minutes=1))
        await pay(person, 1)
    assert cursor is None
    assert seen == expected


async def test_a_transfer_shows_what_the_ledger_holds(world: World) -> None:
    person = await world.person()
    [transfer] = await pay(person, 1, amount=1)
    [item] = (await page(person, "/v1/wallet/transactions", 20, None))["items"]
    assert item == {
        "id": transfer,
        "type": "BONUS",
        "from_account": "emission:bonus",
        "to_account": f"wallet:{person.id}",
        "amount": "0.000001",
        "reference": f"bonus:{transfer}",
        "funding": "house",
        "description": "Bonus",
        "metadata": {"n": 1},
        "created_at": "2026-03-01T00:00:00Z",
    }


async def test_the_wallet_tells_what_is_settled_from_what_was_earned(world: World) -> None:
    person = await world.person(group_number=1)
    empty = {
        "balance": "0.000000",
        "settled_balance": "0.000000",
        "total_earned": "0.000000",
        "total_withdrawn": "0.000000",
        "updated_at": "2026-03-01T00:00:00Z",
        "spendable": "0.000000",
        "proof": {
            "is_proven": False,
            "daily_limit": "100.000000",
            "missing": ["DAYS", "PHONE"],
            "days": 0,
            "days_needed": 14,
        },
    }
    assert (await person.get("/v1/wallet")).json() == empty
    await world.go_to(at("00:09"))
    await person.mine()
    await world.go_to(at("00:20"))
    earned = (await person.get("/v1/wallet")).json()
    assert (earned["balance"], earned["settled_balance"]) == ("4.166666", "0.000000")
    assert earned["spendable"] == "0.000000"
    assert earned["updated_at"] == "2026-03-01T00:20:00Z"
    await world.live_until(at("04:20"))
    settled = (await person.get("/v1/wallet")).json()
    assert settled["balance"] == settled["settled_balance"] == "100.000000"
    assert settled["total_earned"] == settled["spendable"] == "100.000000"


async def test_sessions_and_notifications_are_ones_own_newest_first(world: World) -> None:
    person, other = await world.people(2, group_number=1)
    for opens in ("00:05", "04:15", "08:20"):
        await world.go_to(at(opens))
        assert (await person.mine())["status"] == "APPLIED"
        await world.live_until(at(opens) + timedelta(hours=4, minutes=1))
    for path, time in (
        ("/v1/mining/sessions", "requested_at"),
        ("/v1/notifications", "created_at"),
    ):
        first = await page(person, path, 2, None)
        second = await page(person, path, 2, first["next_cursor"])
        items = first["items"] + second["items"]
        assert second["next_cursor"] is None
        assert len({item["id"] for item in items}) == 3
        assert [item[time] for item in items] == sorted((i[time] for i in items), reverse=True)
        assert await page(other, path, 2, None) == {"items": [], "next_cursor": None}
    sessions = (await page(person, "/v1/mining/sessions", 3, None))["items"]
    assert {(s["status"], s["reward"]) for s in sessions} == {("COMPLETED", "100.000000")}
    assert sessions[-1]["requested_at"] == "2026-03-01T00:05:00Z"
    notes = (await page(person, "/v1/notifications", 3, None))["items"]
    assert {(n["kind"], n["read_at"]) for n in notes} == {("mining.completed", None)}


@pytest.mark.parametrize(
    ("group", "schedule"),
    [
        (1, ["00:00:00", "04:00:00", "08:00:00", "12:00:00", "16:00:00", "20:00:00"]),
        (3, ["00:48:00", "04:48:00", "08:48:00", "12:48:00", "16:48:00", "20:48:00"]),
        (10, ["03:36:00", "07:36:00", "11:36:00", "15:36:00", "19:36:00", "23:36:00"]),
    ],
)
async def test_the_profile_names_the_hours(world: World, group: int, schedule: list[str]) -> None:
    person = await world.person(group_number=group)
    me = (await person.get("/v1/me")).json()
    assert me["id"] == person.id
    assert (me["group_number"], me["mining_schedule"]) == (group, schedule)
    assert me["created_at"] == "2026-03-01T00:00:00Z"


async def test_health_and_readiness(world: World) -> None:
    assert (await world.http.get("/healthz")).json()["status"] == "ok"
    ready = await world.http.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")


async def test_without_postgresql_the_answer_is_to_try_again(world: World) -> None:
    person = await world.person(group_number=1)
    alive = world.services
    dead = open_database("postgresql://x@127.0.0.1:1/x", pool_size=1, application_name="dead")
    world.app.state.services = replace(alive, database=dead)
    await alive.redis.flushdb()
    ready = await world.http.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "unavailable")
    assert (await world.http.get("/healthz")).status_code == 200
    for answer in (
        await person.post("/v1/mining/sessions", key="again"),
        await person.get("/v1/mining/status"),
        await person.get("/v1/wallet"),
        await world.http.post(
            "/v1/auth/login", json={"email": "a@b.example", "password": "12345678"}
        ),
    ):
        problem_of(answer, 503, "unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    world.app.state.services = alive
    assert (await person.start(key="again"))["status"] == "APPLIED"


async def test_without_redis_the_service_is_slower_not_wrong(
    clock: FrozenDateTimeFactory, config: Config, database: Database
) -> None:
    dead = replace(config, redis_url=DEAD_REDIS, broker_url=DEAD_REDIS)
    async with open_world(dead, database, clock) as world:
        ready = await world.http.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        person = await world.person()
        await world.go_to(person.next_opening())
        assert (await person.status())["can_start"] is True
        assert (await person.mine())["status"] == "APPLIED"
        assert (await person.status())["session"]["status"] == "ACTIVE"
        await world.live_until(utcnow() + timedelta(hours=4), timedelta(hours=1))
        assert (await person.status())["balance"] == "100.000000"
        assert await person.balance() == "100.000000"
        await world.assert_books_are_right()
