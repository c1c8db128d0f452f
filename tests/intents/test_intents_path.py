"""The path of an intent: recorded, rung for, drained once, retried, isolated, revived."""

import asyncio
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from redis import Redis

from engine.core.piece import Piece
from models.base.db import connected, rows, run, sql, transaction
from models.intents.queue import ATTEMPTS_MAX, DEAD_LETTERS, overdue_pieces
from ops.commands.dead_letters import requeue_letter, show_letters
from runtime.broker.bells import QUEUES, Bells, open_broker, queue_name
from runtime.clock import utcnow
from runtime.environment import Config
from tests.kit.words import at
from tests.kit.world import World
from trials.chaos.proxy import Mode, Proxy
from workers.apply import drain


async def recorded_start(world: World) -> Piece:
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    await person.post("/v1/mining/sessions")
    return Piece(1, person.id % 64)


async def test_two_workers_on_one_piece_apply_each_intent_once(world: World) -> None:
    people = await world.people(5, group_number=1)
    world.move_to(at("00:05"))
    for person in people:
        await person.post("/v1/mining/sessions")
    pieces = [Piece(1, person.id % 64) for person in people]
    done = await asyncio.gather(*(drain(world.shop, piece) for piece in pieces * 3))
    assert sum(done) == 5
    assert await world.value("SELECT count(*) FROM mining_sessions") == 5


async def test_a_tick_is_credited_once_however_often_it_is_delivered(world: World) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    await person.mine()
    world.deliveries = 3
    await world.go_to(at("00:20"))
    piece = Piece(1, person.id % 64)
    await asyncio.gather(*(drain(world.shop, piece) for _ in range(6)))
    assert await person.balance() == "5.833333"  # 14 of 240 minutes


async def test_ticks_out_of_order_are_caught_up_or_ignored(world: World) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    await person.mine()
    world.move_to(at("00:40"))
    for minute in (30, 10, 40, 20):
        await world.tick(person.id % 64, at(f"00:{minute}"))
    assert await person.balance() == "14.166666"  # 34 of 240 minutes


async def test_a_poison_intent_fails_alone_and_rests_as_a_dead_letter(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    piece = await recorded_start(world)
    neighbour = await _neighbour(world, piece)
    async with connected(world.database) as connection:
        poison = (
            await rows(
                connection, sql("SELECT id FROM intents WHERE user_id = :u"), {"u": neighbour}
            )
        )[0].id
        await run(
            connection,
            sql('UPDATE intents SET payload = \'{"kind": "poison"}\' WHERE id = :id'),
            {"id": poison},
        )
    await drain(world.shop, piece)
    assert await world.value("SELECT count(*) FROM mining_sessions") == 1
    for attempt in range(ATTEMPTS_MAX - 1):  # for an hour it might have been a newer release's
        world.move_to(at("01:05") + timedelta(minutes=attempt))
        await drain(world.shop, piece)
    [dead] = await world.rows(DEAD_LETTERS)
    assert await show_letters(world.config) == 0
    assert f"{piece.bucket}/{poison}" in capsys.readouterr().out
    assert (dead.id, dead.attempts) == (poison, ATTEMPTS_MAX)
    assert "ValidationError" in dead.error
    await drain(world.shop, piece)
    assert (await world.rows(DEAD_LETTERS))[0].attempts == ATTEMPTS_MAX

    async with connected(world.database) as connection:  # somebody mends it and presses twice
        await run(
            connection,
            sql('UPDATE intents SET payload = \'{"kind": "mining.start"}\' WHERE id = :id'),
            {"id": poison},
        )
    world.move_to(at("01:20"))
    assert await requeue_letter(world.config, piece.bucket, poison) == 0
    assert await requeue_letter(world.config, piece.bucket, poison) == 1
    trail = "SELECT reason FROM admin_log WHERE action = 'letter.requeue'"
    assert [row.reason for row in await world.rows(trail)] == ["twtc dead-letters"]
    await world.drain()
    assert await world.value("SELECT count(*) FROM mining_sessions") == 2


async def test_a_later_intent_waits_for_an_earlier_one_that_is_tried_again(world: World) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    ad = (await person.start())["result"]["ad"]
    await person.post(f"/v1/ads/views/{ad['view_id']}/started")
    piece = Piece(1, person.id % 64)
    async with connected(world.database) as connection:
        poison = 'UPDATE intents SET payload = payload || \'{"kind": "poison"}\''
        await run(connection, sql(f"{poison} WHERE kind = 'ad.start'"))
    for _ in range(3):
        world.move_to(utcnow() + timedelta(seconds=20))
        await drain(world.shop, piece)
    async with connected(world.database) as connection:
        mended = 'UPDATE intents SET payload = payload || \'{"kind": "ad.start"}\''
        await run(connection, sql(f"{mended} WHERE kind = 'ad.start'"))
        wait = "UPDATE intents SET due_at = :later WHERE status = 'RECORDED'"
        await run(connection, sql(wait), {"later": utcnow() + timedelta(minutes=1)})
    world.move_to(at("00:06:05"))
    completed = await person.post(f"/v1/ads/views/{ad['view_id']}/completed")
    await drain(world.shop, piece)
    assert await world.value("SELECT count(*) FROM intents WHERE status = 'RECORDED'") == 2
    world.move_to(at("00:08"))
    outcome = await person.outcome(completed)
    assert outcome["status"] == "APPLIED"


async def test_a_failure_between_effect_and_commit_leaves_nothing_behind(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    piece = await recorded_start(world)

    async def crash(*args: object) -> None:
        raise ConnectionResetError("the worker dies here")

    with monkeypatch.context() as patched:
        patched.setattr("workers.apply.store_logs", crash)
        with pytest.raises(ConnectionResetError):
            await drain(world.shop, piece)
    assert await world.value("SELECT count(*) FROM mining_sessions") == 0
    assert await world.value("SELECT status FROM intents WHERE user_id IS NOT NULL") == "RECORDED"
    await world.drain()
    assert await world.value("SELECT count(*) FROM mining_sessions") == 1


async def test_the_relay_rings_for_what_nobody_applied_once_a_lease(world: World) -> None:
    piece = await recorded_start(world)
    assert await overdue_pieces(world.database, at("00:05:14")) == []
    both = await asyncio.gather(*(overdue_pieces(world.database, at("00:05:15")) for _ in "ab"))
    assert sorted(both) == [[], [piece]]
    assert await overdue_pieces(world.database, at("00:05:29")) == []
    assert await overdue_pieces(world.database, at("00:05:30")) == [piece]
    await world.drain()
    assert await overdue_pieces(world.database, at("00:06")) == []


async def test_the_relay_neither_waits_nor_rings_for_what_is_being_applied(world: World) -> None:
    piece = await recorded_start(world)
    locked = "SELECT FROM intents WHERE bucket = :bucket AND status = 'RECORDED' FOR UPDATE"
    async with transaction(world.database) as connection:
        await run(connection, sql(locked), {"bucket": piece.bucket})
        async with asyncio.timeout(2):
            assert await overdue_pieces(world.database, at("00:06")) == []


async def test_bells_coalesce_until_a_worker_begins(world: World) -> None:
    bells, piece = world.services.bells, Piece(3, 7)
    assert isinstance(bells, Bells)

    async def waiting() -> int:
        client = bells._broker.client  # type: ignore[attr-defined]
        return int(client.llen(f"dramatiq:{queue_name(3)}"))

    await bells.ring(piece)
    await bells.ring(piece, piece)
    assert await waiting() == 1
    await bells.silence(piece)
    await bells.ring(piece)
    assert await waiting() == 2


async def test_with_redis_away_intents_are_recorded_and_applied(world: World) -> None:
    dead = "redis://127.0.0.1:1/0"
    bells = Bells(open_broker(dead, []), dead)
    await bells.ring(Piece(1, 1))
    await bells.silence(Piece(1, 1))
    await bells.close()
    assert len(QUEUES) == 12


async def test_what_could_not_be_rung_is_rung_with_the_next_bell(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.broker.bells.REST_SECONDS", 0)
    address = urlsplit(config.broker_url)
    assert address.port
    async with Proxy(address.port, seed=1) as proxy:
        url = config.broker_url.replace(f":{address.port}/", f":{proxy.port}/")
        bells = Bells(open_broker(url, []), url)
        proxy.mode = Mode.REFUSE
        await bells.ring(Piece(1, 0), Piece(1, 1))
        proxy.mode = Mode.PASS
        await bells.ring(Piece(2, 2))
        await bells.close()
    with Redis.from_url(config.broker_url) as client:
        rung = [int(client.llen(f"dramatiq:{queue_name(group)}")) for group in (1, 2)]
    assert rung == [2, 1]


async def _neighbour(world: World, piece: Piece) -> int:
    """Somebody of the same piece who asked to mine as well."""
    while True:
        person = await world.person(group_number=1)
        if person.id % 64 == piece.bucket:
            await person.post("/v1/mining/sessions")
            return person.id
