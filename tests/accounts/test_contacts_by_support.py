"""Changing an address for somebody who has lost the former one: support, with four eyes."""

import asyncio
from typing import Any

import httpx

from engine.core.role import Role
from runtime.clock import utcnow
from tests.kit.contacts import (
    ANN,
    DAY,
    HOUR,
    NEW,
    WAIT,
    claimed,
    emails,
    message,
    token,
    told,
    undo,
)
from tests.kit.members import joined
from tests.kit.problems import problem_of
from tests.kit.staff import promote, staff
from tests.kit.world import Person, World


async def _propose(by: Person, user: Person, address: str = NEW) -> httpx.Response:
    body = {"email": address, "reason": "showed their papers"}
    return await by.post(f"/v1/admin/users/{user.id}/contact-changes", body)


async def _decide(by: Person, row: dict[str, Any], what: str = "approve") -> httpx.Response:
    path = f"/v1/admin/users/{row['user_id']}/contact-changes/{row['id']}/{what}"
    answer = await by.post(path, {"note": "looked at it"})
    await told(by.world)
    return answer


async def test_support_changes_it_with_four_eyes_and_it_waits(world: World) -> None:
    person, _ = await joined(world)
    one, other = await staff(world, Role.ADMIN), await staff(world, Role.ADMIN)
    proposed = await _propose(one, person)
    assert proposed.status_code == 201, proposed.text
    row = proposed.json()
    problem_of(await _decide(one, row), 409, "conflict")
    assert (await _decide(other, row)).json()["status"] == "WAITING"
    assert "support" in message(world, ANN) and token(world)
    assert "use this address" in message(world, NEW)
    problem_of(await _decide(other, row), 409, "conflict")
    for side in ("new", "old"):  # codes have no say in it
        body = {"address": side, "code": "123456"}
        problem_of(await person.post("/v1/me/contact/confirm", body), 404, "not-found")
    await world.go_to(utcnow() + WAIT + HOUR)
    assert await emails(person) == NEW
    trail = await world.rows("SELECT action, actor_id FROM admin_log WHERE action ~ '^contact'")
    assert {tuple(line) for line in trail} == {
        ("contact.propose", one.id),
        ("contact.approve", other.id),
    }
    [shown] = (await one.get("/v1/admin/contact-changes")).json()["items"]
    assert (shown["status"], shown["address"], shown["decider_id"]) == ("APPLIED", NEW, other.id)
    assert (await undo(world, token(world))).json() == {"status": "REVERTED"}
    assert await emails(person) == ANN


async def test_who_may_not_has_no_say(world: World) -> None:
    person, _ = await joined(world)
    one, other = await staff(world, Role.ADMIN), await staff(world, Role.ADMIN)
    chief = await staff(world, Role.SUPERADMIN)
    problem_of(await _propose(one, one), 409, "conflict")
    problem_of(await _propose(one, chief), 409, "conflict")
    row = (await _propose(one, person)).json()
    problem_of(await _propose(other, person, "third@example.com"), 409, "conflict")
    problem_of(await _decide(person, row), 403, "forbidden")
    await promote(world, one, Role.USER)
    problem_of(await _decide(other, row), 409, "conflict")
    problem_of(await _decide(other, row, "reject"), 409, "conflict")  # it ended with the role
    again = (await _propose(other, person)).json()
    assert (await _decide(other, again, "reject")).json()["status"] == "REJECTED"  # withdrawn
    late = (await _propose(other, person)).json()
    world.move_to(utcnow() + 7 * DAY)
    problem_of(await _decide(chief, late), 409, "conflict")
    assert await claimed(world) >= {(ANN, person.id)}
    assert await emails(person) == ANN


async def test_ten_approvals_at_once_and_a_taken_address(world: World) -> None:
    person, _ = await joined(world)
    bob, _ = await joined(world, "bob@example.com")
    one, other = await staff(world, Role.ADMIN), await staff(world, Role.ADMIN)
    taken = (await _propose(one, person, "bob+1@example.com")).json()
    problem_of(await _decide(other, taken), 409, "conflict")
    assert (await _decide(other, taken, "reject")).status_code == 200
    row = (await _propose(one, person)).json()
    answers = await asyncio.gather(*(_decide(other, row) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    rejected = await _decide(one, row, "reject")  # while it waits
    assert rejected.json()["status"] == "REJECTED"
    await world.go_to(utcnow() + WAIT + HOUR)
    assert await emails(person) == ANN
    assert {(ANN, person.id), ("bob@example.com", bob.id)} <= await claimed(world)
