"""The ledger is append-only, also for the role that owns it."""

import asyncpg
import pytest

from models.base.db import run, sql, transaction
from tests.kit.words import at
from tests.kit.world import World


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE transactions SET amount = amount + 1",
        "DELETE FROM transactions",
        "TRUNCATE transactions",
        "TRUNCATE wallets CASCADE",
    ],
)
async def test_a_transfer_is_never_changed_or_removed(world: World, statement: str) -> None:
    person = await world.person(group_number=1)
    await world.go_to(at("00:05"))
    await person.mine()
    await world.go_to(at("04:06"))
    with pytest.raises(asyncpg.PostgresError):
        async with transaction(world.database) as connection:
            await run(connection, sql("GRANT ALL ON transactions TO CURRENT_USER"))
            await run(connection, sql(statement))
    assert await world.value("SELECT sum(amount) FROM transactions") == 100_000_000
