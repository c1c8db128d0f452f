"""Who becomes staff is proposed by one and approved by another."""

from datetime import timedelta

from engine.admin.four_eyes import Objection
from engine.core.role import Role
from runtime.clock import utcnow
from tests.kit.staff import promote, sign_in, staff
from tests.kit.standing import demote, judge_role, propose_role
from tests.kit.world import World


async def test_nobody_alone_makes_an_admin(world: World) -> None:
    chief, other, person = (
        await staff(world, Role.SUPERADMIN),
        await staff(world, Role.ADMIN),
        await world.person(),
    )
    path = f"/v1/admin/users/{person.id}/role"
    refused = await chief.post(path, {"role": "admin", "reason": "a friend"})
    assert refused.status_code == 403
    for role in ("vip", "moderator"):
        assert (await chief.post(path, {"role": role, "reason": "helps"})).status_code == 200
    assert (await propose_role(other, person)).status_code == 403
    answer = await propose_role(chief, person)
    assert answer.status_code == 201, answer.text
    assert (await propose_role(chief, person)).status_code == 409
    assert (await judge_role(chief, answer.json())).status_code == 409
    assert (await person.get("/v1/admin/operations")).status_code == 403
    granted = await judge_role(other, answer.json())
    assert granted.json()["status"] == "GRANTED"
    await sign_in(world, person)
    assert (await person.get("/v1/admin/operations")).status_code == 200
    [shown] = (await chief.get("/v1/admin/role-proposals")).json()["items"]
    assert (shown["status"], shown["decider_id"]) == ("GRANTED", other.id)
    assert (await judge_role(other, answer.json())).status_code == 409


async def test_a_proposed_role_is_rejected_or_dies_with_its_proposer(world: World) -> None:
    chief, other = await staff(world, Role.SUPERADMIN), await staff(world, Role.SUPERADMIN)
    first, second = await world.people(2)
    rejected = (await propose_role(chief, first)).json()
    assert (await judge_role(chief, rejected, "reject")).json()["status"] == "REJECTED"
    world.move_to(utcnow() + timedelta(seconds=1))
    proposal = (await propose_role(chief, second)).json()
    await demote(world, chief)
    assert (await judge_role(other, proposal)).status_code == 409
    [shown, _] = (await other.get("/v1/admin/role-proposals")).json()["items"]
    assert (shown["status"], shown["failure"]) == ("LAPSED", Objection.PROPOSER_LEFT.value)
    assert (await second.get("/v1/admin/operations")).status_code == 403


async def test_nobody_approves_their_own_role_nor_one_out_of_the_proposers_reach(
    world: World,
) -> None:
    chief, other = await staff(world, Role.SUPERADMIN), await staff(world, Role.ADMIN)
    proposal = (await propose_role(chief, other, "superadmin")).json()
    assert (await judge_role(other, proposal)).status_code == 409
    third = await staff(world, Role.ADMIN)
    await promote(world, chief, Role.ADMIN)
    assert (await judge_role(third, proposal)).status_code == 409
    assert (await other.get("/v1/admin/log")).status_code == 403
