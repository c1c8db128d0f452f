"""Figures, log lines and signs of life, of the product on a frozen clock."""

import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from models.base.db import connected, run, sql
from models.operations.gauges import read_state
from runtime.clock import utcnow
from runtime.environment import TelemetryConfig
from runtime.telemetry.context import about
from runtime.telemetry.logs import JsonLines, TextLines, without_persons
from runtime.telemetry.meter import meter
from runtime.telemetry.metrics import (
    DEAD_LETTERS,
    HTTP_SECONDS,
    INTENT_AGE,
    INTENTS_DONE,
    INTENTS_RECORDED,
    LEDGER_COINS,
    LEDGER_TRANSFERS,
    QUEUE_BELLS,
    QUEUE_OLDEST,
    QUEUE_UNDONE,
    TICK_LAG,
    TICKS_MISSED,
)
from tests.kit.telemetry import Since
from tests.kit.words import at
from tests.kit.world import World

TOKEN = "a-token-for-prometheus"

BREAK = "ALTER TABLE mining_sessions ADD CONSTRAINT ann CHECK (reward_micro < 0) NOT VALID"
MEND = "ALTER TABLE mining_sessions DROP CONSTRAINT ann"


@asynccontextmanager
async def broken(world: World) -> AsyncIterator[None]:
    """No session can be stored meanwhile."""
    async with connected(world.database) as connection:
        await run(connection, sql(BREAK))
    try:
        yield
    finally:
        async with connected(world.database) as connection:
            await run(connection, sql(MEND))


async def test_the_figures_are_for_whoever_has_the_token(world: World) -> None:
    assert (await world.http.get("/metrics")).status_code == 404
    telemetry = TelemetryConfig(metrics_token=TOKEN)
    config = replace(world.services.config, telemetry=telemetry)
    world.app.state.services = replace(world.services, config=config)
    for wrong in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}):
        assert (await world.http.get("/metrics", headers=wrong)).status_code == 401
    answer = await world.http.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    line = 'twtc_http_request_duration_seconds_count{method="GET",route="/metrics",status="404"}'
    assert any(found.startswith(line) for found in answer.text.splitlines())


async def test_requests_are_counted_by_template_and_made_up_paths_as_one(world: World) -> None:
    person = await world.person()
    since = Since()
    for _ in range(2):
        await person.get("/v1/intents/00000000-0000-7000-8000-000000000000")
        await world.http.get(f"/{utcnow().timestamp()}")
        await world.http.request("BREW", "/v1/wallet")
    template = "/v1/intents/{intent_id}"
    assert since.observed(HTTP_SECONDS, template, "GET", "404") == 2
    assert since.observed(HTTP_SECONDS, "unknown", "any", "404") == 2
    assert since.observed(HTTP_SECONDS, "unknown", "any", "405") == 2


async def test_intents_ticks_and_coins_are_accounted_for(world: World) -> None:
    person = await world.person(group_number=1)
    since = Since()
    world.move_to(at("00:05"))
    await person.mine()
    assert (await person.start())["status"] == "REJECTED"
    await world.live_until(at("04:30"))
    assert since.count(INTENTS_RECORDED, "mining.start") == 2
    assert since.count(INTENTS_DONE, "mining.start", "applied") == 1
    assert since.count(INTENTS_DONE, "mining.start", "rejected") == 1
    assert since.observed(INTENT_AGE, "mining.start") == 2
    ticks = since.observed(TICK_LAG, "mining.credit")
    assert ticks == since.count(INTENTS_RECORDED, "mining.credit") > 20
    assert since.count(LEDGER_COINS, "MINING") == 100
    assert since.count(LEDGER_TRANSFERS, "MINING") == 1


async def test_the_clock_tells_how_the_engine_stands(world: World) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    await person.mine()
    await world.go_to(at("00:10"))
    await person.post("/v1/mining/sessions")
    world.move_to(at("00:45"))  # nobody works
    async with connected(world.database) as connection:
        broken = "UPDATE intents SET status = 'FAILED', applied_at = :now, attempts = 5,"
        broken += " outcome = NULL WHERE kind = 'ad.start' AND bucket = :b"
        await run(connection, sql(broken), {"now": utcnow(), "b": person.id % 64})
    await read_state(world.database, world.table, world.config.broker_url, utcnow())
    assert meter.value(QUEUE_UNDONE, "group-01") == 1
    assert meter.value(QUEUE_OLDEST, "group-01") == 35 * 60
    assert meter.value(QUEUE_BELLS, "group-01") >= 1
    assert meter.value(TICKS_MISSED, "1") == 3
    assert meter.value(DEAD_LETTERS) == 1
    await world.go_to(at("00:50"))
    await read_state(world.database, world.table, world.config.broker_url, utcnow())
    assert (meter.value(QUEUE_UNDONE, "group-01"), meter.value(TICKS_MISSED, "1")) == (0, 0)


async def test_a_request_has_a_name_that_goes_with_its_intent(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    await world.go_to(at("00:05"))
    named = await person.post("/v1/mining/sessions", **{"X-Request-Id": "from-a-phone-1"})
    assert named.headers["X-Request-Id"] == "from-a-phone-1"
    trace = "0af7651916cd43dd8448eb211c80319c"
    traced = await person.get("/v1/wallet", traceparent=f"00-{trace}-b7ad6b7169203331-01")
    assert traced.headers["X-Request-Id"] == trace
    forged = await person.get("/v1/wallet", **{"X-Request-Id": "a line\tbreak"})
    assert len(forged.headers["X-Request-Id"]) == 32
    since = Since()
    async with broken(world):
        with caplog.at_level(logging.ERROR):
            await world.drain()
    assert since.count(INTENTS_DONE, "mining.start", "failed") == 1
    [line] = [r for r in caplog.records if "is now RECORDED" in r.getMessage()]
    assert named.json()["id"] in line.getMessage()


async def test_a_failing_intent_is_logged_with_its_ids_and_nothing_of_a_person(
    world: World, capture: list[str]
) -> None:
    person = await world.person(group_number=1)
    await world.go_to(at("00:05"))
    sent = await person.post("/v1/mining/sessions", **{"X-Request-Id": "from-a-phone-2"})
    since = Since()
    async with broken(world):
        await world.drain()
    assert since.count(INTENTS_DONE, "mining.start", "failed") == 1
    [line] = [json.loads(line) for line in capture if "is now RECORDED" in line]
    assert line["intent_id"] == sent.json()["id"]
    assert (line["user_id"], line["request_id"]) == (person.id, "from-a-phone-2")
    assert (line["kind"], line["level"], line["program"]) == ("mining.start", "ERROR", "worker")
    assert "CheckViolationError" in line["error"]


@pytest.fixture
def capture() -> Iterator[list[str]]:
    """Every line, as a worker writes it."""
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler = Kept()
    handler.setFormatter(JsonLines("worker"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lines
    root.setLevel(level)
    root.removeHandler(handler)


@pytest.mark.parametrize(
    "personal",
    [
        "ann.smith+x@mail.example.com",
        "203.0.113.7",
        "2001:db8::7",
        "2001:db8:1:2:3:4:5:6",
        "+49 170 1234567",
        "Bearer abcdefghijklmnop",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    ],
)
def test_what_looks_like_a_person_or_a_token_leaves_no_line(personal: str) -> None:
    text = f"DETAIL: Key (value)=({personal}) exists, at 2026-03-01T00:10:00+00:00 in base/db.py"
    removed = text.replace(personal, "[removed]")
    assert without_persons(text) == removed
    record = logging.LogRecord("x", logging.INFO, "", 0, text, (), None)
    with about(intent_id=7):
        assert json.loads(JsonLines("web").format(record))["message"] == removed
        assert TextLines().format(record) == f"INFO x {removed} intent_id=7"


def test_addresses_of_servers_keep_their_passwords_to_themselves() -> None:
    assert without_persons("redis://:secret@host:1/0") == "redis[removed]host:1/0"


async def test_readiness_says_what_is_amiss(world: World) -> None:
    async def look() -> tuple[int, dict[str, Any]]:
        answer = await world.http.get("/readyz")
        return answer.status_code, answer.json()

    async def change(statement: str) -> None:
        async with connected(world.database) as connection:
            await run(connection, sql(statement))

    whole = {"postgresql": "up", "redis": "up", "migrations": "current", "reasons": []}
    assert await look() == (200, {"status": "ready"} | whole)
    [head] = await world.rows("SELECT version_num FROM alembic_version")
    await change("UPDATE alembic_version SET version_num = '0001'")
    status, body = await look()
    assert (status, body["status"], body["migrations"]) == (503, "unavailable", "behind")
    assert body["reasons"] == ["the database is behind this release: run `twtc release`"]
    await change("UPDATE alembic_version SET version_num = 'of-the-next-release'")
    assert (await look())[1] == {"status": "ready"} | whole | {"migrations": "ahead"}
    await change(f"UPDATE alembic_version SET version_num = '{head.version_num}'")
    name = world.config.database_url.rpartition("/")[2]
    await change(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await world.services.database.dispose()
    status, body = await look()
    assert (status, body["status"]) == (503, "unavailable")
    assert "does not take writes" in body["reasons"][0]
    await change(f"ALTER DATABASE {name} RESET default_transaction_read_only")


async def test_a_request_that_changes_something_leaves_a_line(
    world: World, capture: list[str]
) -> None:
    person = await world.person(group_number=1)
    await world.go_to(at("00:05"))
    sent = await person.post("/v1/mining/sessions", **{"X-Request-Id": "from-a-phone-3"})
    [line] = [json.loads(line) for line in capture if "from-a-phone-3" in line]
    wanted = {"user_id": person.id, "intent_id": sent.json()["id"], "status": 202}
    assert wanted.items() <= line.items()
    assert line["message"] == "POST /v1/mining/sessions"
    world.move_to(utcnow() + timedelta(hours=1))
    expired = await person.get("/v1/mining/status", Authorization="Bearer nothing")
    assert (expired.status_code, len(expired.headers["X-Request-Id"])) == (401, 32)
