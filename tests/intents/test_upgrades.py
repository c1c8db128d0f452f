"""Two releases run side by side while one replaces the other (decision 0041)."""

import asyncio
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

import msgspec
import pytest

from engine.core.errands import TellPhones
from engine.core.piece import Lane, Piece
from models.base.db import connected, run, sql
from models.base.encoding import encode
from models.inbox.pushes import pieces_of_before, take_over_pushes
from models.intents import newer
from models.intents.errands import claim_errands
from runtime.clock import utcnow
from tests.kit.words import at
from tests.kit.world import World
from workers.apply import drain
from workers.domains import CHORES


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


async def test_what_an_older_worker_has_yet_to_tell_phones_is_told_once(world: World) -> None:
    """It says so in the notification, and may be telling one at this moment."""
    person = await world.person()
    now, bucket, told = utcnow(), person.id % 64, bytes(range(32))
    written = """
        INSERT INTO notifications (bucket, id, user_id, kind, params, created_at, push_due_at,
                                   push_attempts, push_told)
        VALUES (:bucket, :id, :user_id, 'mining.completed', '{"amount_micro": 1}', :at, :due_at,
                :attempts, :told)
        RETURNING id
    """
    leased = now + timedelta(minutes=2)
    waiting = [(1, now, 0, None), (2, now, 3, told), (3, leased, 1, None)]
    for number, due_at, attempts, phones in waiting:
        params: dict[str, Any] = {
            "bucket": bucket,
            "id": UUID(int=number),
            "user_id": person.id,
            "at": now,
        }
        params |= {"due_at": due_at, "attempts": attempts, "told": phones}
        await world.rows(written, **params)
    assert await pieces_of_before(world.database, now) == [Piece(Lane.ERRANDS, bucket)]
    both = (take_over_pushes(world.database, bucket, now) for _ in range(2))
    await asyncio.gather(*both)
    assert await pieces_of_before(world.database, now) == []
    _, taken = await claim_errands(world.database, bucket, TellPhones, now, 100)
    note = TellPhones("mining.completed", {"amount_micro": 1})
    first, second = sorted(taken, key=lambda errand: errand.id)
    assert (first.id, first.attempts, first.call) == (UUID(int=1), 1, note)
    assert (second.id, second.attempts) == (UUID(int=2), 4)
    assert second.call == msgspec.structs.replace(note, told=(told.hex(),))
    left = await world.rows("SELECT id FROM notifications WHERE push_due_at IS NOT NULL")
    assert [row.id for row in left] == [UUID(int=3)]
    world.move_to(leased)  # its worker died
    await drain(world.shop, Piece(Lane.ERRANDS, bucket))
    assert await world.value("SELECT count(*) FROM notifications WHERE push_due_at <= :now") == 0
