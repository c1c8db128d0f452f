"""Coins put in and taken out, as workers do it."""

from collections.abc import Sequence

from engine.core.transfer import Account, AccountKind, Transfer, TransferType, emission, wallet
from engine.ledger.rights import Use
from engine.ledger.vesting import Vesting, allowance_day
from models.base.db import Connection, run, transaction
from models.ledger.post import post
from models.ledger.spending import COUNT, Spending, spend
from runtime.clock import utcnow
from tests.kit.world import Person, World

PROVEN = Vesting(days=0, days_one_address=0)
BURN = Account(AccountKind.BURN)


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
        await post(connection, bucket, transfers, utcnow())


async def held(world: World, person: Person) -> dict[str, tuple[int, int]]:
    """What somebody holds and has earned, by funding."""
    found = await world.rows(
        "SELECT funding, balance, earned FROM wallet_funds WHERE user_id = :u", u=person.id
    )
    return {row.funding: (row.balance, row.earned) for row in found}


async def buy(world: World, person: Person, amount: int, use: Use, reference: str = "o:1") -> bool:
    spending = Spending(person.id, amount, BURN, reference, "A test", use)
    async with transaction(world.database) as connection:
        return await spend(connection, PROVEN, spending, utcnow())


async def count(connection: Connection, person: Person, amount: int) -> None:
    """As `spend` counts what leaves."""
    now = utcnow()
    params = {"bucket": person.id % 64, "user_id": person.id, "amount": amount}
    await run(connection, COUNT, params | {"day": allowance_day(now)})
