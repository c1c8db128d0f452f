"""Two releases run side by side while one replaces the other (decision 0041)."""

from datetime import timedelta
from functools import reduce
from operator import or_
from uuid import UUID

import msgspec
import pytest

from engine.core.piece import Piece
from models.base.db import connected, run, sql
from models.base.encoding import encode
from models.intents import newer
from runtime.clock import utcnow
from tests.kit.words import at
from tests.kit.world import World
from workers.apply import drain
from workers.chores import CHORES


async def test_an_older_worker_leaves_what_it_cannot_read_to_a_newer_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.person(group_number=1)
    piece = Piece(1, person.id % 64)
    world.move_to(at("00:05"))
    start = await person.post("/v1/mining/sessions")
    with monkeypatch.context() as older:
        older.setattr(newer, "_actions", msgspec.json.Decoder(reduce(or_, CHORES)))
        for _ in range(10):  # a rolling upgrade that takes its time
            assert await drain(world.shop, piece) == 0
            world.move_to(utcnow() + timedelta(minutes=1))
    assert await world.value("SELECT attempts FROM intents WHERE kind = 'mining.start'") == 1
    outcome = await person.outcome(start)
    assert outcome["status"] == "APPLIED"  # by the time of its recording: the window was open


async def test_a_newer_field_holds_up_its_sender_and_nobody_else(world: World) -> None:
    person, neighbour = await world.people(2, group_number=1)
    piece = Piece(1, person.id % 64)
    assert neighbour.id % 64 == piece.bucket
    world.move_to(at("00:05"))
    start = await person.post("/v1/mining/sessions")
    add = """UPDATE intents SET payload = payload || '{"mood": "sunny"}'
             WHERE kind = 'mining.start'"""
    async with connected(world.database) as connection:
        await run(connection, sql(add))
    world.move_to(at("00:05:01"))
    later = await person.post("/v1/tasks/1/started")
    others = await neighbour.post("/v1/mining/sessions")
    assert await drain(world.shop, piece) == 1
    assert (await neighbour.get(others.headers["Location"])).json()["status"] == "APPLIED"
    for sent in (start, later):
        assert (await person.get(sent.headers["Location"])).status_code == 202

    world.move_to(at("00:06"))
    async with connected(world.database) as connection:  # what a newer worker would read
        await run(connection, sql("UPDATE intents SET payload = payload - 'mood'"))
    assert await drain(world.shop, piece) == 2


async def test_evidence_is_read_however_another_release_wrote_it(world: World) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    started = await person.post("/v1/mining/sessions")
    written = {"ip": "203.0.113.9", "user_agent": "old", "device": None, "mood": "sunny"}
    async with connected(world.database) as connection:
        await run(
            connection,
            sql("UPDATE intents SET evidence = CAST(:written AS jsonb) WHERE user_id IS NOT NULL"),
            {"written": encode(written | {"session": str(UUID(int=7)), "request_id": "r"})},
        )
    assert (await person.outcome(started))["status"] == "APPLIED"
    [logged] = await world.rows(
        "SELECT ip_address, user_agent FROM activity_logs WHERE action = 'MINING_START'"
    )
    assert (logged.ip_address, logged.user_agent) == ("203.0.113.9", "old")


async def test_a_configuration_with_a_newer_setting_is_read_without_it(world: World) -> None:
    newer = """
        INSERT INTO configuration_versions
            (version, settings, changed, author_id, reason, created_at, effective_from)
        SELECT 2, settings || '{"weather": "sunny", "boosts_per_day": 4}', '{}', 1, reason,
               CAST(:now AS timestamptz), CAST(:now AS timestamptz) + interval '1 hour'
        FROM configuration_versions WHERE version = 1
    """
    await world.rows(newer)
    world.shop.configurations.forget()
    found = await world.shop.configurations.at(utcnow() + timedelta(hours=1))
    assert found.boosts_per_day == 4
