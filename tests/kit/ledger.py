"""Coins put in and taken out, as workers do it."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import count as counted
from typing import Any
from uuid import UUID

from engine.core.action import Intent
from engine.core.outcome import Rejected
from engine.core.transfer import Account, AccountKind, Transfer, TransferType, emission, wallet
from engine.ledger.actions import SendCoins
from engine.ledger.rights import Use
from engine.ledger.spending import Spending, spend
from engine.ledger.state import Purses
from engine.ledger.vesting import Vesting, allowance_day
from models.base.db import Connection, run, sql, transaction
from models.intents.batch import Batch
from models.intents.bucket import lock_bucket
from models.intents.members import lock_members
from models.intents.record import Recorded, Wish, record
from models.ledger.keep import load_purses, store_purses
from models.ledger.post import post
from runtime.clock import utcnow
from tests.kit.world import Person, World

PROVEN = Vesting(days=0, days_one_address=0)
BURN = Account(AccountKind.BURN)
COUNT = sql("""
    INSERT INTO spent_days (bucket, user_id, day, amount_micro)
    VALUES (:bucket, :user_id, :day, :amount)
    ON CONFLICT (bucket, user_id, day)
    DO UPDATE SET amount_micro = spent_days.amount_micro + excluded.amount_micro
""")
_KEYS = counted(1)
BREATH = timedelta(seconds=2)  # whoever asks at once is held up


def credit(person: Person, amount: int, funding: str, reference: str) -> Transfer:
    """Coins that no session, boost or task answers for."""
    return Transfer(
        source=emission("bonus"),
        target=wallet(person.id),
        amount_micro=amount,
        reference=reference,
        funding=funding,
        type=TransferType.BONUS,
        description="A test",
        metadata={"n": 1},
        at=utcnow(),
    )


def debits(person: Person, parts: Sequence[tuple[str, int]], reference: str) -> list[Transfer]:
    return [
        Transfer(
            source=wallet(person.id),
            target=BURN,
            amount_micro=amount,
            reference=reference,
            funding=funding,
            type=TransferType.WITHDRAWAL,
            description="A test",
            metadata={},
            at=utcnow(),
            part=part,
        )
        for part, (funding, amount) in enumerate(parts)
    ]


async def enter(world: World, *transfers: Transfer) -> None:
    bucket = transfers[0].user_id % 64
    async with transaction(world.database) as connection:
        await lock_bucket(connection, bucket)
        await post(connection, bucket, transfers, utcnow())


async def held(world: World, person: Person) -> dict[str, tuple[int, int]]:
    """What somebody holds and has earned, by funding."""
    found = await world.rows(
        "SELECT funding, balance, earned FROM wallet_funds WHERE user_id = :u", u=person.id
    )
    return {row.funding: (row.balance, row.earned) for row in found}


async def buy(
    world: World, person: Person, amount: int, use: Use, reference: str = "o:1"
) -> tuple[Transfer, ...] | Rejected:
    """As an order of somebody proven will: by the rule, from the purse, through the door."""
    bucket, now = person.id % 64, utcnow()
    asked = Intent(bucket, UUID(int=0), 1, person.id, SendCoins(0, amount), now)
    spending = Spending(amount, use, TransferType.WITHDRAWAL, BURN, reference, "A test")
    async with transaction(world.database) as connection:
        await lock_bucket(connection, bucket)
        people = await lock_members(connection, bucket, [person.id])
        batch = Batch(connection, bucket, [asked], people, now)
        await load_purses(batch)
        purse = people[person.id].of(Purses)[person.id]
        spent = spend(purse, spending, PROVEN, now)
        if isinstance(spent, Rejected):
            return spent
        for transfer in spent:
            purse = purse.after(transfer)
        await store_purses(batch, [purse])
        await post(connection, bucket, spent, now)
    return spent


async def asked_to_send(
    world: World, person: Person, other_id: int, micro: int, key: str = ""
) -> Recorded:
    """Somebody sends coins to another member, and takes a breath: recorded, as the API would."""
    key = key or f"send-{next(_KEYS)}"
    action = SendCoins(other_id, micro)
    wish = Wish(person.id, action, f"user:{person.id}", key, b"", utcnow(), is_own=True)
    recorded = await record(world.database, wish)
    world.move_to(utcnow() + BREATH)
    return recorded


async def came_to(world: World, person: Person, recorded: Recorded) -> dict[str, Any]:
    """What became of it, when the workers have come to rest."""
    await world.drain()
    answer = await person.get(f"/v1/intents/{recorded.id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert found["status"] != "FAILED", await world.rows("SELECT error FROM intents")
    return found


async def count(connection: Connection, person: Person, amount: int) -> None:
    """What leaves is counted on its day."""
    params = {"bucket": person.id % 64, "user_id": person.id, "amount": amount}
    await run(connection, COUNT, params | {"day": allowance_day(utcnow())})
