"""Who is there, in which groups; and the weekly balance, which moves people while they act."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

from api.web_base.services import Services
from engine.core.timeline import BUCKET_COUNT, bucket_of
from engine.core.transfer import Account as Purse
from engine.core.transfer import AccountKind, Transfer, TransferType, wallet
from models.accounts.register import Newcomer, register
from models.base.db import DATABASE_ERRORS, transaction
from models.intents.bucket import lock_bucket
from models.ledger.post import post
from models.mining.groups import rebalance
from trials.simulation.accounts import STAKES, Account
from trials.simulation.arena import Arena
from trials.simulation.processes import Process
from trials.simulation.seed import Seed

MEMBERS_MAX = 3
NUMBERS = BUCKET_COUNT * BUCKET_COUNT  # of users: one in every bucket and place
BYSTANDERS = 9
MOVES_AFTER_SECONDS = (60, 3600)

ENTER_GROUP = """
    UPDATE users SET group_number = $1 WHERE group_number <> $1
"""
COUNT_MEMBERS = """
    UPDATE group_sizes z SET member_count = (
        SELECT count(*) FROM users u
        WHERE u.bucket = z.bucket AND u.group_number = z.group_number)
"""


async def sign_up(arena: Arena, seed: Seed, random: Random) -> list[Account]:
    """A few people, of the groups that open next, in one to three buckets."""
    first = random.randrange(NUMBERS)
    accounts = []
    for place in range(random.randrange(1, MEMBERS_MAX + 1)):
        number = first + place if random.random() < 0.6 else random.randrange(NUMBERS)
        minutes = random.choice((-1, -1, -1, 25, 50))
        user_id = await _register(arena, seed, f"member-{place}", number, minutes)
        accounts.append(Account(user_id, bucket_of(user_id)))
        await _endow(arena, user_id, seed.scheduler.now)
    return accounts


async def _endow(arena: Arena, user_id: int, at: datetime) -> None:
    """Coins that somebody has paid for, through the door."""
    stakes = [
        Transfer(
            source=Purse(AccountKind.PARTNER, "seed"),
            target=wallet(user_id),
            amount_micro=amount_micro,
            reference=f"stake:{user_id}",
            funding=funding,
            type=TransferType.BONUS,
            description="A stake",
            metadata={},
            at=at,
            part=part,
        )
        for part, (funding, amount_micro) in enumerate(STAKES.items())
    ]
    async with transaction(arena.database) as connection:
        await lock_bucket(connection, bucket_of(user_id))
        await post(connection, bucket_of(user_id), stakes, at)


async def crowd(arena: Arena, seed: Seed, user_id: int) -> None:
    """Put everybody, and some who only stand by, into one group: it will be balanced."""
    for place in range(BYSTANDERS):
        await _register(arena, seed, f"bystander-{place}", NUMBERS + place, -1)
    group = await arena.group_of(user_id)
    await arena.monitor.execute(ENTER_GROUP, group)
    await arena.monitor.execute(COUNT_MEMBERS)


async def _register(arena: Arena, seed: Seed, name: str, number: int, minutes: int) -> int:
    await arena.monitor.execute(f"SELECT setval('user_ids', {number + 1}, false)")
    at = seed.scheduler.now + timedelta(minutes=minutes)
    newcomer = Newcomer("email", f"{name}@simulation.test", "-", verified_at=at)
    account = await register(arena.database, arena.config.keyring, arena.table, newcomer, at)
    return account.id


class Mover(Process):
    """Balances the groups, again and again."""

    def __init__(self, name: str, connections: Any, seed: Seed, services: Services) -> None:
        self._services = services
        super().__init__(name, connections, seed)

    async def work(self) -> None:
        """Whenever it likes, also while people mine."""
        table = self._services.installation.table
        while True:
            await self.seed.scheduler.sleep(self.seed.random.uniform(*MOVES_AFTER_SECONDS))
            try:
                moved = await rebalance(
                    self.database, self._services.copies, table, self.clock.now()
                )
                self.seed.note(f"{self.name}: {moved} moved")
            except DATABASE_ERRORS as error:
                self.seed.note(f"{self.name}: {type(error).__name__}")
