"""Coins moved by hand: four eyes, once, and never below nothing."""

import asyncio
from datetime import timedelta

import pytest

from engine.core.role import Role
from models.base.db import DATABASE_ERRORS, run, sql, transaction
from runtime.clock import utcnow
from tests.kit.adjustments import judge, propose
from tests.kit.staff import staff
from tests.kit.world import Person, World


async def test_coins_move_when_another_has_approved(world: World) -> None:
    world.deliveries = 2
    user, one, other = (
        await world.person(),
        await staff(world, Role.ADMIN),
        await staff(world, Role.ADMIN),
    )
    answer = await propose(one, user)
    assert answer.status_code == 201, answer.text
    assert await user.balance() == "0.000000"
    own = await judge(one, answer.json())
    assert own.status_code == 409
    assert (await judge(other, answer.json())).json()["status"] == "APPROVED"
    await world.drain()
    assert await user.balance() == "12.500000"
    [entry] = (await user.get("/v1/wallet/transactions")).json()["items"]
    assert (entry["type"], entry["amount"]) == ("ADJUSTMENT", "12.500000")
    [note] = (await user.get("/v1/notifications")).json()["items"]
    assert note["kind"] == "wallet.adjusted"
    [shown] = (await one.get("/v1/admin/adjustments")).json()["items"]
    assert (shown["status"], shown["decider_id"]) == ("APPLIED", other.id)


async def test_a_debit_takes_no_more_than_there_is(world: World) -> None:
    user, one, other = (
        await world.person(),
        await staff(world, Role.ADMIN),
        await staff(world, Role.SUPERADMIN),
    )
    for direction, amount in (("CREDIT", "10"), ("DEBIT", "4"), ("DEBIT", "7")):
        proposal = (await propose(one, user, direction, amount)).json()
        assert (await judge(other, proposal)).status_code == 200
        await world.go_to(utcnow() + timedelta(seconds=1))
    assert await user.balance() == "6.000000"
    statuses = [a["status"] for a in (await one.get("/v1/admin/adjustments")).json()["items"]]
    assert statuses == ["REFUSED", "APPLIED", "APPLIED"]


async def test_ten_approvals_at_once_move_coins_once(world: World) -> None:
    user, one, other = (
        await world.person(),
        await staff(world, Role.ADMIN),
        await staff(world, Role.ADMIN),
    )
    proposal = (await propose(one, user)).json()
    answers = await asyncio.gather(*(judge(other, proposal) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    await world.drain()
    assert await user.balance() == "12.500000"


async def test_nobody_adjusts_their_own_wallet(world: World) -> None:
    one, other = await staff(world, Role.ADMIN), await staff(world, Role.ADMIN)
    assert (await propose(one, one)).status_code == 409
    proposal = (await propose(other, one)).json()
    assert (await judge(one, proposal)).status_code == 409


async def test_a_proposal_may_be_withdrawn_and_lapses(world: World) -> None:
    user, one, other = (
        await world.person(),
        await staff(world, Role.ADMIN),
        await staff(world, Role.ADMIN),
    )
    withdrawn, old = (await propose(one, user)).json(), (await propose(one, user)).json()
    assert (await judge(one, withdrawn, "reject")).json()["status"] == "REJECTED"
    assert (await judge(other, withdrawn)).status_code == 409
    world.move_to(utcnow() + timedelta(days=7))
    assert (await judge(other, old)).status_code == 409
    await world.drain()
    assert await user.balance() == "0.000000"


async def test_the_same_key_proposes_once(world: World) -> None:
    user, one = await world.person(), await staff(world, Role.ADMIN)
    key = {"Idempotency-Key": "the-key"}
    first, second = await propose(one, user, **key), await propose(one, user, **key)
    assert first.json()["id"] == second.json()["id"]
    assert (await propose(one, user, amount="13", **key)).status_code == 409


async def test_a_bad_amount_is_refused(world: World) -> None:
    user, one = await world.person(), await staff(world, Role.ADMIN)
    for amount in ("0", "-1", "1.0000001", "1e3", "1000001", "", "NaN"):
        assert (await propose(one, user, amount=amount)).status_code == 400, amount


async def test_an_adjustment_of_another_user_is_not_found(world: World) -> None:
    user, one, other = (
        await world.person(),
        await staff(world, Role.ADMIN),
        await staff(world, Role.ADMIN),
    )
    proposal = (await propose(one, user)).json()
    assert (await judge(other, proposal | {"user_id": one.id})).status_code == 404
    assert (await propose(one, user=Person(world, 64 * 10**9, 1))).status_code == 404


async def test_the_table_itself_wants_four_eyes(world: World) -> None:
    user, one = await world.person(), await staff(world, Role.ADMIN)
    await propose(one, user)
    with pytest.raises(DATABASE_ERRORS):
        async with transaction(world.database) as connection:
            await run(
                connection,
                sql("""UPDATE adjustments SET status = 'APPROVED', decider_id = proposer_id,
                       decided_at = proposed_at"""),
            )
