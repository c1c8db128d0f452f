"""Two people, and really two: standing, lines, a week's wait, and a day's limit (decision 0046)."""

import asyncio
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.admin.four_eyes import COUNTS_AFTER, Objection, StaffMember, object_to
from engine.admin.permissions import Permission
from engine.core.role import Role
from engine.fraud.levels import LASTS, Hold
from models.admin.proposals import lapse_proposals
from models.base.trail import Actor
from models.fraud.review import release
from models.operations.invariants import audit
from models.privacy.erasure import close_account
from runtime.clock import utcnow
from tests.kit.adjustments import judge, propose
from tests.kit.staff import promote, staff
from tests.kit.standing import demote, disable, join, judge_role, propose_role, suspend
from tests.kit.words import START
from tests.kit.world import Person, World

WEEK, MICROSECOND = COUNTS_AFTER, timedelta(microseconds=1)
DECIDE = Permission.ADJUSTMENTS_DECIDE


LOSSES = pytest.mark.parametrize("lose", [demote, disable, suspend])


@pytest.fixture
def nothing_lapses_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the process died right after the demotion's commit."""

    async def dead(*_: Any) -> int:
        return 0

    for module in ("admin.roles", "fraud.review"):
        monkeypatch.setattr(f"models.{module}.lapse_proposals", dead)


async def status(by: Person) -> tuple[str, str | None]:
    """Of the newest adjustment: its status, and why."""
    [shown, *_] = (await by.get("/v1/admin/adjustments")).json()["items"]
    return shown["status"], shown["failure"]


async def trio(world: World) -> tuple[Person, Person, Person]:
    """A member, and two who were named at the command line."""
    return await world.person(), await staff(world, Role.ADMIN), await staff(world, Role.ADMIN)


@LOSSES
async def test_an_open_proposal_dies_with_its_proposers_role(world: World, lose: Any) -> None:
    user, one, other = await trio(world)
    proposal = (await propose(one, user, amount="10000")).json()
    await lose(world, one)
    assert await status(other) == ("LAPSED", Objection.PROPOSER_LEFT.value)
    assert (await judge(other, proposal)).status_code == 409
    await world.drain()
    assert await user.balance() == "0.000000"


@LOSSES
@pytest.mark.usefixtures("nothing_lapses_by_itself")
async def test_standing_is_read_again_when_it_is_approved(world: World, lose: Any) -> None:
    user, one, other = await trio(world)
    proposal = (await propose(one, user)).json()
    await lose(world, one)
    refused = await judge(other, proposal)
    assert refused.status_code == 409
    assert refused.json()["detail"] == Objection.PROPOSER_LEFT.value
    assert await status(other) == ("LAPSED", Objection.PROPOSER_LEFT.value)
    await world.drain()
    assert await user.balance() == "0.000000"


@LOSSES
@pytest.mark.parametrize("who", ["proposer", "approver"])
async def test_standing_is_read_again_when_it_is_applied(world: World, lose: Any, who: str) -> None:
    user, one, other = await trio(world)
    third = await staff(world, Role.ADMIN)
    proposal = (await propose(one, user)).json()
    assert (await judge(other, proposal)).status_code == 200
    await lose(world, one if who == "proposer" else other)
    await world.drain()
    assert (await status(third))[0] == "REFUSED"
    assert await user.balance() == "0.000000"


async def test_a_suspension_ends_with_its_time_or_a_release(world: World) -> None:
    user, one, other = await trio(world)
    third = await staff(world, Role.SUPERADMIN)
    proposal = (await propose(third, user)).json()
    await suspend(world, one)
    assert (await judge(one, proposal)).status_code == 403
    chief, copies = Actor(third.id, Role.SUPERADMIN, None), world.services.copies
    assert await release(world.database, copies, chief, one.id, "it was them", utcnow())
    await suspend(world, other)
    world.move_to(utcnow() + LASTS[Hold.SUSPENDED])
    for who in (one, other):
        proposal = (await propose(third, user)).json()
        assert (await judge(who, proposal)).status_code == 200


async def test_who_is_made_staff_while_suspended_stays_so(world: World) -> None:
    user, one, other = await trio(world)
    proposal = (await propose(one, user)).json()
    await suspend(world, other)
    await promote(world, other, Role.SUPERADMIN)
    staff = "SELECT suspended_until FROM staff WHERE user_id = :u"
    assert await world.value(staff, u=other.id) == utcnow() + LASTS[Hold.SUSPENDED]
    assert (await judge(other, proposal)).status_code == 403


async def test_whoever_loses_the_role_meanwhile_moves_nothing(world: World) -> None:
    user, one, other = await trio(world)
    proposals = [(await propose(one, user)).json() for _ in range(4)]
    await asyncio.gather(demote(world, one), *(judge(other, each) for each in proposals))
    await world.drain()
    assert await user.balance() == "0.000000"
    found = await world.rows("SELECT DISTINCT status FROM adjustments")
    assert {row.status for row in found} <= {"LAPSED", "REFUSED"}


@pytest.mark.usefixtures("nothing_lapses_by_itself")
async def test_the_timetable_ends_what_was_left_open(world: World) -> None:
    user, one, other = await trio(world)
    await propose(one, user)
    await propose(other, user)
    await demote(world, one)
    assert await lapse_proposals(world.database, utcnow()) == 1
    await world.go_to(START + WEEK + timedelta(hours=3))
    found = await world.rows("SELECT status, failure FROM adjustments ORDER BY proposer_id")
    assert [row.status for row in found] == ["LAPSED", "LAPSED"]
    assert found[1].failure == "Nobody approved it within a week."


async def test_one_person_with_a_second_account_mints_nothing(world: World) -> None:
    """A superadmin has somebody made admin, proposes, and approves as that one."""
    user = await world.person()
    chief, honest = await staff(world, Role.SUPERADMIN), await staff(world, Role.SUPERADMIN)
    second = await join(world, chief, honest, "superadmin")
    world.move_to(utcnow() + WEEK)
    third = await join(world, second, honest)
    world.move_to(utcnow() + WEEK)
    for proposer, approver in ((chief, second), (second, third), (third, chief)):
        refused = await judge(approver, (await propose(proposer, user)).json())
        assert refused.status_code == 409
        assert refused.json()["detail"] == Objection.ONE_LINE.value
    outsider = await world.person()
    fourth = (await propose_role(second, outsider)).json()
    assert (await judge_role(chief, fourth)).json()["detail"] == Objection.ONE_LINE.value
    assert (await judge(honest, (await propose(third, user)).json())).status_code == 200


async def test_a_role_counts_for_approving_a_week_after_it_was_granted(world: World) -> None:
    user = await world.person()
    chief, honest = await staff(world, Role.SUPERADMIN), await staff(world, Role.SUPERADMIN)
    new = await join(world, honest, chief)
    granted_at = utcnow()
    proposal = (await propose(chief, user)).json()
    assert (await judge(new, proposal)).json()["detail"] == Objection.TOO_NEW.value
    world.move_to(granted_at + WEEK - MICROSECOND)
    proposal = (await propose(chief, user)).json()
    assert (await judge(new, proposal)).status_code == 409
    world.move_to(granted_at + WEEK)
    assert (await judge(new, proposal)).status_code == 200


async def test_who_rises_keeps_the_line_and_the_command_line_begins_one(world: World) -> None:
    chief, honest, new_chief = [await staff(world, Role.SUPERADMIN) for _ in range(3)]
    person = await join(world, chief, honest)
    proposal = (await propose_role(new_chief, person, "superadmin")).json()
    assert (await judge_role(honest, proposal)).status_code == 200
    line = "SELECT line FROM staff WHERE user_id = :u"
    assert await world.value(line, u=person.id) == [chief.id, new_chief.id, person.id]
    await promote(world, person, Role.SUPERADMIN)
    assert await world.value(line, u=person.id) == [person.id]


async def test_ten_thousand_a_day_are_credited_by_hand(world: World) -> None:
    users = await world.people(3)
    one, other = await staff(world, Role.ADMIN), await staff(world, Role.ADMIN)
    assert (await propose(one, users[0], amount="10000.000001")).status_code == 409
    proposals = [(await propose(one, users[n % 3], amount="2000")).json() for n in range(10)]
    answers = await asyncio.gather(*(judge(other, each) for each in proposals))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [409] * 5
    assert (await judge(other, (await propose(one, users[0], amount="0.000001")).json())).is_error
    await world.drain()
    debit = (await propose(one, users[0], "DEBIT", "1")).json()
    assert (await judge(other, debit)).status_code == 200
    left = next(p for p, a in zip(proposals, answers, strict=True) if a.is_error)
    world.move_to(START + timedelta(days=1))
    assert (await judge(other, left)).status_code == 200
    [first, second] = await world.rows("SELECT amount_micro FROM credits_by_hand ORDER BY day")
    assert (first.amount_micro, second.amount_micro) == (10_000_000_000, 2_000_000_000)


async def test_each_credit_by_hand_is_told_once(world: World) -> None:
    user, one, other = await trio(world)
    for direction in ("CREDIT", "CREDIT", "DEBIT"):
        assert (await judge(other, (await propose(one, user, direction)).json())).is_success
        await world.drain()
    for _ in range(3):
        await world.go_to(utcnow() + timedelta(minutes=5))
    found = await world.rows("SELECT key, severity, text FROM alerts WHERE key LIKE 'credit:%'")
    assert [row.severity for row in found] == ["CRITICAL", "CRITICAL"]
    assert all("12.500000 TWTC were credited by hand" in row.text for row in found)


async def test_who_closes_the_account_is_staff_no_more(world: World) -> None:
    user, one, other = await trio(world)
    proposal = (await propose(one, user)).json()
    await close_account(world.database, world.services.copies, one.id, utcnow())
    assert await world.rows("SELECT FROM staff WHERE user_id = :u", u=one.id) == []
    assert (await judge(other, proposal)).status_code == 409


async def test_the_audit_sees_a_role_that_nobody_granted(world: World) -> None:
    person = await world.person()
    change = "UPDATE users SET role = :role WHERE bucket = :b AND id = :u RETURNING id"
    where = {"b": person.id % 64, "u": person.id}
    await world.rows(change, role="admin", **where)
    [found] = await audit(world.database)
    assert found.invariant == "whoever has a role that approves is known as staff, as they are"
    await world.rows(change, role="user", **where)


GRANTS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=30)


@given(st.integers(2, 4), GRANTS, st.integers(0, 40))
def test_nobody_supplies_both_pairs_of_eyes(
    roots: int, grants: list[tuple[int, int]], who: int
) -> None:
    """Whoever proposes whom: one person, with everybody they brought in, approves nothing alone."""
    old = START - WEEK
    staff = {n: StaffMember(n, Role.SUPERADMIN, True, old, (n,)) for n in range(roots)}
    chosen_by: dict[int, int] = {}
    for proposer, approver in grants:
        one, other = staff[proposer % len(staff)], staff[approver % len(staff)]
        if object_to(one, other, Permission.ROLES_GRANT, START) is None:
            new = len(staff)
            staff[new] = StaffMember(new, Role.SUPERADMIN, True, old, (*one.line, new))
            chosen_by[new] = one.user_id
    boss = who % len(staff)
    own = {boss}
    for person, chooser in chosen_by.items():  # each was chosen after who chose them
        if chooser in own:
            own.add(person)
    for proposer, approver in product(own, own):
        assert object_to(staff[proposer], staff[approver], DECIDE, START) is not None


@pytest.mark.parametrize("who", [0, 1])
def test_who_has_no_standing_is_named(who: int) -> None:
    good = [StaffMember(n, Role.ADMIN, True, START, (n,)) for n in (1, 2)]
    expected = (Objection.PROPOSER_LEFT, Objection.APPROVER_LEFT)[who]
    left = StaffMember(who + 1, Role.ADMIN, False, START, (who + 1,))
    until = START + MICROSECOND
    suspended = StaffMember(who + 1, Role.ADMIN, True, START, (who + 1,), until)
    for bad in (None, left, suspended):
        pair: list[StaffMember | None] = [*good]
        pair[who] = bad
        assert object_to(pair[0], pair[1], DECIDE, START) is expected
    pair = [*good]
    pair[who] = suspended
    assert object_to(pair[0], pair[1], DECIDE, until) is None
    assert object_to(good[0], good[1], DECIDE, START) is None
    assert object_to(good[0], good[0], DECIDE, START) is Objection.SAME_PERSON
