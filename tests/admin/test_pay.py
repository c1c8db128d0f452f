"""What is paid takes two people, whatever decides about it (decision 0046)."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from engine.admin.four_eyes import Objection
from engine.core.role import Role
from models.admin.proposals import NoSuchProposalError, NotDecidableError, lapse_proposals
from ops.commands.admin import _approve
from ops.running import announced, with_addresses
from runtime.clock import utcnow
from runtime.environment import load_config
from tests.kit.processes import Processes
from tests.kit.staff import configure, judge_pay, promote, staff
from tests.kit.standing import demote, disable, join, suspend
from tests.kit.world import Person, World

CONFIGURATION = "/v1/admin/configuration"
WEEK = timedelta(days=7)


async def put(by: Person, kind: str, row: dict[str, Any]) -> httpx.Response:
    path, body = f"/v1/admin/content/{kind}", {"row": row, "reason": "the market moved"}
    return await by.world.http.put(path, json=body, headers=by.headers)


async def rows_of(by: Person, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await by.get(f"/v1/admin/content/{kind}")).json()
    return found


async def a_video(by: Person) -> dict[str, Any]:
    return next(row for row in await rows_of(by, "videos") if row["is_active"])


async def a_task_type(by: Person) -> dict[str, Any]:
    return (await rows_of(by, "task-types"))[0]


async def propose(by: Person, kind: str) -> httpx.Response:
    """A change of what is paid, of any kind."""
    if kind == "videos":
        return await put(by, kind, await a_video(by) | {"boost_percent": 200})
    if kind == "task-types":
        return await put(by, kind, await a_task_type(by) | {"reward_micro": 3_000_000})
    shown = (await by.get(CONFIGURATION)).json()
    settings = shown["versions"][0]["settings"] | {"boosts_per_day": 4}
    after = shown["versions"][0]["version"]
    body = {"after": after, "settings": settings, "reason": "the market moved"}
    return await by.post(CONFIGURATION, body)


async def paid(by: Person) -> tuple[int, int, int]:
    """What the three kinds hold."""
    versions = (await by.get(CONFIGURATION)).json()["versions"]
    boosts = versions[0]["settings"]["boosts_per_day"]
    video, task_type = await a_video(by), await a_task_type(by)
    return video["boost_percent"], task_type["reward_micro"], boosts


async def status_of(by: Person) -> tuple[str, str | None]:
    [shown, *_] = (await by.get("/v1/admin/pay-proposals")).json()["items"]
    return shown["status"], shown["failure"]


AS_BEFORE = (150, 2_000_000, 3)
KINDS = pytest.mark.parametrize(
    ("kind", "after"),
    [
        ("videos", (200, 2_000_000, 3)),
        ("task-types", (150, 3_000_000, 3)),
        ("configuration", (150, 2_000_000, 4)),
    ],
)


@KINDS
async def test_one_proposes_and_another_approves(
    world: World, kind: str, after: tuple[int, int, int]
) -> None:
    chief, other = await staff(world, Role.SUPERADMIN), await staff(world, Role.ADMIN)
    proposed = await propose(chief, kind)
    assert proposed.status_code == 202, proposed.text
    assert await paid(chief) == AS_BEFORE
    refused = await judge_pay(chief, proposed.json())
    assert (refused.status_code, refused.json()["detail"]) == (409, Objection.SAME_PERSON.value)
    assert (await propose(chief, kind)).status_code == 409  # one is open
    assert await paid(chief) == AS_BEFORE
    approved = (await judge_pay(other, proposed.json())).json()
    assert (approved["status"], approved["decider_id"]) == ("APPROVED", other.id)
    assert await paid(chief) == after
    assert (await judge_pay(other, proposed.json())).status_code == 409


async def test_one_person_with_a_second_account_raises_nothing(world: World) -> None:
    chief, honest = await staff(world, Role.SUPERADMIN), await staff(world, Role.SUPERADMIN)
    second = await join(world, chief, honest, "superadmin")
    proposal = (await propose(second, "configuration")).json()
    refused = await judge_pay(chief, proposal)
    assert refused.json()["detail"] == Objection.ONE_LINE.value
    world.move_to(utcnow() + WEEK - timedelta(microseconds=1))
    proposal = (await propose(honest, "videos")).json()
    assert (await judge_pay(second, proposal)).json()["detail"] == Objection.TOO_NEW.value
    assert await paid(chief) == AS_BEFORE


@pytest.mark.parametrize("lose", [demote, disable, suspend])
async def test_a_proposal_dies_with_its_proposers_standing(world: World, lose: Any) -> None:
    chief, other = await staff(world, Role.SUPERADMIN), await staff(world, Role.SUPERADMIN)
    proposal = (await propose(chief, "task-types")).json()
    await lose(world, chief)
    assert await status_of(other) == ("LAPSED", Objection.PROPOSER_LEFT.value)
    assert (await judge_pay(other, proposal)).status_code == 409
    assert await paid(other) == AS_BEFORE


async def test_who_may_not_propose_it_any_more_ends_it_when_it_is_approved(world: World) -> None:
    chief, other = await staff(world, Role.SUPERADMIN), await staff(world, Role.SUPERADMIN)
    proposal = (await propose(chief, "configuration")).json()
    await promote(world, chief, Role.ADMIN)  # staff still
    assert await status_of(other) == ("PROPOSED", None)
    refused = await judge_pay(other, proposal)
    assert refused.json()["detail"] == Objection.PROPOSER_LEFT.value
    assert await status_of(other) == ("LAPSED", Objection.PROPOSER_LEFT.value)
    assert await paid(other) == AS_BEFORE


async def test_nothing_is_approved_after_a_week(world: World) -> None:
    chief, other = await staff(world, Role.SUPERADMIN), await staff(world, Role.SUPERADMIN)
    proposal = (await propose(chief, "videos")).json()
    world.move_to(utcnow() + WEEK)
    refused = (await judge_pay(other, proposal)).json()
    assert refused["detail"] == "The proposal is older than a week. Propose it again."
    assert await lapse_proposals(world.database, utcnow()) == 1
    assert await status_of(other) == ("LAPSED", "Nobody approved it within a week.")


async def test_a_change_that_was_looked_at_is_the_one_that_is_made(world: World) -> None:
    chief, other = await staff(world, Role.SUPERADMIN), await staff(world, Role.SUPERADMIN)
    proposal = (await propose(chief, "videos")).json()
    assert proposal["changes"] == {"boost_percent": [150, 200]}
    title = await a_video(chief) | {"title": "Another title"}
    assert (await put(chief, "videos", title)).status_code == 204
    assert (await judge_pay(other, proposal)).status_code == 409
    assert await paid(chief) == AS_BEFORE
    assert (await judge_pay(chief, proposal, "reject")).json()["status"] == "REJECTED"


async def test_ten_approvals_at_once_make_one_change(world: World) -> None:
    chief, other = await staff(world, Role.SUPERADMIN), await staff(world, Role.SUPERADMIN)
    proposal = (await propose(chief, "configuration")).json()
    answers = await asyncio.gather(*(judge_pay(other, proposal) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    assert len((await chief.get(CONFIGURATION)).json()["versions"]) == 2


async def test_what_is_no_pay_is_written_at_once_and_the_rest_is_not(world: World) -> None:
    chief = await staff(world, Role.SUPERADMIN)
    video, kind = await a_video(chief), await a_task_type(chief)
    for edit in ({"title": "Ours"}, {"country": "EG"}, {"is_active": False}):
        assert (await put(chief, "videos", video | edit)).status_code == 204
    anew = await put(chief, "videos", video)  # to show it again
    assert (anew.status_code, anew.json()["changes"]) == (202, anew.json()["changes"])
    assert anew.json()["changes"]["is_active"] == [False, True]
    for edit in ({"name": "Other"}, {"is_active": False}):
        assert (await put(chief, "task-types", kind | edit)).status_code == 204
    assert (await put(chief, "task-types", kind)).status_code == 202
    assert (await put(chief, "task-types", kind | {"id": 99})).status_code == 202
    fourth = (await rows_of(chief, "task-types"))[3]
    other_rule = fourth | {"validation_rule": "none", "is_active": False}
    assert (await put(chief, "task-types", other_rule)).status_code == 202


@pytest.mark.parametrize(
    ("kind", "edit", "status"),
    [
        ("videos", {"boost_percent": 300}, 202),
        ("videos", {"boost_percent": 301}, 400),
        ("videos", {"duration_seconds": 1}, 400),
        ("videos", {"duration_seconds": None}, 204),
        ("task-types", {"reward_micro": 100_000_000}, 202),
        ("task-types", {"reward_micro": 100_000_001}, 400),
    ],
)
async def test_a_change_has_bounds_for_two_as_well(
    world: World, kind: str, edit: dict[str, Any], status: int
) -> None:
    chief = await staff(world, Role.SUPERADMIN)
    row = await (a_video(chief) if kind == "videos" else a_task_type(chief))
    length = "UPDATE videos SET duration_seconds = 60 WHERE provider_id = :id RETURNING 1"
    if kind == "videos":
        await world.rows(length, id=row["provider_id"])
        row |= {"duration_seconds": 60}
    assert (await put(chief, kind, row | edit)).status_code == status
    if kind == "videos":
        assert (await a_video(chief))["duration_seconds"] == 60


async def test_a_new_video_has_no_length_before_its_provider_told_it(world: World) -> None:
    chief, other = await staff(world, Role.SUPERADMIN), await staff(world, Role.ADMIN)
    new = await a_video(chief) | {"provider_id": "short", "inactive_because": None}
    assert (await put(chief, "videos", new | {"duration_seconds": 5})).status_code == 400
    proposed = await put(chief, "videos", new | {"duration_seconds": None})
    assert (await judge_pay(other, proposed.json())).status_code == 200
    [length] = await world.rows("SELECT duration_seconds FROM videos WHERE provider_id = 'short'")
    assert length.duration_seconds is None


async def test_each_approval_is_told_once(world: World) -> None:
    chief, other = await staff(world, Role.SUPERADMIN), await staff(world, Role.ADMIN)
    for kind, what in (("videos", "approve"), ("task-types", "reject"), ("task-types", "approve")):
        proposal = (await propose(chief, kind)).json()
        assert (await judge_pay(other, proposal, what)).status_code == 200
    for _ in range(3):
        await world.go_to(utcnow() + timedelta(minutes=5))
    found = await world.rows(
        "SELECT severity, text FROM alerts WHERE key LIKE 'pay:%' ORDER BY text"
    )
    assert [row.severity for row in found] == ["CRITICAL", "CRITICAL"]
    assert found[0].text.startswith("What is paid was changed: task type (1)")


async def approve(world: World, folder: Path, proposal_id: UUID | None) -> int:
    """As `twtc admin approve` does it."""
    with announced(folder, Processes(world.config, {}).env):
        config = load_config(with_addresses({"HOME": "/"}, folder))
        return await _approve(config, proposal_id, "my own hand")


async def test_the_operators_own_hand_needs_no_colleague(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chief = await staff(world, Role.SUPERADMIN)
    proposal = (await propose(chief, "videos")).json()
    assert await approve(world, tmp_path, None) == 0
    assert proposal["id"] in capsys.readouterr().out
    assert await paid(chief) == AS_BEFORE
    assert await approve(world, tmp_path, UUID(proposal["id"])) == 0
    assert await paid(chief) == (200, 2_000_000, 3)
    assert await world.value("SELECT decider_id FROM pay_proposals") is None
    with pytest.raises(NotDecidableError):
        await approve(world, tmp_path, UUID(proposal["id"]))
    with pytest.raises(NoSuchProposalError):
        await approve(world, tmp_path, uuid4())


async def test_nor_does_it_approve_for_who_is_gone(world: World, tmp_path: Path) -> None:
    chief = await staff(world, Role.SUPERADMIN)
    proposal = (await propose(chief, "videos")).json()
    await promote(world, chief, Role.MODERATOR)
    with pytest.raises(NotDecidableError):
        await approve(world, tmp_path, UUID(proposal["id"]))


async def test_the_configuration_may_have_moved_on(world: World) -> None:
    chief, other = await staff(world, Role.SUPERADMIN), await staff(world, Role.ADMIN)
    proposal = (await propose(chief, "configuration")).json()
    await configure(world, boosts_per_day=7)
    assert (await judge_pay(other, proposal)).status_code == 409
    assert await paid(chief) == (150, 2_000_000, 7)
