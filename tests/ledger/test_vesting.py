"""What leaves a wallet: how much, once, and whatever comes at once."""

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from engine.core.money import MICRO_PER_TWTC, parse_amount
from engine.core.piece import Piece
from engine.core.timeline import utc_day
from engine.ledger.vesting import Vesting, allowance_day
from models.base.db import run, sql, transaction
from models.intents.record import HeldError
from models.operations.invariants import audit
from runtime.clock import utcnow
from tests.kit.adjustments import move
from tests.kit.ledger import asked_to_send, came_to, credit, enter
from tests.kit.staff import configure
from tests.kit.words import at
from tests.kit.world import Person, World
from workers import apply
from workers.apply import drain

NOBODY = 64 * 1000
SENT = "SELECT count(*) FROM transactions WHERE reference LIKE 'xfer:out:%'"


async def rich(world: World, amount: str = "500") -> Person:
    """A newcomer with settled coins, which may go wherever their owner likes."""
    person = await world.person()
    await enter(world, credit(person, parse_amount(amount), "deposit:test", f"paid:{person.id}"))
    return person


async def left(world: World, person: Person, amount: str) -> dict[str, Any]:
    """Coins are to leave: what came of it. They go to somebody who keeps them."""
    other = await world.person()
    recorded = await asked_to_send(world, person, other.id, parse_amount(amount))
    return await came_to(world, person, recorded)


async def leave(world: World, person: Person, amount: str) -> bool:
    return bool((await left(world, person, amount))["status"] == "APPLIED")


async def is_refused(world: World, person: Person, amount: str, spendable: str) -> bool:
    """Whether it is refused, and says how much may leave."""
    problem = (await left(world, person, amount))["problem"]
    assert problem["reason"] == "NOT_SPENDABLE"
    return f" {spendable}.000000 TWTC can be used " in problem["detail"]


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
    assert (seen["total_earned"], seen["total_withdrawn"]) == ("500.000000", "0.000000")
    assert seen["spendable"] == "0.000000"
    begins = datetime.combine(allowance_day(utcnow()), time(2), UTC) + timedelta(days=1)
    assert (await left(world, person, "100.000001"))["problem"].get("retry_at") is None
    again = (await left(world, person, "100"))["problem"]["retry_at"]
    assert datetime.fromisoformat(again) == begins
    world.move_to(begins - timedelta(microseconds=1))
    assert await is_refused(world, person, "0.000001", "0")
    world.move_to(begins)
    assert (await wallet(person))["spendable"] == "100.000000"
    assert await leave(world, person, "100")
    [first, second] = await world.rows("SELECT day, amount_micro FROM spent_days ORDER BY day")
    assert (first.day, second.day) == (begins.date() - timedelta(days=1), begins.date())


async def test_ten_spendings_at_once_share_one_limit(world: World) -> None:
    person, other = await rich(world), await world.person()
    asked = [await asked_to_send(world, person, other.id, 30 * MICRO_PER_TWTC) for _ in range(10)]
    piece = Piece(person.group_number, person.id % 64)
    await asyncio.gather(*(drain(world.shop, piece) for _ in range(4)))
    done = [(await came_to(world, person, one))["status"] for one in asked]
    assert done == ["APPLIED"] * 3 + ["REJECTED"] * 7  # in the order of their recording
    assert await world.value("SELECT amount_micro FROM spent_days") == 90 * MICRO_PER_TWTC
    assert (await wallet(person))["balance"] == "410.000000"


async def test_the_same_spending_leaves_once(world: World) -> None:
    person, other = await rich(world), await world.person()
    twenty = 20 * MICRO_PER_TWTC
    asking = (asked_to_send(world, person, other.id, twenty, "same") for _ in range(5))
    asked = await asyncio.gather(*asking)
    assert sorted(one.is_new for one in asked) == [False] * 4 + [True]
    world.deliveries = 3
    assert (await came_to(world, person, asked[0]))["status"] == "APPLIED"
    assert await world.value(SENT) == 1
    assert (await wallet(person))["balance"] == "480.000000"


async def test_a_spending_that_is_rolled_back_is_not_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: Any) -> None:
        raise ConnectionError

    person, other = await rich(world), await world.person()
    asked = await asked_to_send(world, person, other.id, 100 * MICRO_PER_TWTC)
    with monkeypatch.context() as patch:
        patch.setattr(apply, "complete", dies)
        with pytest.raises(ConnectionError):
            await world.drain()
    assert (await wallet(person))["spendable"] == "100.000000"
    assert (await came_to(world, person, asked))["status"] == "APPLIED"
    assert (await wallet(person))["spendable"] == "0.000000"


async def test_nothing_leaves_while_the_account_is_held_or_off(world: World) -> None:
    person = await rich(world)
    await be_active(world, person, 14)
    change = "UPDATE users SET hold = CAST(:hold AS text), hold_until = :until, is_active = :on"
    change += " WHERE bucket = :bucket AND id = :user_id"
    until = utcnow() + timedelta(hours=1)
    for hold in ("CAPTCHA", "SUSPENDED"):
        await write(world, change, person, hold=hold, until=until, on=True)
        assert (await wallet(person))["spendable"] == "0.000000"
        with pytest.raises(HeldError):
            await left(world, person, "1")
        await write(world, change, person, hold=None, until=None, on=True)
        asked = await asked_to_send(world, person, NOBODY, MICRO_PER_TWTC)
        await write(world, change, person, hold=hold, until=until, on=True)  # before it is applied
        problem = (await came_to(world, person, asked))["problem"]
        assert problem["reason"] == "NOT_SPENDABLE" and "is held" in problem["detail"]
        assert datetime.fromisoformat(problem["retry_at"]) == until
    await write(world, change, person, hold=None, until=None, on=False)
    assert (await left(world, person, "1"))["problem"]["reason"] == "ACCOUNT_DISABLED"
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


async def test_the_limit_is_that_of_the_recording(world: World) -> None:
    person, other = await rich(world), await world.person()
    await configure(world, vesting=Vesting(daily_limit_micro=7 * MICRO_PER_TWTC))
    asked = [await asked_to_send(world, person, other.id, 8 * MICRO_PER_TWTC)]
    world.move_to(utcnow() + timedelta(minutes=5))
    asked.append(await asked_to_send(world, person, other.id, 8 * MICRO_PER_TWTC))
    done = [(await came_to(world, person, one))["status"] for one in asked]
    assert done == ["APPLIED", "REJECTED"]


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
