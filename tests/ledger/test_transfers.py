"""Coins from one member to another: whatever dies, repeats or is gone, they are somebody's."""

import asyncio
import random
from collections.abc import Iterator
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Any

import msgspec
import pytest

from engine.core.piece import Piece
from engine.domains import ACTIONS
from engine.fraud.actions import FlagUser
from engine.ledger.actions import ReceiveCoins
from models.base.db import run, sql, transaction
from models.intents import follow_ups, newer
from models.intents.follow_ups import deliver, deliver_overdue
from models.intents.record import Wish, record
from models.operations.invariants import find_overdue
from models.privacy.erasure import close_account, erase_due
from runtime.clock import utcnow
from tests.kit.ledger import asked_to_send, came_to, credit, enter, held
from tests.kit.members import elsewhere
from tests.kit.world import Person, World
from workers import apply
from workers.apply import drain

NOBODY = 64 * 1000 + 5
UNDER_WAY = "SELECT count(*) FROM follow_ups"


async def rich(world: World, person: Person | None = None) -> Person:
    """Somebody with coins of several fundings, of which two may go to other people."""
    person = person or await world.person()
    coins = {"sponsor:1": 50, "deposit:1": 30, "admob": 100}
    await enter(world, *(credit(person, n, f, f"b:{person.id}:{f}") for f, n in coins.items()))
    return person


async def switched(world: World, person: Person, *, is_on: bool) -> None:
    async with transaction(world.database) as connection:
        await run(
            connection,
            sql("UPDATE users SET is_active = :on WHERE bucket = :bucket AND id = :id"),
            {"on": is_on, "bucket": person.id % 64, "id": person.id},
        )


async def balances(world: World, person: Person) -> dict[str, int]:
    """What somebody holds, by funding."""
    return {funding: n for funding, (n, _) in (await held(world, person)).items() if n}


async def delivered_later(world: World) -> None:
    """The relay finds what nobody delivered, and the workers apply it."""
    world.move_to(utcnow() + timedelta(seconds=6))
    while await deliver_overdue(world.database, utcnow()):
        await world.drain()


@pytest.fixture
def undelivered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Workers die when they have committed."""

    async def nothing(*_: object) -> list[Piece]:
        return []

    with monkeypatch.context() as patch:
        patch.setattr(apply, "deliver", nothing)
        yield


async def test_coins_of_two_fundings_arrive_in_another_bucket(world: World) -> None:
    person = await rich(world)
    other = await elsewhere(world, person)
    world.deliveries = 2
    sent = await came_to(world, person, await asked_to_send(world, person, other.id, 60))
    assert sent["result"] == {"to_user_id": other.id, "amount": "0.000060"}
    assert await balances(world, person) == {"sponsor:1": 20, "admob": 100}
    assert await held(world, other) == {"deposit:1": (30, 0), "sponsor:1": (30, 0)}
    mine, theirs = [(await p.get("/v1/wallet")).json() for p in (person, other)]
    shown = [mine[name] for name in ("balance", "total_earned", "total_withdrawn")]
    assert shown == ["0.000120", "0.000180", "0.000000"]
    shown = [theirs[name] for name in ("balance", "total_earned", "spendable")]
    assert shown == ["0.000060", "0.000000", "0.000060"]
    entries = (await other.get("/v1/wallet/transactions")).json()["items"]
    assert {(e["type"], e["from_account"], e["reference"]) for e in entries} == {
        ("TRANSFER", "transit:out", f"xfer:in:{sent['id']}")
    }
    again = await came_to(world, other, await asked_to_send(world, other, person.id, 60))
    assert again["status"] == "APPLIED"  # what was received may be sent on
    assert await balances(world, person) == {"sponsor:1": 50, "deposit:1": 30, "admob": 100}


async def test_what_other_people_may_not_have_is_refused(world: World) -> None:
    person, other = await rich(world), await world.person()
    refused = await came_to(world, person, await asked_to_send(world, person, other.id, 81))
    assert refused["problem"]["reason"] == "NOT_SPENDABLE"
    assert "0.000080 TWTC" in refused["problem"]["detail"]
    own = await came_to(world, person, await asked_to_send(world, person, person.id, 1))
    assert own["problem"]["reason"] == "SENT_TO_SELF"


async def test_who_is_held_by_a_batch_sends_nothing_more_in_it(world: World) -> None:
    person, other = await rich(world), await world.person()
    asked = [await asked_to_send(world, person, other.id, 1)]
    flag = FlagUser(event="SHARED_DEVICE", severity="HIGH", details={})
    await record(world.database, Wish(person.id, flag, "test", "flag", b"", utcnow()))
    world.move_to(utcnow() + timedelta(seconds=2))
    asked.append(await asked_to_send(world, person, other.id, 1))
    done = [await came_to(world, person, one) for one in asked]
    assert [outcome["status"] for outcome in done] == ["APPLIED", "REJECTED"]
    assert "is held" in done[1]["problem"]["detail"]


async def test_whoever_dies_between_recording_and_deleting_delivers_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: Any) -> None:
        raise ConnectionError

    person = await rich(world)
    other = await elsewhere(world, person)
    asked = await asked_to_send(world, person, other.id, 60)
    with monkeypatch.context() as patch:
        patch.setattr(follow_ups, "run", dies)
        await world.drain()
    assert await world.value(UNDER_WAY) == 1
    await world.assert_books_are_right()  # both the row and its intent are there
    await world.drain()
    await world.assert_books_are_right()
    both = (deliver(world.database, person.id % 64, utcnow()) for _ in range(2))
    await asyncio.gather(*both)
    assert (await came_to(world, person, asked))["status"] == "APPLIED"
    assert await balances(world, other) == {"deposit:1": 30, "sponsor:1": 30}
    assert await world.value("SELECT count(*) FROM intents WHERE kind = 'coins.receive'") == 1


async def test_what_is_on_its_way_is_nobodys_and_told_when_it_is_late(
    world: World, undelivered: None
) -> None:
    person = await rich(world)
    other = await elsewhere(world, person)
    await came_to(world, person, await asked_to_send(world, person, other.id, 60))
    assert (await balances(world, other), await world.value(UNDER_WAY)) == ({}, 1)
    await world.assert_books_are_right()
    world.move_to(utcnow() + timedelta(minutes=6))
    [late] = await find_overdue(world.database, utcnow())
    assert late.invariant == "what is for another member arrives in time"
    await deliver_overdue(world.database, utcnow())
    await world.assert_books_are_right()  # recorded, not applied yet
    await world.drain()
    assert await balances(world, other) == {"deposit:1": 30, "sponsor:1": 30}
    late_at = await world.rows(
        "SELECT DISTINCT created_at FROM transactions WHERE user_id = :u AND type = 'TRANSFER'",
        u=other.id,
    )
    sent_at = await world.rows(
        "SELECT DISTINCT created_at FROM transactions WHERE user_id = :u AND type = 'TRANSFER'",
        u=person.id,
    )
    assert [tuple(row) for row in late_at] == [tuple(row) for row in sent_at]


async def test_what_a_disabled_account_cannot_receive_comes_back(world: World) -> None:
    person = await rich(world)
    other = await elsewhere(world, person)
    await switched(world, other, is_on=False)
    world.deliveries = 2
    sent = await came_to(world, person, await asked_to_send(world, person, other.id, 60))
    assert sent["status"] == "APPLIED"
    assert await balances(world, person) == {"sponsor:1": 50, "deposit:1": 30, "admob": 100}
    assert await balances(world, other) == {}
    assert (await person.get("/v1/wallet")).json()["total_earned"] == "0.000180"
    await switched(world, other, is_on=True)
    await came_to(world, person, await asked_to_send(world, person, other.id, 10))
    assert await balances(world, other) == {"deposit:1": 10}


async def test_what_goes_to_an_erased_or_unknown_receiver_comes_back(world: World) -> None:
    person = await rich(world)
    other = await elsewhere(world, person)
    await close_account(world.database, world.shop.copies, other.id, utcnow())
    world.move_to(utcnow() + timedelta(hours=2))
    assert await erase_due(world.database, utcnow()) == 1
    for receiver in (other.id, NOBODY):
        await came_to(world, person, await asked_to_send(world, person, receiver, 60))
        assert await balances(world, person) == {"sponsor:1": 50, "deposit:1": 30, "admob": 100}
    ways = "SELECT split_part(reference, ':', 2) AS way, count(*) FROM transactions"
    ways += " WHERE type = 'TRANSFER' GROUP BY 1 ORDER BY 1"
    assert [tuple(row) for row in await world.rows(ways)] == [("back", 4), ("out", 4)]


async def test_what_comes_back_to_an_erased_sender_is_theirs_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> list[Piece]:
        return []

    person = await rich(world)
    other = await elsewhere(world, person)
    with monkeypatch.context() as patch:
        patch.setattr(apply, "deliver", nothing)
        await came_to(world, person, await asked_to_send(world, person, other.id, 60))
    await switched(world, other, is_on=False)
    await close_account(world.database, world.shop.copies, person.id, utcnow())
    world.move_to(utcnow() + timedelta(hours=2))
    await erase_due(world.database, utcnow())
    await delivered_later(world)
    assert await world.value(UNDER_WAY) == 0
    assert await balances(world, person) == {"sponsor:1": 50, "deposit:1": 30, "admob": 100}


async def test_an_older_worker_leaves_what_it_delivers_to_a_newer_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It records what it does not know, and does not apply it."""
    person = await rich(world)
    other = await elsewhere(world, person)
    known = [kind for kind in ACTIONS if kind is not ReceiveCoins]
    with monkeypatch.context() as older:
        older.setattr(newer, "_actions", msgspec.json.Decoder(reduce(or_, known)))
        await asked_to_send(world, person, other.id, 60)
        for minutes in range(10):
            await drain(world.shop, Piece(person.group_number, person.id % 64))
            await drain(world.shop, Piece(other.group_number, other.id % 64))
            world.move_to(utcnow() + timedelta(minutes=1 + minutes))
            await world.assert_books_are_right()
        assert (await balances(world, other), await world.value(UNDER_WAY)) == ({}, 0)
    await world.drain()
    assert await balances(world, other) == {"deposit:1": 30, "sponsor:1": 30}


async def test_an_older_deliverer_reads_what_a_newer_one_wrote(
    world: World, undelivered: None
) -> None:
    class Older(msgspec.Struct, frozen=True, array_like=True):
        user_id: int
        kind: str
        key: str
        payload: msgspec.Raw

    person = await rich(world)
    other = await elsewhere(world, person)
    sent = await came_to(world, person, await asked_to_send(world, person, other.id, 60))
    [row] = await world.rows("SELECT entries FROM follow_ups")
    [entry] = msgspec.json.decode(row.entries, type=list[Older])
    assert (entry.user_id, entry.key) == (other.id, f"xfer:in:{sent['id']}")
    await delivered_later(world)


@pytest.mark.parametrize("seed", range(3))
async def test_rings_of_members_send_to_each_other_at_once(world: World, seed: int) -> None:
    """Whoever waits for what is on its way is refused; nothing is lost, and nobody waits long."""
    chance = random.Random(seed)
    people = [await rich(world, person) for person in await world.people(4, group_number=1)]
    people += [await rich(world, await elsewhere(world, people[0])) for _ in range(2)]
    pieces = sorted({Piece(p.group_number, p.id % 64) for p in people})
    assert len(pieces) > 1
    for _ in range(3):
        for sender in chance.sample(people, len(people)):
            receiver = chance.choice([p.id for p in people if p is not sender] + [NOBODY])
            await asked_to_send(world, sender, receiver, chance.randint(1, 60))
        await asyncio.gather(*(drain(world.shop, piece) for piece in pieces * 2))
        await asyncio.gather(*(deliver(world.database, p.bucket, utcnow()) for p in pieces * 2))
    await world.drain()
    found = await world.rows(
        "SELECT funding, CAST(sum(balance) AS bigint) AS n FROM wallet_funds GROUP BY 1 ORDER BY 1"
    )
    assert [tuple(row) for row in found] == [
        ("admob", 600),
        ("deposit:1", 180),
        ("sponsor:1", 300),
    ]
    came = await world.rows(
        "SELECT status, count(*) AS n FROM intents WHERE kind = 'coins.send' GROUP BY 1"
    )
    assert sum(row.n for row in came) == 18 and len(came) == 2, came
    assert await world.value(UNDER_WAY) == 0
