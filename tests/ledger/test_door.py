"""The door of the ledger: rows, holdings and wallets move together, whoever comes at once."""

import asyncio
import random
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from engine.core.outcome import Rejected
from engine.core.transfer import CORRECTIONS
from engine.ledger.rights import Use, draw
from models.base.db import sql, transaction
from models.intents.bucket import lock_bucket
from models.ledger.fold import fold_all
from models.ledger.post import post, read_holdings
from models.operations.invariants import audit, find_overdue
from runtime.clock import new_id, utcnow
from tests.kit.adjustments import move
from tests.kit.ledger import buy, count, credit, debits, enter, held
from tests.kit.world import Person, World


async def test_a_spending_over_several_fundings_is_several_rows_of_one_reference(
    world: World,
) -> None:
    person = await world.person()
    coins = {"promotion": 50, "unity": 20, "admob": 30}
    await enter(world, *(credit(person, n, f, f"bonus:{f}") for f, n in coins.items()))
    assert not isinstance(await buy(world, person, 60, Use.GOODS), Rejected)
    assert await held(world, person) == {
        "admob": (0, 30),
        "unity": (0, 20),
        "promotion": (40, 50),
    }
    left = await world.rows(
        "SELECT funding, amount, part FROM transactions WHERE reference = 'o:1' ORDER BY part"
    )
    assert [tuple(row) for row in left] == [
        ("admob", 30, 0),
        ("unity", 20, 1),
        ("promotion", 10, 2),
    ]
    with pytest.raises(asyncpg.UniqueViolationError):  # the same leaves once
        await buy(world, person, 30, Use.GOODS)
    with pytest.raises(asyncpg.UniqueViolationError):  # whoever would pay it otherwise, too
        await enter(world, *debits(person, [("promotion", 5)], "o:1"))
    shown = (await person.get("/v1/wallet")).json()
    assert (shown["balance"], shown["total_earned"]) == ("0.000040", "0.000100")
    assert shown["total_withdrawn"] == "0.000060"


async def test_what_a_network_paid_buys_nothing_of_partners(world: World) -> None:
    person = await world.person()
    await enter(world, credit(person, 30, "admob", "bonus:1"), credit(person, 5, "house", "b:2"))
    refusal = await buy(world, person, 6, Use.TRAVEL)
    assert isinstance(refusal, Rejected) and "0.000005 TWTC" in refusal.detail
    assert not isinstance(await buy(world, person, 5, Use.TRAVEL), Rejected)
    assert isinstance(await buy(world, person, 1, Use.WITHDRAWAL, "o:2"), Rejected)


async def test_a_reward_is_paid_once_whatever_funding_the_second_names(world: World) -> None:
    person = await world.person()
    first, second = (credit(person, 5, funding, "bonus:1") for funding in ("unity", "house"))
    with pytest.raises(asyncpg.UniqueViolationError):
        await enter(world, first, second)
    assert await held(world, person) == {}
    await enter(world, first)
    for again in (first, second):
        with pytest.raises(asyncpg.UniqueViolationError):
            await enter(world, again)
    assert await held(world, person) == {"unity": (5, 5)}


async def test_no_funding_gives_more_than_it_holds(world: World) -> None:
    person = await world.person()
    await enter(world, credit(person, 5, "unity", "bonus:1"), credit(person, 9, "house", "b:2"))
    with pytest.raises(asyncpg.CheckViolationError):
        await enter(world, *debits(person, [("unity", 6)], "o:1"))
    with pytest.raises(AssertionError, match="not held"):
        await enter(world, *debits(person, [("meta", 1)], "o:1"))
    assert await held(world, person) == {"unity": (5, 5), "house": (9, 9)}
    assert await world.rows("SELECT FROM transactions WHERE reference = 'o:1'") == []


@pytest.mark.parametrize("seed", range(3))
async def test_rings_of_transfers_never_wait_for_each_other(world: World, seed: int) -> None:
    """Members of a bucket pay and are paid in turn, by many at once, in any order of members."""
    chance = random.Random(seed)
    people = await world.people(4, group_number=1)
    assert len({person.id % 64 for person in people}) == 1
    fundings = ("admob", "unity", "promotion")
    expected = {(p.id, f): 100 for p in people for f in fundings}
    await enter(world, *(credit(p, 100, f, f"first:{p.id}:{f}") for p in people for f in fundings))

    async def turn(number: int) -> None:
        ring = chance.sample(people, len(people))
        moved = [
            transfer
            for place, person in enumerate(ring)
            for transfer in (
                credit(
                    person, chance.randint(1, 9), chance.choice(fundings), f"c:{number}:{place}"
                ),
                *debits(person, [(chance.choice(fundings), 2)], f"d:{number}:{place}"),
            )
        ]
        async with transaction(world.database) as connection:
            await lock_bucket(connection, people[0].id % 64)
            await post(connection, people[0].id % 64, moved, utcnow())
            for person in sorted(people, key=lambda p: p.id):
                await count(connection, person, 2)
        for transfer in moved:
            signed = transfer.amount_micro * (1 if transfer.is_credit else -1)
            expected[transfer.user_id, transfer.funding] += signed

    await asyncio.gather(*(turn(number) for number in range(24)))
    found = await world.rows("SELECT user_id, funding, balance FROM wallet_funds")
    assert {(row.user_id, row.funding): row.balance for row in found} == expected


async def test_corrections_are_promotion_and_take_the_most_restricted(world: World) -> None:
    person = await world.person()
    await enter(world, credit(person, 30_000_000, "unity", "bonus:1"))
    await move(world, person, "10")
    assert await held(world, person) == {
        "unity": (30_000_000, 30_000_000),
        "promotion": (10_000_000, 10_000_000),
    }
    await move(world, person, "35", "DEBIT")
    assert await held(world, person) == {"unity": (0, 0), "promotion": (5_000_000, 5_000_000)}
    shown = (await person.get("/v1/wallet/transactions")).json()["items"]
    taken = [(i["funding"], i["amount"]) for i in shown if i["to_account"] == str(CORRECTIONS)]
    assert sorted(taken) == [("promotion", "5.000000"), ("unity", "30.000000")]
    assert (await person.get("/v1/wallet")).json()["total_earned"] == "5.000000"


# As a worker of the release before moves coins: it knows of no holdings.
OLDER = """
    WITH moved AS (
        UPDATE wallets SET balance = balance + :signed, settled_balance = settled_balance + :signed,
                           total_withdrawn = total_withdrawn + :left
        WHERE bucket = :bucket AND user_id = :user_id AND settled_balance + :signed >= 0
        RETURNING user_id)
    INSERT INTO transactions (bucket, id, user_id, type, from_account, to_account, amount,
                              reference, funding, description, metadata, created_at)
    SELECT :bucket, :id, user_id, CAST(:type AS text), :from, :to, abs(CAST(:signed AS bigint)),
           :reference, :funding, 'Older', '{}', CAST(:now AS timestamptz)
    FROM moved RETURNING id
"""


async def older(world: World, person: Person, signed: int, funding: str, reference: str) -> UUID:
    """A transfer that the release before enters."""
    accounts = ("emission:bonus", f"wallet:{person.id}")
    params: dict[str, Any] = {
        "bucket": person.id % 64,
        "id": new_id(utcnow()),
        "user_id": person.id,
        "signed": signed,
        "left": 0 if signed > 0 else -signed,
        "type": "BONUS" if signed > 0 else "WITHDRAWAL",
        "from": accounts[0] if signed > 0 else accounts[1],
        "to": accounts[1] if signed > 0 else "outside",
        "reference": reference,
        "funding": funding,
        "now": utcnow(),
    }
    async with transaction(world.database) as connection:
        [entered] = await connection.fetch(sql(OLDER).numbered, *sql(OLDER).arguments(params))
        if signed < 0:
            await count(connection, person, -signed)
    entry: UUID = entered.id
    return entry


async def test_what_a_release_before_writes_is_folded_in_once(world: World) -> None:
    person, other = await world.people(2, group_number=1)
    await enter(world, credit(person, 10, "house", "bonus:1"))
    await older(world, person, 20, "admob", "bonus:2")
    await older(world, person, -25, "wallet", "o:1")
    await older(world, other, 7, "adjustment", "bonus:3")
    assert await audit(world.database) == []  # also while it is not in the holdings yet
    assert await held(world, person) == {"house": (10, 10)}
    done = await asyncio.gather(*(fold_all(world.database) for _ in range(3)))
    assert sum(done) == 3
    assert await held(world, person) == {"house": (5, 10), "admob": (0, 20)}
    assert await held(world, other) == {"promotion": (7, 7)}
    assert await audit(world.database) == []
    assert await fold_all(world.database) == 0
    with pytest.raises(asyncpg.UniqueViolationError):  # one release pays what the other paid
        await enter(world, credit(person, 20, "admob", "bonus:2"))
    with pytest.raises(asyncpg.UniqueViolationError):
        await older(world, person, 10, "house", "bonus:1")


async def test_the_clock_folds_in_what_a_release_before_wrote(world: World) -> None:
    person = await world.person()
    await older(world, person, 20, "admob", "bonus:1")
    [behind] = await find_overdue(world.database, utcnow() + timedelta(minutes=16))
    assert behind.invariant == "what a release before wrote is in the holdings in time"
    await world.go_to(utcnow() + timedelta(minutes=15))
    assert await held(world, person) == {"admob": (20, 20)}
    assert await find_overdue(world.database, utcnow() + timedelta(minutes=16)) == []


async def test_who_spends_does_not_wait_for_the_clock(world: World) -> None:
    person = await world.person()
    await enter(world, credit(person, 10, "house", "bonus:1"))
    await older(world, person, 20, "admob", "bonus:2")
    await older(world, person, -5, "wallet", "o:1")
    assert not isinstance(await buy(world, person, 25, Use.GOODS, "o:2"), Rejected)
    assert await held(world, person) == {"house": (0, 10), "admob": (0, 20)}


async def test_one_at_a_time_decides_what_a_wallet_holds(world: World) -> None:
    """Old and new workers, and people who spend, all at once; nobody sees less than nothing."""
    person = await world.person()
    await enter(world, *(credit(person, 40, f, f"b:{f}") for f in ("admob", "unity", "house")))

    async def spends(number: int) -> None:
        assert not isinstance(await buy(world, person, 17, Use.GOODS, f"o:{number}"), Rejected)

    async def writes(number: int) -> None:
        await older(world, person, 5, "admob", f"late:{number}")
        await fold_all(world.database)

    steps = [spends(n) if n % 2 else writes(n) for n in range(20)]
    await asyncio.gather(*steps)
    await fold_all(world.database)
    async with transaction(world.database) as connection:
        bucket = person.id % 64
        left = (await read_holdings(connection, bucket, [person.id]))[person.id]
    settled = await world.value(
        "SELECT settled_balance FROM wallets WHERE user_id = :u", u=person.id
    )
    assert sum(left.values()) == settled == 170 - 17 * 10
    assert draw(left, 1) is None
