"""Fraud through the API and the workers: what is noticed, what it brings, how it ends."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from msgspec.structs import replace
from netaddr import IPSet  # type: ignore[import-untyped]

from engine.core.role import Role
from models.base.db import Connection, Statement, rows
from models.fraud.reputation import Places, store_list
from models.intents import record as intents
from runtime.clock import utcnow
from runtime.environment import CaptchaConfig, Config
from runtime.proxies import Proxies
from tests.kit.accounts import PASSWORD, auth, signed_up
from tests.kit.fingerprints import SIGNALS
from tests.kit.fraud import logged, refusal
from tests.kit.places import CHINA, USA
from tests.kit.staff import staff
from tests.kit.world import Person, World

SECOND = timedelta(seconds=1)


@pytest.fixture
def config(config: Config) -> Config:
    """Behind a proxy on the test's own address, with the local CAPTCHA."""
    captcha = CaptchaConfig("local", "", "", "", "")
    return replace(config, trusted_proxies=Proxies("127.0.0.1"), captcha=captcha)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Two networks and where they are."""
    writer = MMDBWriter(4, "GeoLite2-City", float_type="f64")
    for network, latitude, longitude in (
        ("198.51.100.0/24", 40.7, -74.0),
        ("203.0.113.0/24", 31.2, 121.5),
    ):
        location = {"location": {"latitude": latitude, "longitude": longitude}}
        writer.insert_network(IPSet([network]), location)
    path = tmp_path / "places.mmdb"
    writer.to_db_file(str(path))
    return Places(str(path))


async def act(person: Person, ip: str = USA, **headers: str) -> dict[str, Any]:
    """Ask to start a task, from an address."""
    answer = await person.post("/v1/tasks/1/started", **{"X-Forwarded-For": ip, **headers})
    return await person.outcome(answer) if answer.status_code in (200, 202) else answer.json()


async def test_usa_to_china_in_ten_minutes_asks_for_the_password(
    world: World, places: Places
) -> None:
    world.shop = replace(world.shop, places=places)
    person, _ = await signed_up(world)
    await act(person, USA)
    world.move_to(utcnow() + timedelta(minutes=10))
    await act(person, CHINA)
    assert await logged(world) == [("IMPOSSIBLE_TRAVEL", "HIGH")]
    assert await refusal(person) == "REAUTHENTICATION_REQUIRED"
    world.move_to(utcnow() + SECOND)
    refused = await act(person, CHINA)
    assert refused["type"] == "urn:twtc:problem:reauthentication-required"
    again = await auth(world, "login", email="ann@example.com", password=PASSWORD)
    assert again.status_code == 200
    world.move_to(utcnow() + SECOND)
    assert (await act(person, CHINA))["status"] in ("APPLIED", "REJECTED")
    assert await refusal(person) != "REAUTHENTICATION_REQUIRED"
    assert len(await logged(world)) == 1


async def test_of_who_objects_to_tracking_no_place_is_known(world: World, places: Places) -> None:
    world.shop = replace(world.shop, places=places)
    person = await world.person()
    consents = {"tracking": False, "marketing": False}
    answer = await world.http.put("/v1/me/consents", json=consents, headers=person.headers)
    assert answer.status_code == 200, answer.text
    told = await person.post("/v1/me/device", SIGNALS)
    assert told.json() == {"device_token": None}
    await act(person, USA)
    world.move_to(utcnow() + SECOND)
    await act(person, CHINA, **{"Device-Token": "00" * 16 + ".x"})
    assert await logged(world) == []
    assert await world.value("SELECT count(*) FROM fraud_trails WHERE latitude IS NOT NULL") == 0
    assert await world.value("SELECT count(*) FROM fingerprints") == 0


async def test_a_device_token_is_its_owners_and_travels_with_the_intent(world: World) -> None:
    one, other = await world.people(2)
    token = (await one.post("/v1/me/device", SIGNALS)).json()["device_token"]
    for person in (one, other):
        await act(person, **{"Device-Token": token})
    await act(one, **{"Device-Token": "00.00"})
    found = await world.rows(
        "SELECT user_id, evidence ->> 'device' AS device FROM intents"
        " WHERE kind = 'task.start' ORDER BY user_id, device"
    )
    assert [(row.user_id, row.device and row.device == token.split(".")[0]) for row in found] == [
        (one.id, True),
        (one.id, None),
        (other.id, None),
    ]


async def test_levels_lead_to_cooldown_captcha_and_back(world: World) -> None:
    person = await world.person()
    for hour, expected in enumerate([None, "COOLDOWN", "CAPTCHA_REQUIRED"]):
        for _ in range(2):
            await act(person)
        found = await refusal(person)
        assert (found == expected) if expected else found not in ("COOLDOWN", "CAPTCHA_REQUIRED")
        world.move_to(utcnow() + timedelta(minutes=61))
        assert hour < 3
    refused = await act(person)
    assert refused["type"] == "urn:twtc:problem:captcha-required"
    challenge = (await world.http.get("/v1/captcha")).json()
    right = sum(int(part) for part in challenge["question"].split(" + "))
    for answer, status in ((right + 1, 403), (right, 204)):
        token = f"{challenge['site_key']}.{answer}"
        solved = await person.post("/v1/me/captcha", {"token": token})
        assert solved.status_code == status
    assert await refusal(person) != "CAPTCHA_REQUIRED"
    world.move_to(utcnow() + timedelta(minutes=5))
    assert (await person.post("/v1/me/captcha", {"token": token})).status_code == 403


async def test_what_was_begun_goes_on_in_a_cooldown_and_stops_in_a_suspension(
    world: World,
) -> None:
    held, suspended = await world.people(2, group_number=1)
    moderator = await staff(world, Role.MODERATOR)
    await world.go_to(held.next_opening())
    ads = [await held.begin(), await suspended.begin()]
    await world.rows(
        "UPDATE users SET hold = 'COOLDOWN', hold_until = CAST(:now AS timestamptz)"
        " + interval '1 hour'"
        " WHERE id = :u RETURNING 1",
        u=held.id,
    )
    reason = {"reason": "looks like a farm"}
    answer = await moderator.post(f"/v1/admin/users/{suspended.id}/suspend", reason)
    assert answer.status_code == 204
    await world.go_to(utcnow() + timedelta(seconds=60))
    done = await held.post(f"/v1/ads/views/{ads[0]['view_id']}/completed")
    assert done.status_code == 202
    refused = await suspended.post(f"/v1/ads/views/{ads[1]['view_id']}/completed")
    assert refused.json()["type"] == "urn:twtc:problem:suspended"
    # The network's proof is kept: it is not the member's own doing.
    for ad in ads:
        assert (await held.callback(ad["nonce"])).status_code == 200
    await world.drain()
    lift = await moderator.post(f"/v1/admin/users/{suspended.id}/release", reason)
    assert lift.status_code == 204
    assert await refusal(suspended) != "SUSPENDED"
    again = await moderator.post(f"/v1/admin/users/{suspended.id}/release", reason)
    assert again.status_code == 404


async def test_a_hold_that_ends_while_a_request_is_refused_refuses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The CAPTCHA of another request is solved between the refusal and the look at its reason."""
    person = await world.person()
    hold = """
        UPDATE users SET hold = CAST(:hold AS text), hold_until = CAST(:until AS timestamptz)
        WHERE bucket = :bucket AND id = :id RETURNING 1
    """
    who = {"bucket": person.id % 64, "id": person.id}
    await world.rows(hold, **who, hold="CAPTCHA", until=utcnow() + timedelta(hours=1))

    async def free_first(connection: Connection, statement: Statement, *params: Any) -> Any:
        if statement is intents.STANDING:
            await world.rows(hold, **who, hold=None, until=None)
        return await rows(connection, statement, *params)

    monkeypatch.setattr(intents, "rows", free_first)
    assert (await person.post("/v1/tasks/1/started")).status_code == 202


async def test_nobody_decides_about_themselves(world: World) -> None:
    chief, other = await staff(world, Role.SUPERADMIN), await staff(world, Role.SUPERADMIN)
    path, reason = f"/v1/admin/users/{chief.id}", {"reason": "I am no farm"}
    assert (await chief.post(f"{path}/suspend", reason)).status_code == 404
    assert (await other.post(f"{path}/suspend", reason)).status_code == 204
    assert (await chief.post(f"{path}/release", reason)).status_code == 403
    assert await refusal(chief) == "SUSPENDED"
    assert (await other.post(f"{path}/release", reason)).status_code == 204


async def test_two_devices_at_once_end_the_later_sign_in(world: World) -> None:
    person, first = await signed_up(world)
    world.move_to(utcnow() + SECOND)
    second = (await auth(world, "login", email="ann@example.com", password=PASSWORD)).json()
    for tokens, ip in ((first, USA), (second, CHINA)):
        world.move_to(utcnow() + 2 * SECOND)
        headers = {"Authorization": f"Bearer {tokens['access_token']}", "X-Forwarded-For": ip}
        answer = await person.post("/v1/tasks/1/started", **headers)
        assert answer.status_code == 202
        await world.drain()
    assert await logged(world) == [("DUPLICATE_SESSION", "MEDIUM")]
    gone = await auth(world, "refresh", refresh_token=second["refresh_token"])
    kept = await auth(world, "refresh", refresh_token=first["refresh_token"])
    assert (gone.status_code, kept.status_code) == (401, 200)


async def test_a_listed_address_asks_for_a_code(world: World) -> None:
    await store_list(world.database, "TOR", f"# exits\n{USA}\n", "test", utcnow())
    world.shop.reputation.forget()
    person = await world.person()
    await act(person, USA)
    assert await logged(world) == [("BAD_ADDRESS", "MEDIUM")]
    assert await refusal(person) == "VERIFICATION_REQUIRED"


async def test_the_review_list_names_what_was_serious(world: World) -> None:
    people = await world.people(4)
    moderator = await staff(world, Role.MODERATOR)
    for person in people:
        await person.post("/v1/me/device", SIGNALS)
    await world.drain()
    page = (
        await moderator.get(
            "/v1/admin/suspicions",
        )
    ).json()
    assert {item["user_id"] for item in page["items"]} == {person.id for person in people}
    assert {(i["event_type"], i["hold"]) for i in page["items"]} == {
        ("MULTI_ACCOUNT", "VERIFICATION")
    }
    one = (await moderator.get(f"/v1/admin/suspicions?user={people[0].id}")).json()
    assert [item["user_id"] for item in one["items"]] == [people[0].id]
    looked = await world.rows(
        "SELECT action, subject_id FROM admin_log WHERE actor_id = :m", m=moderator.id
    )
    assert [tuple(row) for row in looked] == [("fraud.view", str(people[0].id))]


async def test_fifty_starts_at_once_leave_one_trail(world: World) -> None:
    person = await world.person()
    await asyncio.gather(*(person.post(f"/v1/tasks/{n % 5 + 1}/started") for n in range(50)))
    await world.drain()
    assert await world.value("SELECT count(*) FROM fraud_trails") == 1
    assert {event for event, _ in await logged(world)} == {"SUSPICIOUS_TIMING"}
