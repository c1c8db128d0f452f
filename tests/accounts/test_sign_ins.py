"""Where one is signed in: devices, cookies, profile, referral."""

from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest

from api.identity.passwords import verify_password
from engine.referrals.codes import referral_code, referrer_of
from runtime.clock import utcnow
from tests.kit.accounts import ANN, PASSWORD, auth, signed_up
from tests.kit.problems import problem_of
from tests.kit.world import World


def signed(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def test_devices_are_listed_and_signed_out_one_by_one(world: World) -> None:
    _, phone = await signed_up(world)
    world.move_to(utcnow() + timedelta(minutes=1))
    login = await world.http.post("/v1/auth/login", json=ANN, headers={"User-Agent": "a laptop"})
    laptop = login.json()
    listed = (await world.http.get("/v1/me/sign-ins", headers=signed(phone))).json()
    assert listed[0]["user_agent"] == "a laptop"
    assert [item["is_this"] for item in listed] == [False, True]
    stranger, _ = await signed_up(world, "bob@example.com")
    path = f"/v1/me/sign-ins/{listed[0]['id']}"
    foreign = await world.http.delete(path, headers=stranger.headers)
    problem_of(foreign, 404, "not-found")
    assert (await world.http.delete(path, headers=signed(phone))).status_code == 204
    problem_of(await world.http.delete(path, headers=signed(phone)), 404, "not-found")
    ended = await auth(world, "refresh", refresh_token=laptop["refresh_token"])
    problem_of(ended, 401, "unauthorized")
    assert (await auth(world, "refresh", refresh_token=phone["refresh_token"])).status_code == 200


async def test_signing_out_everywhere_ends_every_family(world: World) -> None:
    _, phone = await signed_up(world)
    laptop = (await auth(world, "login", **ANN)).json()
    _, bobs = await signed_up(world, "bob@example.com")
    answer = await world.http.post("/v1/auth/logout-everywhere", headers=signed(phone))
    assert answer.status_code == 204
    for tokens, status in ((phone, 401), (laptop, 401), (bobs, 200)):
        refreshed = await auth(world, "refresh", refresh_token=tokens["refresh_token"])
        assert refreshed.status_code == status
    assert (await world.http.get("/v1/me/sign-ins", headers=signed(phone))).json() == []


async def test_a_password_that_changes_meanwhile_begins_no_sign_in(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, tokens = await signed_up(world)
    before = await world.value("SELECT password_hash FROM users")
    real = verify_password

    async def slow(password_hash: str | None, password: str) -> bool:
        fits = await real(password_hash, password)
        change = {"password": PASSWORD, "new_password": "another password"}
        monkeypatch.setattr("api.members.accounts.sign_in.verify_password", real)
        assert (await auth(world, "password", tokens["access_token"], **change)).status_code == 204
        return fits

    monkeypatch.setattr("api.members.accounts.sign_in.verify_password", slow)
    problem_of(await auth(world, "login", **ANN), 401, "unauthorized")
    assert await world.value("SELECT password_hash FROM users") != before
    assert await world.value("SELECT count(*) FROM sign_ins") == 1
    assert await world.value("SELECT count(*) FROM refresh_tokens") == 1


async def test_a_form_of_another_site_signs_nobody_in(world: World) -> None:
    await signed_up(world)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = await world.http.post(
            "/v1/auth/login",
            content=msgspec.json.encode(ANN | {"in_cookie": True}),
            headers={"Content-Type": kind},
        )
        problem_of(answer, 400, "bad-request")
        assert "set-cookie" not in answer.headers


def cookie_of(answer: httpx.Response) -> str:
    [cookie] = [c for c in answer.headers.get_list("set-cookie") if c.startswith("twtc_refresh=")]
    return str(cookie)


async def test_browsers_keep_the_refresh_token_where_scripts_cannot_read_it(world: World) -> None:
    await signed_up(world)
    login = await auth(world, "login", **ANN, in_cookie=True)
    cookie = cookie_of(login)
    assert login.json()["refresh_token"] is None
    for attribute in ("HttpOnly", "Secure", "SameSite=strict", "Path=/v1/auth", "Max-Age=604800"):
        assert attribute.lower() in cookie.lower(), attribute
    value = cookie.partition("=")[2].partition(";")[0]
    world.http.cookies.clear()
    jar = {"Cookie": f"twtc_refresh={value}"}
    renewed = await world.http.post("/v1/auth/refresh", json={}, headers=jar)
    assert renewed.status_code == 200 and renewed.json()["refresh_token"] is None
    successor = cookie_of(renewed).partition("=")[2].partition(";")[0]
    assert successor != value
    world.http.cookies.clear()
    jar = {"Cookie": f"twtc_refresh={successor}"}
    left = await world.http.post("/v1/auth/logout", json={}, headers=jar)
    assert left.status_code == 204 and "Max-Age=0" in cookie_of(left)
    world.http.cookies.clear()
    gone = await world.http.post("/v1/auth/refresh", json={}, headers=jar)
    problem_of(gone, 401, "unauthorized")


async def test_a_profile_is_changed_and_cleared(world: World) -> None:
    person, _ = await signed_up(world, language="ar")

    async def change(**body: Any) -> httpx.Response:
        return await world.http.patch("/v1/me", json=body, headers=person.headers)

    assert (await person.get("/v1/me")).json()["language"] == "ar"
    changed = (await change(display_name="Ann Lee", country="JO")).json()
    assert (changed["display_name"], changed["country"]) == ("Ann Lee", "JO")
    changed = (await change(country=None, language="en")).json()
    assert (changed["display_name"], changed["country"]) == ("Ann Lee", None)
    assert (await person.get("/v1/me")).json() == changed
    for wrong in ({"country": "jo"}, {"country": "Jordan"}, {"language": "de"}, {"group": 1}):
        problem_of(await change(**wrong), 400, "bad-request")
    stored = await world.value("SELECT display_name FROM users")
    assert "Ann" not in stored


async def test_a_referral_is_recorded(world: World) -> None:
    ann, _ = await signed_up(world)
    code = (await ann.get("/v1/me")).json()["referral_code"]
    typed = f"{code[:4].lower()}-{code[4:]}".replace("0", "O").replace("1", "I")
    await signed_up(world, "bob@example.com", referral_code=typed)
    assert await world.value("SELECT referred_by FROM users ORDER BY id DESC LIMIT 1") == ann.id
    for unknown in ("x", code[:-1] + ("2" if code[-1] != "2" else "3")):
        body = {"email": "eve@example.com", "password": PASSWORD, "referral_code": unknown}
        problem_of(await auth(world, "register", **body), 400, "bad-request")
    assert await world.value("SELECT count(*) FROM users") == 2


async def test_a_referral_code_does_not_tell_whether_somebody_has_it(world: World) -> None:
    person, _ = await signed_up(world, referral_code=referral_code(10**6))
    assert await world.value("SELECT referred_by FROM users WHERE id = :u", u=person.id) is None
    own = await signed_up(world, "bob@example.com", referral_code=referral_code(person.id + 64))
    assert own[0].id == person.id + 64  # nobody's yet when it was given
    assert await world.value("SELECT count(*) FROM users WHERE referred_by IS NOT NULL") == 0


@pytest.mark.parametrize("user_id", [1, 2, 64, 12_345, 10**9, 32**7 - 1])
def test_a_code_names_its_user(user_id: int) -> None:
    code = referral_code(user_id)
    assert len(code) == 8
    assert referrer_of(code) == user_id
    swapped = code[1] + code[0] + code[2:]
    assert swapped == code or referrer_of(swapped) is None
