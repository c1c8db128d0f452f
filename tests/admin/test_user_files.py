"""What operators see of one user, that it is kept who looked, and the verdicts about suspicions."""

from typing import Any

from engine.core.role import Role
from models.base.db import connected, run, sql
from runtime.clock import utcnow
from tests.kit.accounts import signed_up
from tests.kit.fingerprints import SIGNALS
from tests.kit.problems import problem_of
from tests.kit.staff import staff
from tests.kit.words import at
from tests.kit.world import Person, World

SUSPECT = sql("""
    INSERT INTO fraud_logs (bucket, id, user_id, event_type, severity, details, created_at)
    VALUES (:bucket, gen_random_uuid(), :user_id, 'IMPOSSIBLE_TRAVEL', 'HIGH',
            '{"km_per_hour": 9000}', :now)
""")


async def looks_at(world: World, person: Person) -> list[tuple[int, str]]:
    """Who looked at a person, and at what."""
    found = await world.rows(
        "SELECT actor_id, action FROM admin_log WHERE subject_kind = 'user'"
        " AND subject_id = :u AND actor_id IS NOT NULL ORDER BY created_at, id",
        u=str(person.id),
    )
    return [(row.actor_id, row.action) for row in found]


async def test_an_address_is_looked_up_and_its_file_opened(world: World) -> None:
    admin, moderator = await staff(world, Role.ADMIN), await staff(world, Role.MODERATOR)
    ann, _ = await signed_up(world, "ann@example.com")
    asked = {"email": " Ann@Example.com "}
    assert (await admin.post("/v1/admin/users/find", asked)).json() == {"id": ann.id}
    nobody = await admin.post("/v1/admin/users/find", {"phone": "+962790000000"})
    problem_of(nobody, 404, "not-found")
    path = f"/v1/admin/users/{ann.id}"
    shown = (await admin.get(path)).json()
    assert (shown["email"], shown["level"], shown["hold"]) == ("ann@example.com", 0, None)
    hidden = (await moderator.get(path)).json()
    assert hidden == shown | {"email": None}
    expected = [(admin.id, "user.find"), (admin.id, "user.view"), (moderator.id, "user.view")]
    assert sorted(await looks_at(world, ann)) == sorted(expected)
    kept = await world.value("SELECT string_agg(CAST(l AS text), '') FROM admin_log l")
    assert "ann@example.com" not in kept


async def test_devices_and_history_are_read_and_each_look_is_kept(world: World) -> None:
    moderator = await staff(world, Role.MODERATOR)
    ann, _ = await signed_up(world, "ann@example.com")
    miner = await world.person(group_number=1)
    world.move_to(at("00:05"))
    await miner.post("/v1/me/device", SIGNALS)
    await ann.post("/v1/me/device", SIGNALS)
    phone = {"token": "t" * 40, "platform": "ANDROID", "language": "ar"}
    await miner.post("/v1/devices", phone)
    await miner.mine()
    await world.live_until(at("04:10"))

    async def read(person: Person, what: str) -> Any:
        return (await moderator.get(f"/v1/admin/users/{person.id}/{what}")).json()

    devices = await read(miner, "devices")
    assert [d["platform"] for d in devices["phones"]] == ["ANDROID"]
    assert [f["account_count"] for f in devices["fingerprints"]] == [2]
    assert len((await read(ann, "devices"))["sign_ins"]) == 1
    assert [t["amount"] for t in (await read(miner, "ledger"))["items"]] == ["100.000000"]
    assert [s["status"] for s in (await read(miner, "sessions"))["items"]] == ["COMPLETED"]
    first = await read(miner, "activity?limit=1")
    rest = await read(miner, f"activity?cursor={first['next_cursor']}")
    actions = {item["action"] for item in first["items"] + rest["items"]}
    assert {"MINING_START", "AD_START"} <= actions
    assert sorted(action for _, action in await looks_at(world, miner)) == [
        "user.activity",
        "user.activity",
        "user.devices",
        "user.ledger",
        "user.sessions",
    ]
    assert "t" * 40 not in str(devices)


async def test_a_decision_takes_a_user_off_the_list_until_something_new(world: World) -> None:
    moderator, person = await staff(world, Role.MODERATOR), await world.person()

    async def suspect() -> None:
        params = {"bucket": person.id % 64, "user_id": person.id, "now": utcnow()}
        async with connected(world.database) as connection:
            await run(connection, SUSPECT, params)

    async def undecided() -> list[int]:
        page = await moderator.get("/v1/admin/suspicions?undecided=true")
        return [item["user_id"] for item in page.json()["items"]]

    await suspect()
    assert await undecided() == [person.id]
    world.move_to(at("00:10"))
    why = {"reason": "a flight, with ticket"}
    assert (await moderator.post(f"/v1/admin/users/{person.id}/clear", why)).status_code == 204
    assert await undecided() == []
    [item] = (await moderator.get("/v1/admin/suspicions")).json()["items"]
    assert (item["decision"], item["decided_by"]) == ("fraud.clear", moderator.id)
    world.move_to(at("00:20"))
    await suspect()
    assert await undecided() == [person.id]
    chief = await staff(world, Role.SUPERADMIN)
    refused = await moderator.post(f"/v1/admin/users/{chief.id}/clear", why)
    problem_of(refused, 404, "not-found")
