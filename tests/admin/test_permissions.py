"""Every route, called by everybody: who may and who may not (decision 0028).

The table is written by hand and must name exactly the application's routes: a new route fails here
until somebody has said who may call it.
"""

from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from litestar import Litestar, get

from api.app import create_app
from api.web_base.permissions import (
    MEMBER,
    PUBLIC,
    OpenRouteError,
    check_routes,
    handlers_of,
    needs,
)
from api.web_base.tokens import issue_access_token
from engine.admin.permissions import PERMISSIONS, Permission, may_act_on, may_change_role
from engine.core.role import Role
from engine.fraud.examination import HeldAccount
from engine.fraud.levels import LASTS, Hold
from models.base.db import transaction
from models.fraud.keep import store_holds
from models.intents.batch import Batch
from models.privacy.erasure import close_account
from runtime.clock import utcnow
from runtime.environment import Config
from tests.kit.permissions import ANYBODY, TABLE
from tests.kit.staff import promote, staff
from tests.kit.world import Person, World

AN_ID = "00000000-0000-7000-8000-000000000000"
EXAMPLES = {
    "intent_id": AN_ID,
    "view_id": AN_ID,
    "boost_id": AN_ID,
    "adjustment_id": AN_ID,
    "proposal_id": AN_ID,
    "change_id": AN_ID,
    "letter_id": AN_ID,
    "sign_in_id": AN_ID,
    "subject_id": "9223372036854775807",
    "number": "1",
    "bucket": "1",
    "ad_id": "999",
    "name": "main.js",
    "day": "2026-02-28",
}
BODIES: dict[str, Any] = {
    "POST /v1/boosts": {"video_id": "nobody's"},
    "POST /v1/boosts/{boost_id}/progress": {"token": "x", "position_seconds": 1},
    "POST /v1/boosts/{boost_id}/failed": {"cause": "UNPLAYABLE"},
    "POST /v1/boosts/{boost_id}/answer": {"option": 1},
    "POST /v1/tasks/{number}/answer": {"option": 1},
    "POST /v1/ads/views/{view_id}/failed": {"cause": "NO_FILL"},
    "POST /v1/devices": {"token": "t" * 40, "platform": "WEB", "language": "en"},
}
ROLES = list(Role)


def _placeholder() -> Config:
    return Config("", "", "redis://", b"", (), "")


def test_the_table_names_every_route_and_no_other() -> None:
    routes = {f"{method} {path}" for path, method, _ in handlers_of(create_app(_placeholder()))}
    assert routes == set(TABLE)


async def _call(world: World, name: str, person: Person | None) -> int:
    method, path = name.split(" ")
    for parameter, value in EXAMPLES.items():
        path = path.replace(f"{{{parameter}}}", value)
    path = path.replace("{network}", "nobody").replace("{", "").replace("}", "")
    headers = {"Idempotency-Key": "a-key"} | (person.headers if person else {})
    body = BODIES.get(name, None if method in ("GET", "DELETE") else {})
    answer = await world.http.request(method, path, json=body, headers=headers)
    assert answer.status_code < 500, (name, answer.text)
    return answer.status_code


async def test_every_route_with_every_role_and_without(world: World) -> None:
    people = {role: await staff(world, role) for role in ROLES}
    world.services.streams.close()  # each ends after its first events
    wrong = []
    for name, lowest in TABLE.items():
        if lowest == ANYBODY:  # what it asks for instead, its own tests say
            for person in (None, *people.values()):
                assert await _call(world, name, person) != 403
            continue
        allowed = ROLES[ROLES.index(Role(lowest)) :]
        expected = {"nobody": "401"}
        expected |= {role.value: "pass" if role in allowed else "403" for role in ROLES}
        for who, wanted in expected.items():
            status = await _call(world, name, people[Role(who)] if who != "nobody" else None)
            got = str(status) if status in (401, 403) else "pass"
            if got != wanted:
                wrong.append((name, who, wanted, status))
    assert wrong == []


def _app(handler: Any) -> Litestar:
    return Litestar([handler], openapi_config=None)


@pytest.mark.parametrize("opt", [{}, {"permission": None}, {"permission": "admin"}])
def test_a_route_that_does_not_say_who_may_call_it_is_refused(opt: dict[str, Any]) -> None:
    @get("/open", opt=opt, sync_to_thread=False)
    def handler() -> None: ...

    with pytest.raises(OpenRouteError, match="GET /open does not say"):
        check_routes(_app(handler))


def test_a_route_that_is_not_guarded_as_it_says_is_refused() -> None:
    @get("/mine", opt=MEMBER, sync_to_thread=False)
    def member() -> None: ...

    @get("/privileged", opt=needs(Permission.LOG_READ), sync_to_thread=False)
    def privileged() -> None: ...

    @get("/free", opt=PUBLIC, sync_to_thread=False)
    def public() -> None: ...

    for handler in (member, privileged):
        with pytest.raises(OpenRouteError):
            check_routes(_app(handler))
    check_routes(_app(public))


async def test_a_change_of_role_holds_from_the_next_request(world: World) -> None:
    person = await world.person()
    assert (await person.get("/v1/admin/users")).status_code == 403
    headers = person.headers  # one token throughout
    for role, status in ((Role.MODERATOR, 200), (Role.USER, 403), (Role.ADMIN, 200)):
        await promote(world, person, role)
        answer = await world.http.get("/v1/admin/users", headers=headers)
        assert answer.status_code == status


async def test_a_disabled_administrator_may_nothing(world: World) -> None:
    chief, admin = await staff(world, Role.SUPERADMIN), await staff(world, Role.ADMIN)
    body = {"reason": "left the company"}
    answer = await chief.post(f"/v1/admin/users/{admin.id}/disable", body)
    assert answer.json() == {"id": admin.id, "role": "admin", "is_active": False}
    refused = await admin.get("/v1/admin/users")
    assert refused.status_code == 403
    assert refused.json()["type"] == "urn:twtc:problem:account-disabled"


async def test_whoever_signs_out_everywhere_may_nothing_at_once(world: World) -> None:
    chief = await staff(world, Role.SUPERADMIN)
    headers = chief.headers  # good for a quarter of an hour
    assert (await chief.get("/v1/admin/log")).status_code == 200
    assert (await chief.post("/v1/auth/logout-everywhere")).status_code == 204
    refused = await world.http.get("/v1/admin/log", headers=headers)
    assert refused.status_code == 401
    assert refused.json()["type"] == "urn:twtc:problem:unauthorized"


async def test_a_token_is_good_as_long_as_its_own_sign_in(world: World) -> None:
    chief, other = await staff(world, Role.SUPERADMIN), await staff(world, Role.SUPERADMIN)
    secret, now = world.config.secret, utcnow()
    for sign_in_id in (UUID(int=0), UUID(int=other.id)):
        token = issue_access_token(secret, chief.id, now, sign_in_id)
        headers = {"Authorization": f"Bearer {token}"}
        assert (await world.http.get("/v1/admin/log", headers=headers)).status_code == 401
    end = "UPDATE sign_ins SET expires_at = :now WHERE user_id = :u RETURNING 1"
    await world.rows(end, u=chief.id)
    assert (await chief.get("/v1/admin/log")).status_code == 401


@pytest.mark.parametrize(
    ("hold", "status", "slug"),
    [
        (Hold.COOLDOWN, 200, None),
        (Hold.CAPTCHA, 200, None),
        (Hold.VERIFICATION, 403, "verification-required"),
        (Hold.REAUTHENTICATION, 403, "reauthentication-required"),
        (Hold.SUSPENDED, 403, "suspended"),
    ],
)
async def test_nobody_acts_of_whom_it_is_in_doubt_who_they_are(
    world: World, hold: Hold, status: int, slug: str | None
) -> None:
    admin = await staff(world, Role.ADMIN)
    until = utcnow() + LASTS[hold]
    async with transaction(world.database) as connection:
        batch = Batch(connection, admin.id % 64, (), {}, utcnow())
        await store_holds(batch, [HeldAccount(admin.id, hold, until)])
    answer = await admin.get("/v1/admin/users")
    assert answer.status_code == status
    assert slug is None or answer.json()["type"] == f"urn:twtc:problem:{slug}"
    world.move_to(until)
    assert (await admin.get("/v1/admin/users")).status_code == 200


async def test_a_closed_account_is_neither_switched_on_nor_promoted(world: World) -> None:
    admin, person = await staff(world, Role.ADMIN), await world.person()
    await close_account(world.database, world.services.copies, person.id, utcnow())
    path = f"/v1/admin/users/{person.id}"
    for verb, more in (("enable", {}), ("disable", {}), ("role", {"role": "vip"})):
        answer = await admin.post(f"{path}/{verb}", {"reason": "asked to"} | more)
        assert answer.status_code == 404, answer.text


async def test_the_status_poll_reads_no_role(world: World, monkeypatch: Any) -> None:
    person = await world.person()
    read: list[int] = []

    async def count(_database: Any, user_id: int, *_: Any) -> None:
        read.append(user_id)

    monkeypatch.setattr("api.web_base.permissions.read_caller", count)
    assert (await person.get("/v1/mining/status")).status_code == 200
    assert (await person.get("/v1/admin/users")).status_code == 401
    assert read == [person.id]


def test_roles_hold_what_the_ones_below_hold() -> None:
    for lower, higher in pairwise(ROLES):
        assert PERMISSIONS[lower] < PERMISSIONS[higher]
    assert PERMISSIONS[Role.USER] == frozenset()
    assert PERMISSIONS[Role.SUPERADMIN] == frozenset(Permission)


def test_nobody_reaches_their_equals_but_superadmins() -> None:
    for actor in ROLES:
        for subject in ROLES:
            reaches = actor is Role.SUPERADMIN or ROLES.index(actor) > ROLES.index(subject)
            assert may_act_on(actor, subject) == reaches
    assert not may_change_role(Role.ADMIN, Role.USER, Role.ADMIN)
    assert not may_change_role(Role.ADMIN, Role.SUPERADMIN, Role.USER)
    assert may_change_role(Role.ADMIN, Role.MODERATOR, Role.USER)
    assert may_change_role(Role.SUPERADMIN, Role.SUPERADMIN, Role.USER)
