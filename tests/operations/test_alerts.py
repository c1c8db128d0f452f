"""Alerts: counted, opened, told to the channel they belong to, told once, and over."""

import json
import logging
from datetime import timedelta

import pytest
from msgspec.structs import replace

from api.app import create_app
from engine.core.outcome import Rejected
from engine.core.role import Role
from engine.ledger.rights import Use
from engine.operations.alerts import Hour
from models.base.db import (
    DATABASE_ERRORS,
    Database,
    connected,
    open_database,
    run,
    sql,
)
from models.operations.alerts import read_counters
from runtime.clock import utcnow
from runtime.environment import Config
from tests.kit.accounts import auth, signed_up
from tests.kit.adjustments import judge as approve
from tests.kit.adjustments import propose
from tests.kit.alerts import BROKEN, CHECK, NOON, TAKEN, Receivers, count, receivers, suspect, write
from tests.kit.counterpart import counterpart
from tests.kit.ledger import asked_to_send, buy, came_to, credit, enter
from tests.kit.members import elsewhere
from tests.kit.staff import staff
from tests.kit.words import START
from tests.kit.world import World
from workers.alerting.contract import Channels
from workers.alerting.outage import OutageWatch
from workers.alerting.senders import PagerDuty

__all__ = ["receivers"]  # a fixture


async def test_errors_are_told_to_the_pager_once_and_once_when_over(
    world: World, receivers: Receivers
) -> None:
    await count(world, utcnow(), requests=1000, server_errors=11)
    for _ in range(3):
        await world.go_to(utcnow() + CHECK)
    [event] = receivers.events
    assert (event["routing_key"], event["event_action"]) == ("key", "trigger")
    assert event["dedup_key"] == "twtc:errors"
    assert event["payload"]["severity"] == "critical"
    assert event["payload"]["source"] == "twtc"
    assert event["payload"]["summary"] == "11 of 1000 requests were answered with a server error"
    assert event["payload"]["custom_details"] == {"failed": 11, "requests": 1000}
    assert receivers.pager.received[0].path == "/v2/enqueue"
    for _ in range(3):
        await world.go_to(utcnow() + CHECK)
    assert receivers.actions == [("trigger", "twtc:errors"), ("resolve", "twtc:errors")]
    # What comes back is told again.
    await count(world, utcnow(), requests=100, server_errors=50)
    await world.go_to(utcnow() + CHECK)
    assert receivers.actions[2:] == [("trigger", "twtc:errors")]
    assert receivers.lines == []


async def test_a_spike_of_sign_ups_is_a_warning_in_the_chat(
    world: World, receivers: Receivers
) -> None:
    await world.people(49)
    await world.go_to(utcnow() + CHECK)
    assert receivers.lines == []
    await world.person()
    await world.go_to(utcnow() + CHECK)
    await world.go_to(utcnow() + timedelta(hours=1))
    since = "(since 2026-03-01 00:10 UTC)"
    text = "50 registrations within an hour; usual are 0"
    assert receivers.lines == [f"Warning: {text} {since}", f"Over: {text} {since}"]
    assert receivers.events == []


async def test_what_is_usual_at_this_hour_is_no_spike(world: World, receivers: Receivers) -> None:
    for days in range(1, 8):
        await count(world, NOON - timedelta(days=days, minutes=30), failed_sign_ins=100)
        await count(world, NOON - timedelta(days=days, hours=6), failed_sign_ins=10_000)
    await count(world, NOON - timedelta(minutes=60), failed_sign_ins=200)
    await count(world, NOON - timedelta(minutes=5), failed_sign_ins=100)
    world.move_to(NOON)
    hour = (await read_counters(world.database, NOON)).failed_sign_ins
    assert (hour.now, list(hour.before)) == (300, [100] * 7)
    await world.go_to(NOON)
    assert receivers.lines == []
    await count(world, NOON, failed_sign_ins=250)
    await world.go_to(NOON + CHECK)  # 200 of them are more than an hour ago now
    assert [line[:42] for line in receivers.lines] == ["Warning: 350 failed sign-ins within an hou"]


async def test_an_abnormal_withdrawal_is_critical(world: World, receivers: Receivers) -> None:
    user = await world.person()
    one, other = await staff(world, Role.ADMIN), await staff(world, Role.ADMIN)
    for direction, amount in (("CREDIT", "10000"), ("DEBIT", "4000.000001")):
        proposal = (await propose(one, user, direction, amount)).json()
        await approve(other, proposal)
        await world.drain()
    left = await buy(world, user, 5_999_999_999, Use.GOODS, "withdrawal:1")
    assert not isinstance(left, Rejected)
    await world.go_to(utcnow() + CHECK)
    told = dict(zip(receivers.actions, receivers.events, strict=True))
    [credit] = [key for _, key in told if key.startswith("twtc:credit:")]
    assert set(told) == {("trigger", "twtc:withdrawals"), ("trigger", credit)}
    withdrawals = told["trigger", "twtc:withdrawals"]
    assert withdrawals["payload"]["custom_details"] == {"now": 10_000, "usual": 0}


async def test_what_is_sent_is_counted_when_it_leaves_and_apart(world: World) -> None:
    person = await world.person()
    other = await elsewhere(world, person)
    await enter(world, credit(person, 100, "deposit:1", "b:1"))
    outcome = await came_to(world, person, await asked_to_send(world, person, other.id, 60))
    assert outcome["status"] == "APPLIED"
    counters = await read_counters(world.database, utcnow() + CHECK)
    assert counters.sent_micro == Hour(60, [0] * 7)
    assert counters.withdrawn_micro == Hour(0, [0] * 7)


async def test_serious_suspicions_are_told_once_by_type(world: World, receivers: Receivers) -> None:
    person, other = await world.people(2)
    await suspect(world, person, "MULTI_ACCOUNT", "HIGH")
    await suspect(world, other, "MULTI_ACCOUNT", "CRITICAL")
    await suspect(world, other, "SUSPICIOUS_TIMING", "LOW")
    await world.go_to(utcnow() + CHECK)
    await world.go_to(utcnow() + CHECK)
    await suspect(world, person, "IMPOSSIBLE_TRAVEL", "HIGH")
    await world.go_to(utcnow() + CHECK)
    await world.go_to(utcnow() + CHECK)
    assert receivers.lines == [
        "Warning: Suspicious activity: MULTI_ACCOUNT 2 (since 2026-03-01 00:00 UTC)",
        "Warning: Suspicious activity: IMPOSSIBLE_TRAVEL 1 (since 2026-03-01 00:10 UTC)",
    ]
    for request in receivers.chat.received:
        assert str(person.id) not in request.body.decode()
        assert b"192.0.2.7" not in request.body


async def test_a_suspicion_that_is_committed_after_a_check_is_told_by_the_next(
    world: World, receivers: Receivers
) -> None:
    person = await world.person()
    check_at = START + CHECK
    await world.go_to(check_at - timedelta(seconds=1))
    await suspect(world, person, "MULTI_ACCOUNT", "HIGH")
    await world.go_to(check_at)
    began_at = check_at - timedelta(seconds=2)
    await suspect(world, person, "IMPOSSIBLE_TRAVEL", "HIGH", began_at)
    await world.go_to(check_at + CHECK)
    [line] = receivers.lines
    assert "IMPOSSIBLE_TRAVEL 1" in line
    assert "MULTI_ACCOUNT 1" in line


async def test_dead_letters_and_broken_books_are_critical(
    world: World, receivers: Receivers
) -> None:
    person = await world.person()
    dead = "UPDATE intents SET status = 'FAILED', error = 'poison', applied_at = recorded_at"
    await person.post("/v1/mining/sessions")
    await write(world, f"{dead} WHERE status = 'RECORDED'")
    spoil = "UPDATE wallets SET settled_balance = settled_balance + {0}, balance = balance + {0}"
    await write(world, spoil.format(1))
    # The audit comes to the person's bucket within a day.
    await world.live_until(START + timedelta(days=1, minutes=10), timedelta(hours=1))
    [books] = [event for event in receivers.events if event["dedup_key"].startswith("twtc:books")]
    assert "settled balance = sum of the ledger" in books["payload"]["custom_details"]
    assert ("trigger", "twtc:dead-letters") in receivers.actions
    await write(world, spoil.format(-1))
    await write(world, "DELETE FROM intents WHERE status = 'FAILED'")
    await world.live_until(START + timedelta(days=2, minutes=10), timedelta(hours=1))
    assert ("resolve", books["dedup_key"]) in receivers.actions
    assert ("resolve", "twtc:dead-letters") in receivers.actions
    assert len(receivers.actions) == 4


async def test_where_nothing_is_wrong_no_line_says_error(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """As on a first start, when nothing is configured."""
    caplog.set_level(logging.INFO)
    world.shop = replace(world.shop, channels=Channels())
    await world.go_to(START + timedelta(hours=6))
    [told] = [record for record in caplog.records if "Nothing was wrong" in record.getMessage()]
    assert told.levelname == "INFO"
    await count(world, utcnow(), requests=10, server_errors=10)
    await world.go_to(utcnow() + CHECK)
    wrong = [r for r in caplog.records if r.name == "workers.alerting.contract"][1:]
    assert wrong and {record.levelname for record in wrong} == {"ERROR"}


async def test_a_check_that_cannot_read_its_counters_tells_so(
    world: World, receivers: Receivers
) -> None:
    await write(world, "ALTER TABLE request_counts RENAME TO elsewhere")
    await world.go_to(utcnow() + CHECK)
    await write(world, "ALTER TABLE elsewhere RENAME TO request_counts")
    assert receivers.actions == [("trigger", "twtc:database")]
    await world.go_to(utcnow() + CHECK)
    assert receivers.actions[1:] == [("resolve", "twtc:database")]


async def test_requests_are_counted_as_they_are_answered(world: World) -> None:
    await signed_up(world)
    counts = world.services.counts
    counts.now.clear()
    wrong = {"email": "ann@example.com", "password": "not the password"}
    assert (await auth(world, "login", **wrong)).status_code == 401
    assert (await world.http.get("/nowhere")).status_code == 404
    assert (await world.http.get("/v1/me")).status_code == 401
    assert counts.now == {"requests": 3, "failed_sign_ins": 1}
    await counts.add_up(world.database, utcnow())
    await counts.add_up(world.database, utcnow())
    assert counts.now == {}
    kept = await world.rows("SELECT name, value FROM request_counts ORDER BY name")
    assert [(row.name, row.value) for row in kept] == [("failed_sign_ins", 1), ("requests", 3)]


async def test_an_outage_of_the_database_is_counted_and_outlived(
    world: World, receivers: Receivers
) -> None:
    person = await world.person()
    services = world.services
    services.counts.now.clear()
    away = open_database("postgresql://127.0.0.1:1/none", pool_size=1, application_name="away")
    world.app.state.services = replace(services, database=away)
    for _ in range(6):
        answer = await person.post("/v1/mining/sessions")
        assert answer.status_code == 503
    with pytest.raises(DATABASE_ERRORS):
        await services.counts.add_up(away, utcnow())
    world.app.state.services = services
    services.counts.now["requests"] += 1  # meanwhile
    await services.counts.add_up(world.database, utcnow())
    counters = await read_counters(world.database, utcnow())
    assert (counters.requests, counters.server_errors, counters.database_away) == (7, 6, 6)
    await world.go_to(utcnow() + CHECK)
    assert set(receivers.actions) == {("trigger", "twtc:database"), ("trigger", "twtc:errors")}


async def test_while_the_database_is_away_the_clock_tells_the_pager() -> None:
    with counterpart(BROKEN, TAKEN) as pager:
        watch = OutageWatch(PagerDuty(f"{pager.url}/v2/enqueue", "key"))
        for seconds, is_away in ((0, True), (1, False), (10, True), (69, True)):
            await watch.note(START + timedelta(seconds=seconds), is_away=is_away)
        assert pager.received == []  # a restart is no outage
        for seconds, is_away in ((70, True), (71, True), (72, True), (73, False), (74, False)):
            await watch.note(START + timedelta(seconds=seconds), is_away=is_away)
        events = [json.loads(request.body) for request in pager.received]
        actions = [event["event_action"] for event in events]
        assert actions == ["trigger", "trigger", "resolve"]  # the first was refused
        assert {event["dedup_key"] for event in events} == {"twtc:database-away"}


async def test_the_web_process_adds_up_what_is_left_when_it_stops(
    config: Config, database: Database
) -> None:
    app = create_app(config)
    async with app.lifespan():
        app.state.services.counts.now["requests"] += 5
    async with connected(database) as connection:
        assert await run(connection, sql("SELECT 1 FROM request_counts WHERE value = 5")) == 1


async def test_old_counts_and_alerts_are_forgotten(world: World, receivers: Receivers) -> None:
    await count(world, utcnow(), requests=10, server_errors=10)
    await world.go_to(utcnow() + CHECK)
    await world.go_to(START + timedelta(days=9, hours=2))
    assert await world.value("SELECT count(*) FROM request_counts") == 0
    assert await world.value("SELECT count(*) FROM alerts") == 1
    await world.go_to(START + timedelta(days=100, hours=2))
    assert await world.value("SELECT count(*) FROM alerts") == 0
