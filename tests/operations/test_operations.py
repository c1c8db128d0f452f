"""The page of truth and what operators do from it: dead letters, verdicts, ad units, figures."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from engine.core.role import Role
from models.base.db import connected, run, sql
from models.operations.facts import compute_facts
from runtime.clock import utcnow
from tests.kit.problems import problem_of
from tests.kit.staff import judge_pay, staff
from tests.kit.words import at
from tests.kit.world import Person, World


async def test_it_tells_which_group_missed_which_tick(world: World) -> None:
    admin = await staff(world, Role.ADMIN)
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    await person.mine()
    await world.go_to(at("00:10"))
    before = (await admin.get("/v1/admin/operations")).json()
    assert [t["missed_boundaries"] for t in before["ticks"]] == [0]
    group = {"group_number": 1, "members": 1, "is_open": True, "opens_at": "2026-03-01T00:00:00Z"}
    assert before["groups"][0] == group | {"members": before["groups"][0]["members"]}
    assert len(before["groups"]) == 10 and before["alerts"] == []
    world.move_to(at("00:45"))  # the clock process stood still
    [stuck] = (await admin.get("/v1/admin/operations")).json()["ticks"]
    assert (stuck["group_number"], stuck["missed_boundaries"]) == (1, 3)
    assert stuck["credited_through"] == "2026-03-01T00:10:00Z"
    await world.go_to(at("00:50"))
    [caught_up] = (await admin.get("/v1/admin/operations")).json()["ticks"]
    assert caught_up["missed_boundaries"] == 0


async def test_it_tells_who_waits(world: World) -> None:
    admin = await staff(world, Role.ADMIN)
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    await person.post("/v1/mining/sessions")
    shown = (await admin.get("/v1/admin/operations")).json()
    waiting = {"group_number": 1, "bucket": person.id % 64, "undone": 1}
    assert shown["backlog"] == [waiting | {"oldest_at": "2026-03-01T00:05:00Z"}]
    assert [q["depth"] for q in shown["queues"] if q["name"] == "group-01"] == [1]
    assert shown["workers"] == []
    await world.drain()
    assert (await admin.get("/v1/admin/operations")).json()["backlog"] == []


async def test_a_dead_letter_is_shown_and_revived_once(world: World) -> None:
    admin = await staff(world, Role.ADMIN)
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    started = await person.post("/v1/mining/sessions")
    intent_id = started.json()["id"]
    async with connected(world.database) as connection:
        broken = "UPDATE intents SET status = 'FAILED', applied_at = :now, attempts = 5,"
        broken += " error = 'ValueError: boom' WHERE user_id = :u"
        assert await run(connection, sql(broken), {"now": utcnow(), "u": person.id}) == 1
    [letter] = (await admin.get("/v1/admin/dead-letters")).json()
    assert (letter["id"], letter["error"]) == (intent_id, "ValueError: boom")
    path = f"/v1/admin/dead-letters/{letter['bucket']}/{letter['id']}/requeue"
    why = {"reason": "mended in 1.2.3"}
    assert (await admin.post(path, why)).status_code == 204
    problem_of(await admin.post(path, why), 404, "not-found")
    assert (await person.outcome(started))["status"] == "APPLIED"
    assert (await admin.get("/v1/admin/dead-letters")).json() == []
    [entry] = await world.rows("SELECT * FROM admin_log WHERE action = 'letter.requeue'")
    assert (entry.subject_id, entry.reason) == (intent_id, "mended in 1.2.3")


async def test_a_moderator_judges_what_was_handed_in(world: World) -> None:
    moderator = await staff(world, Role.MODERATOR)
    person = await world.person()
    number = await _hand_in(world, person)
    [waiting] = (await moderator.get("/v1/admin/reviews")).json()
    assert (waiting["user_id"], waiting["proof"]) == (person.id, "https://example.com/post")
    path = f"/v1/admin/users/{person.id}/tasks/{waiting['day']}/{number}/review"
    verdict = {"submitted_at": waiting["submitted_at"], "is_approved": True}
    for _ in range(2):  # twice is once
        assert (await moderator.post(path, verdict)).status_code == 204
        await world.drain()
    assert (await moderator.get("/v1/admin/reviews")).json() == []
    assert await world.value("SELECT count(*) FROM transactions WHERE type = 'TASK'") == 1
    noted = "SELECT count(*) FROM admin_log WHERE action = 'task.review' AND actor_id = :m"
    assert await world.value(noted, m=moderator.id) == 1
    reviewer = "SELECT reviewer FROM daily_tasks WHERE status = 'CLAIMED'"
    assert await world.value(reviewer) == str(moderator.id)


async def test_nobody_judges_what_they_handed_in_themselves(world: World) -> None:
    moderator = await staff(world, Role.MODERATOR)
    number = await _hand_in(world, moderator)
    [waiting] = (await moderator.get("/v1/admin/reviews")).json()
    path = f"/v1/admin/users/{moderator.id}/tasks/{waiting['day']}/{number}/review"
    for is_approved in (True, False):
        verdict = {"submitted_at": waiting["submitted_at"], "is_approved": is_approved}
        problem_of(await moderator.post(path, verdict), 403, "forbidden")
    await world.drain()
    assert await world.value("SELECT status FROM daily_tasks") == "REVIEW"
    assert await moderator.balance() == "0.000000"


async def _hand_in(world: World, person: Person) -> int:
    day = (await person.get("/v1/tasks/today")).json()
    while True:
        social = [
            t for t in day["tasks"] if (t["category"], t["status"]) == ("SOCIAL", "AVAILABLE")
        ]
        if social:
            break
        world.move_to(utcnow() + timedelta(days=1))
        day = (await person.get("/v1/tasks/today")).json()
    number: int = social[0]["number"]
    await person.ask(f"/v1/tasks/{number}/started", {})
    world.move_to(utcnow() + timedelta(seconds=30))
    proof = {"proof": "https://example.com/post"}
    assert (await person.ask(f"/v1/tasks/{number}/completed", proof))["status"] == "APPLIED"
    return number


async def test_an_ad_unit_is_changed_with_a_reason(world: World) -> None:
    admin = await staff(world, Role.ADMIN)
    units = (await admin.get("/v1/admin/ads")).json()
    house = next(u for u in units if (u["network"], u["purpose"]) == ("house", "MINING"))
    headers = admin.headers
    path = f"/v1/admin/ads/{house['id']}"
    change = {"weight": 25, "min_seconds": 45, "reason": "a longer spot"}
    assert (await world.http.patch(path, json=change, headers=headers)).status_code == 204
    changed = next(u for u in (await admin.get("/v1/admin/ads")).json() if u["id"] == house["id"])
    assert changed == house | {"weight": 25, "min_seconds": 45}
    [entry] = await world.rows("SELECT after, reason FROM admin_log WHERE action = 'ad.change'")
    assert entry.reason == "a longer spot" and '"weight"' in entry.after
    taken = next(u for u in units if u["network"] == "house" and u["id"] != house["id"])["unit"]
    clash = {"unit": taken, "reason": "a mistake"}
    problem_of(await world.http.patch(path, json=clash, headers=headers), 409, "conflict")
    nobody = await world.http.patch("/v1/admin/ads/999", json=change, headers=headers)
    problem_of(nobody, 404, "not-found")


async def test_an_ad_unit_is_added_to_a_network_that_is_known(world: World) -> None:
    admin = await staff(world, Role.ADMIN)
    networks = {n["name"]: n for n in (await admin.get("/v1/admin/networks")).json()}
    assert networks["house"] == {"name": "house", "units": 2, "is_verified": True}
    assert not networks["meta"]["is_verified"]  # nobody has configured its secret
    unit: dict[str, Any] = {"network": "admob", "unit": "ca-app-pub-1/2", "type": "REWARDED"}
    unit |= {"purpose": "TASK", "min_seconds": 15, "proof": "BOTH", "weight": 5}
    unit |= {"fallback_rank": 9, "revenue_micro_usd": 4_000, "is_active": True}
    added = await admin.post("/v1/admin/ads", unit | {"reason": "a second placement"})
    assert added.json() == unit | {"id": 1_000, "requests_per_minute": None}
    assert added.json() in (await admin.get("/v1/admin/ads")).json()
    again = await admin.post("/v1/admin/ads", unit | {"reason": "a second placement"})
    problem_of(again, 409, "conflict")
    unknown = await admin.post("/v1/admin/ads", unit | {"network": "acme", "reason": "trying"})
    problem_of(unknown, 400, "bad-request")
    [entry] = await world.rows("SELECT subject_id, reason FROM admin_log WHERE action = 'ad.add'")
    assert tuple(entry) == ("1000", "a second placement")


async def test_the_load_of_a_day_is_counted_by_windows(world: World) -> None:
    admin = await staff(world, Role.ADMIN)
    for person in await world.people(3, group_number=1):
        world.move_to(at("00:05"))
        await person.begin()
    world.move_to(at("01:00"))
    shown = (await admin.get("/v1/admin/load")).json()
    assert (shown["slot_seconds"], shown["served"]) == (1440, [3, 0, 0])
    assert (shown["mean"], shown["peak_over_mean"]) == (1.5, None)  # most had no turn yet
    world.move_to(at("04:00"))
    shown = (await admin.get("/v1/admin/load")).json()
    assert (shown["mean"], shown["peak_over_mean"]) == (0.3, 10.0)
    # The members stand in groups 1 and 2, whose windows are the first two of ten.
    sizes = [await world.value("SELECT sum(member_count) FROM group_sizes WHERE group_number = 1")]
    sizes.append(await world.value("SELECT sum(member_count) FROM group_sizes") - sizes[0])
    planned = [3 * size / sum(sizes) for size in sizes]
    assert shown["planned"][:2] == pytest.approx(planned)
    assert len(shown["planned"]) == 60
    empty = (await admin.get("/v1/admin/load?day=2026-02-01")).json()
    assert (sum(empty["served"]), len(empty["served"]), empty["peak_over_mean"]) == (0, 60, None)


async def test_a_day_that_began_at_noon_was_not_uneven_all_morning(world: World) -> None:
    admin = await staff(world, Role.ADMIN)
    world.move_to(at("12:05"))  # the window of group 1, the 31st of the day
    await (await world.person(group_number=1)).begin()
    world.move_to(at("20:00"))
    shown = (await admin.get("/v1/admin/load")).json()
    assert (shown["served"].index(1), sum(shown["served"])) == (30, 1)
    assert (shown["mean"], shown["peak_over_mean"]) == (pytest.approx(1 / 20), pytest.approx(20))


async def test_figures_are_read_by_day_and_as_a_table(world: World) -> None:
    admin = await staff(world, Role.ADMIN)
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    await person.mine()
    await world.live_until(at("04:30"), timedelta(minutes=30))
    today = (await admin.get("/v1/admin/facts/today")).json()
    assert (today["as_of"], today["so_far"]["coins"]) == ("2026-03-01T04:30:00Z", "100.000000")
    await compute_facts(world.database, utcnow().date(), utcnow())
    *_, day = (await admin.get("/v1/admin/facts")).json()  # a week is made up for at the start
    assert (day["day"], day["coins"], day["usd"]) == ("2026-03-01", "100.000000", "0.003000")
    assert day["figures"]["sessions"] == {"requested": 1, "mined": 1}
    assert day["ratios"]["ad_completion"] == 1.0
    table = await admin.get("/v1/admin/facts.csv?since=2026-03-01&until=2026-03-01")
    assert table.text.splitlines()[0] == "day,name,label,value"
    assert "2026-03-01,coins_micro,MINING:house,100000000" in table.text.splitlines()


async def test_today_is_counted_once_a_minute_for_all_who_look(world: World) -> None:
    """It takes statements in every piece, and each open console asks again and again."""
    admin, began = await staff(world, Role.ADMIN), utcnow()
    answers = await asyncio.gather(*(admin.get("/v1/admin/facts/today") for _ in range(3)))
    world.move_to(began + timedelta(seconds=59))
    answers.append(await admin.get("/v1/admin/facts/today"))
    assert {answer.json()["as_of"] for answer in answers} == {"2026-03-01T00:00:00Z"}
    world.move_to(began + timedelta(seconds=60))
    later = (await admin.get("/v1/admin/facts/today")).json()
    assert later["as_of"] == "2026-03-01T00:01:00Z"


@pytest.mark.parametrize("query", ["since=2026-03-02&until=2026-03-01", "since=2020-01-01"])
async def test_a_range_that_is_none_is_refused(world: World, query: str) -> None:
    admin = await staff(world, Role.ADMIN)
    problem_of(await admin.get(f"/v1/admin/facts?{query}"), 400, "bad-request")


async def test_content_is_written_whole_and_checked(world: World) -> None:
    admin, chief = await staff(world, Role.ADMIN), await staff(world, Role.SUPERADMIN)

    async def write(person: Person, kind: str, row: dict[str, Any]) -> httpx.Response:
        body = {"row": row, "reason": "for the season"}
        path = f"/v1/admin/content/{kind}"
        return await world.http.put(path, json=body, headers=person.headers)

    for kind in ("videos", "articles", "questions", "task-types"):
        found = (await admin.get(f"/v1/admin/content/{kind}")).json()
        assert found
        for row in found[:3]:  # what is read can be written back
            assert (await write(chief, kind, row)).status_code == 204
        assert (await admin.get(f"/v1/admin/content/{kind}")).json() == found
    video: dict[str, Any] = {"provider": "own", "provider_id": "petra", "title": "Petra"}
    video |= {"channel": "TWTC", "country": "JO", "category": "HISTORY", "duration_seconds": None}
    video |= {"boost_percent": 120, "is_active": True}
    proposed = await write(admin, "videos", video)
    assert proposed.status_code == 202
    told = video | {"inactive_because": None}
    assert told not in (await admin.get("/v1/admin/content/videos")).json()
    assert (await judge_pay(chief, proposed.json())).status_code == 200
    assert told in (await admin.get("/v1/admin/content/videos")).json()
    question = (await admin.get("/v1/admin/content/questions")).json()[0]
    question |= {"key": "video:petra", "video_id": "own:petra", "article_slug": None}
    assert (await write(admin, "questions", question)).status_code == 204
    lost = await write(admin, "questions", question | {"video_id": "own:nothing"})
    problem_of(lost, 409, "conflict")
    wrong = await write(admin, "videos", video | {"boost_percent": 0})
    problem_of(wrong, 400, "bad-request")
    entries = await world.rows("SELECT * FROM admin_log WHERE subject_id = 'own:petra'")
    assert {entry.action for entry in entries} == {"pay.propose", "pay.approve", "video.write"}
    assert {(e.reason, e.actor_id) for e in entries if e.action == "video.write"} == {
        ("for the season", chief.id)
    }
