"""What leaves a wallet, through its one door: how much, once, and whatever comes at once."""

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any

import pytest

from engine.core.money import MICRO_PER_TWTC, parse_amount
from engine.core.timeline import utc_day
from engine.core.transfer import Account, AccountKind
from engine.ledger.rights import Use
from engine.ledger.vesting import Vesting, allowance_day
from models.base.db import run, sql, transaction
from models.ledger.spending import NotSpendableError, Spending, spend
from models.operations.invariants import audit
from runtime.clock import utcnow
from tests.kit.adjustments import move
from tests.kit.staff import configure
from tests.kit.words import at
from tests.kit.world import Person, World

RULES = Vesting()
BURN = Account(AccountKind.BURN)
NUMBERS = count(1)


async def rich(world: World, amount: str = "500") -> Person:
    """A newcomer with settled coins."""
    person = await world.person()
    await move(world, person, amount)
    return person


async def leave(world: World, person: Person, amount: str, reference: str = "") -> bool:
    """Let coins leave, as whoever asks for it will."""
    reference = reference or f"order:{next(NUMBERS)}"
    spending = Spending(person.id, parse_amount(amount), BURN, reference, "A test", Use.GOODS)
    async with transaction(world.database) as connection:
        return await spend(connection, RULES, spending, utcnow())


async def is_refused(world: World, person: Person, amount: str, spendable: str) -> bool:
    """Whether the door holds, and says how much may pass."""
    with pytest.raises(NotSpendableError) as refusal:
        await leave(world, person, amount)
    return refusal.value.spendable_micro == parse_amount(spendable)


async def wallet(person: Person) -> dict[str, Any]:
    found: dict[str, Any] = (await person.get("/v1/wallet")).json()
    return found


async def be_active(world: World, person: Person, days: int) -> None:
    """Days that are over, on which somebody did something."""
    await write(
        world,
        "INSERT INTO active_days (bucket, day, user_id)"
        " SELECT :bucket, CAST(:today AS date) - n, :user_id"
        " FROM generate_series(1, CAST(:days AS integer)) AS n ON CONFLICT DO NOTHING",
        person,
        days=days,
        today=utc_day(utcnow()),
    )


async def write(world: World, statement: str, person: Person, **params: Any) -> None:
    known = {"bucket": person.id % 64, "user_id": person.id}
    async with transaction(world.database) as connection:
        await run(connection, sql(statement), params | known)


async def test_a_newcomer_sees_all_and_spends_a_hundred_a_day(world: World) -> None:
    person = await rich(world)
    seen = await wallet(person)
    assert (seen["balance"], seen["spendable"]) == ("500.000000", "100.000000")
    assert await is_refused(world, person, "100.000001", "100")
    assert await leave(world, person, "60")
    assert await is_refused(world, person, "40.000001", "40")
    assert await leave(world, person, "40")
    seen = await wallet(person)
    assert (seen["balance"], seen["settled_balance"]) == ("400.000000", "400.000000")
    assert (seen["total_earned"], seen["total_withdrawn"]) == ("500.000000", "100.000000")
    assert seen["spendable"] == "0.000000"
    begins = datetime.combine(allowance_day(utcnow()), time(2), UTC) + timedelta(days=1)
    world.move_to(begins - timedelta(microseconds=1))
    assert await is_refused(world, person, "0.000001", "0")
    world.move_to(begins)
    assert (await wallet(person))["spendable"] == "100.000000"
    assert await leave(world, person, "100")
    [first, second] = await world.rows("SELECT day, amount_micro FROM spent_days ORDER BY day")
    assert (first.day, second.day) == (begins.date() - timedelta(days=1), begins.date())


async def test_ten_spendings_at_once_share_one_limit(world: World) -> None:
    person = await rich(world)

    async def try_it() -> bool:
        try:
            return await leave(world, person, "30")
        except NotSpendableError:
            return False

    done = await asyncio.gather(*(try_it() for _ in range(10)))
    assert sorted(done) == [False] * 7 + [True] * 3
    assert await world.value("SELECT amount_micro FROM spent_days") == 90 * MICRO_PER_TWTC
    assert (await wallet(person))["balance"] == "410.000000"


async def test_the_same_spending_leaves_once(world: World) -> None:
    person = await rich(world)
    done = await asyncio.gather(*(leave(world, person, "20", "order:same") for _ in range(5)))
    assert sorted(done) == [False] * 4 + [True]
    assert (await wallet(person))["balance"] == "480.000000"


async def test_a_spending_that_is_rolled_back_is_not_counted(world: World) -> None:
    person = await rich(world)
    spending = Spending(person.id, 100 * MICRO_PER_TWTC, BURN, "order:lost", "A test", Use.GOODS)
    with pytest.raises(ConnectionError):
        async with transaction(world.database) as connection:
            assert await spend(connection, RULES, spending, utcnow())
            raise ConnectionError
    assert (await wallet(person))["spendable"] == "100.000000"
    assert await leave(world, person, "100", "order:lost")


async def test_nothing_leaves_while_the_account_is_held_or_off(world: World) -> None:
    person = await rich(world)
    await be_active(world, person, 14)
    change = "UPDATE users SET hold = CAST(:hold AS text), hold_until = :until, is_active = :on"
    change += " WHERE bucket = :bucket AND id = :user_id"
    until = utcnow() + timedelta(hours=1)
    for hold in ("CAPTCHA", "SUSPENDED"):
        await write(world, change, person, hold=hold, until=until, on=True)
        assert (await wallet(person))["spendable"] == "0.000000"
        assert await is_refused(world, person, "1", "0")
    await write(world, change, person, hold=None, until=None, on=False)
    assert await is_refused(world, person, "1", "0")
    await write(world, change, person, hold="CAPTCHA", until=until, on=True)
    world.move_to(until)
    assert await leave(world, person, "500")


async def test_only_settled_coins_can_be_spent(world: World) -> None:
    person = await world.person(group_number=1)
    await world.go_to(at("00:09"))
    await person.mine()
    await world.go_to(at("02:20"))
    seen = await wallet(person)
    assert parse_amount(seen["balance"]) > 0 and seen["spendable"] == "0.000000"
    assert await is_refused(world, person, "1", "0")


async def test_days_and_addresses_prove_an_account(world: World) -> None:
    person = await rich(world)
    await be_active(world, person, 7)
    seen = await wallet(person)
    assert seen["proof"]["missing"] == ["DAYS", "PHONE"]
    assert (seen["proof"]["days"], seen["proof"]["days_needed"]) == (7, 14)
    await write(
        world,
        "UPDATE users SET phone = 'sealed' WHERE bucket = :bucket AND id = :user_id",
        person,
    )
    seen = await wallet(person)
    proven = {"is_proven": True, "daily_limit": "100.000000", "missing": [], "days": 7}
    assert seen["proof"] == proven | {"days_needed": 7}
    assert seen["spendable"] == "500.000000"
    assert await leave(world, person, "500")
    assert await is_refused(world, person, "0.000001", "0")


async def test_without_a_phone_more_days_do(world: World) -> None:
    person = await rich(world)
    await be_active(world, person, 13)
    assert await is_refused(world, person, "101", "100")
    await be_active(world, person, 14)
    assert await leave(world, person, "500")


async def test_an_address_that_nobody_verified_proves_nothing(world: World) -> None:
    person = await rich(world)
    await be_active(world, person, 7)
    await write(
        world,
        "UPDATE users SET phone = 'sealed', verified_at = NULL"
        " WHERE bucket = :bucket AND id = :user_id",
        person,
    )
    assert (await wallet(person))["proof"]["missing"] == ["DAYS", "EMAIL", "PHONE"]


@pytest.mark.parametrize(("score", "spendable"), [(30, "500.000000"), (31, "100.000000")])
async def test_the_latest_score_takes_the_proof_back(
    world: World, score: int, spendable: str
) -> None:
    person = await rich(world)
    await be_active(world, person, 14)
    for day, value in (("2026-02-27", 61 - score), ("2026-02-28", score)):
        await write(
            world,
            "INSERT INTO anomaly_scores (bucket, day, user_id, score, band, reasons, model_version)"
            " VALUES (:bucket, :day, :user_id, :score, 'NORMAL', '[]', 1)",
            person,
            day=date.fromisoformat(day),
            score=value,
        )
    seen = await wallet(person)
    assert seen["spendable"] == spendable
    assert seen["proof"]["missing"] == ([] if score < 31 else ["SCORE"])


async def test_a_day_is_counted_once_it_is_over(world: World) -> None:
    person = await world.person(group_number=1)
    await world.go_to(at("00:09"))
    await person.mine()
    await world.live_until(at("23:50"), timedelta(hours=4))
    assert (await wallet(person))["proof"]["days"] == 0
    await world.go_to(at("2026-03-02T00:41Z"))
    assert (await wallet(person))["proof"]["days"] == 1


async def test_the_limit_is_configuration(world: World) -> None:
    person = await rich(world)
    await configure(world, vesting=Vesting(daily_limit_micro=7 * MICRO_PER_TWTC))
    world.move_to(utcnow() + timedelta(minutes=5))
    seen = await wallet(person)
    assert (seen["spendable"], seen["proof"]["daily_limit"]) == ("7.000000", "7.000000")
    await configure(world, vesting=Vesting(days=0, days_one_address=0))
    world.move_to(utcnow() + timedelta(minutes=5))
    seen = await wallet(person)
    assert seen["spendable"] == "500.000000" and seen["proof"]["is_proven"]


async def test_a_correction_by_hand_is_neither_limited_nor_counted(world: World) -> None:
    person = await rich(world)
    await move(world, person, "300", "DEBIT")
    seen = await wallet(person)
    assert (seen["balance"], seen["spendable"]) == ("200.000000", "100.000000")
    assert await world.rows("SELECT FROM spent_days") == []


async def test_the_audit_sees_what_was_not_counted(world: World) -> None:
    person = await rich(world)
    await leave(world, person, "50")
    change = "UPDATE spent_days SET amount_micro = amount_micro + :by WHERE bucket = :bucket"
    change += " AND user_id = :user_id"
    await write(world, change, person, by=1)
    [found] = await audit(world.database)
    assert found.invariant == "a day's spending is counted, and no other"
    await write(world, change, person, by=-1)
    more = "UPDATE wallets SET total_withdrawn = total_withdrawn + :by, balance = balance - :by,"
    more += " settled_balance = settled_balance - :by WHERE bucket = :bucket AND user_id = :user_id"
    await write(world, more, person, by=1)
    [holdings, ledger, withdrawn] = await audit(world.database)
    assert holdings.invariant.startswith("settled balance = sum of the holdings")
    assert ledger.invariant == "settled balance = sum of the ledger"
    assert withdrawn.invariant == "what was withdrawn = sum of the ledger's withdrawals"
    await write(world, more, person, by=-1)
