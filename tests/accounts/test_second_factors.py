"""Second factors: TOTP, codes that are sent, recovery codes."""

from datetime import timedelta
from typing import Any

import httpx
import pyotp
import pytest

from models.accounts.second_factors import begin_totp, confirm_totp, find_factors
from runtime.clock import utcnow
from tests.kit.accounts import ANN, PASSWORD, auth, from_before, sent_code, signed_up, verify
from tests.kit.problems import problem_of
from tests.kit.second_factors import ticket, with_totp
from tests.kit.world import World

SECOND = "second-factor-needed"


async def remove(world: World, access: str, **more: Any) -> httpx.Response:
    headers, body = {"Authorization": f"Bearer {access}"}, {"password": PASSWORD} | more
    return await world.http.request("DELETE", "/v1/auth/mfa", json=body, headers=headers)


async def test_totp_is_asked_for_and_each_code_is_good_once(world: World) -> None:
    totp, _, _ = await with_totp(world)
    given = await ticket(world)
    code = totp.at(utcnow())
    signed_in = await auth(world, "mfa", ticket=given, method="totp", code=code)
    assert signed_in.status_code == 200, signed_in.text
    assert signed_in.json()["refresh_token"]
    again = await auth(world, "mfa", ticket=given, method="totp", code=code)
    problem_of(again, 401, "unauthorized")


async def test_a_code_confirms_the_secret_that_it_is_of(world: World) -> None:
    """Another tab has begun anew between the look at the code and its confirmation."""
    person = await world.person()
    keyring = world.services.config.keyring
    await begin_totp(world.database, keyring, person.id, pyotp.random_base32())
    first = await find_factors(world.database, keyring, person.id)
    await begin_totp(world.database, keyring, person.id, pyotp.random_base32())
    second = await find_factors(world.database, keyring, person.id)
    for factors, expected in ((first, False), (second, True)):
        assert (
            await confirm_totp(world.database, person.id, factors.sealed_secret, 1, [], utcnow())
            is expected
        )


async def test_slow_clocks_have_one_step(world: World) -> None:
    totp, _, _ = await with_totp(world)
    world.move_to(utcnow() + timedelta(minutes=5))
    for seconds, status in ((-60, 401), (60, 401), (-30, 200), (30, 200), (0, 401)):
        code = totp.at(utcnow() + timedelta(seconds=seconds))
        answer = await auth(world, "mfa", ticket=await ticket(world), method="totp", code=code)
        assert answer.status_code == status, seconds  # the last: its step lies before one used


async def test_five_wrong_codes_lock_it_for_a_quarter_of_an_hour(world: World) -> None:
    totp, recovery, _ = await with_totp(world)
    given = await ticket(world)
    for _ in range(5):
        wrong = f"{(int(totp.at(utcnow())) + 1) % 10**6:06}"
        problem_of(await auth(world, "mfa", ticket=given, method="totp", code=wrong), 401)
    for method, code in (("totp", totp.at(utcnow())), ("recovery", recovery[0])):
        locked = await auth(world, "mfa", ticket=given, method=method, code=code)
        problem_of(locked, 429, "mfa-locked")
        assert 0 < int(locked.headers["Retry-After"]) <= 900
    world.move_to(utcnow() + timedelta(minutes=15))
    code = totp.at(utcnow())
    answer = await auth(world, "mfa", ticket=await ticket(world), method="totp", code=code)
    assert answer.status_code == 200


async def test_a_recovery_code_is_good_once(world: World) -> None:
    _, recovery, _ = await with_totp(world)
    assert len(set(recovery)) == 10
    for status in (200, 401):
        given = await ticket(world)
        answer = await auth(world, "mfa", ticket=given, method="recovery", code=recovery[3].upper())
        assert answer.status_code == status


async def test_a_ticket_is_no_access_token_and_lives_five_minutes(world: World) -> None:
    totp, _, tokens = await with_totp(world)
    given = await ticket(world)
    me = await world.http.get("/v1/me", headers={"Authorization": f"Bearer {given}"})
    problem_of(me, 401, "unauthorized")
    stolen = tokens["access_token"]
    code = totp.at(utcnow())
    problem_of(await auth(world, "mfa", ticket=stolen, method="totp", code=code), 401)
    world.move_to(utcnow() + timedelta(minutes=5))
    late = await auth(world, "mfa", ticket=given, method="totp", code=totp.at(utcnow()))
    problem_of(late, 401, "unauthorized")


async def test_a_ticket_is_good_for_the_password_that_it_was_given_for(world: World) -> None:
    totp, _, tokens = await with_totp(world)
    given = await ticket(world)
    second = {"method": "totp", "code": totp.at(utcnow())}
    change = {"password": PASSWORD, "new_password": "another password", "second_factor": second}
    changed = await auth(world, "password", tokens["access_token"], **change)
    assert changed.status_code == 204, changed.text
    world.move_to(utcnow() + timedelta(seconds=30))
    code = totp.at(utcnow())
    stale = await auth(world, "mfa", ticket=given, method="totp", code=code)
    problem_of(stale, 401, "unauthorized")
    fresh = (await auth(world, "login", **ANN | {"password": "another password"})).json()["ticket"]
    assert (await auth(world, "mfa", ticket=fresh, method="totp", code=code)).status_code == 200


async def test_a_sent_code_confirms_a_sign_in(world: World) -> None:
    _, tokens = await from_before(world)
    access = tokens["access_token"]
    early = await auth(world, "mfa/code", access, password=PASSWORD)
    problem_of(early, 403, "verification-required")
    await verify(world, access)
    assert (await auth(world, "mfa/code", access, password=PASSWORD)).status_code == 200
    given = await ticket(world)
    assert (await auth(world, "mfa/send", ticket=given)).status_code == 204
    problem_of(await auth(world, "mfa/send", ticket=given), 429, "code-sent")
    other = await auth(world, "mfa", ticket=given, method="totp", code=sent_code(world))
    problem_of(other, 401, "unauthorized")
    answer = await auth(world, "mfa", ticket=given, method="code", code=sent_code(world))
    assert answer.status_code == 200, answer.text


async def test_second_factors_are_changed_only_with_the_password(world: World) -> None:
    totp, _, tokens = await with_totp(world)
    access = tokens["access_token"]
    headers = {"Authorization": f"Bearer {access}"}
    for what in ("mfa/totp", "mfa/code"):
        problem_of(await auth(world, what, access, password="not it at all"), 403, "password-wrong")
    problem_of(await auth(world, "mfa/totp", access, password=PASSWORD), 409, "mfa-active")
    problem_of(await remove(world, access, password="not it at all"), 403, "password-wrong")
    fresh = {"method": "totp", "code": totp.at(utcnow())}
    assert (await remove(world, access, second_factor=fresh)).status_code == 204
    assert (await world.http.get("/v1/auth/mfa", headers=headers)).json() == {"methods": []}
    assert (await auth(world, "login", **ANN)).json()["access_token"]


async def test_an_authenticator_gives_way_to_none_without_a_code_of_it(world: World) -> None:
    totp, recovery, tokens = await with_totp(world)
    access = tokens["access_token"]
    wrong = {"method": "totp", "code": f"{(int(totp.at(utcnow())) + 1) % 10**6:06}"}
    spares = [{"method": "recovery", "code": code} for code in recovery[:2]]
    problem_of(await auth(world, "mfa/code", access, password=PASSWORD), 403, SECOND)
    refused = await auth(world, "mfa/code", access, password=PASSWORD, second_factor=wrong)
    problem_of(refused, 422, "code-wrong")
    problem_of(await remove(world, access), 403, SECOND)
    problem_of(await remove(world, access, second_factor=wrong), 422, "code-wrong")
    # Nothing was changed or used up: the codes of before still open it, and the lost phone's too.
    added = await auth(world, "mfa/code", access, password=PASSWORD, second_factor=spares[0])
    assert added.status_code == 200, added.text
    problem_of(await remove(world, access, second_factor=spares[1]), 422, "code-wrong")
    spare = {"method": "recovery", "code": added.json()["recovery_codes"][0]}
    assert (await remove(world, access, second_factor=spare)).status_code == 204
    assert (await auth(world, "login", **ANN)).json()["access_token"]


async def test_sent_codes_are_joined_by_an_authenticator_only_with_one(world: World) -> None:
    _, tokens = await signed_up(world)
    access = tokens["access_token"]
    # Begun before there was a factor: it is not to become one without a code.
    begun = pyotp.TOTP((await auth(world, "mfa/totp", access, password=PASSWORD)).json()["secret"])
    assert (await auth(world, "mfa/code", access, password=PASSWORD)).status_code == 200
    early = await auth(world, "mfa/totp/confirm", access, code=begun.at(utcnow()))
    problem_of(early, 422, "code-wrong")
    problem_of(await auth(world, "mfa/totp", access, password=PASSWORD), 403, SECOND)
    given = {"method": "code", "code": sent_code(world)}
    added = await auth(world, "mfa/totp", access, password=PASSWORD, second_factor=given)
    assert added.status_code == 201, added.text
    code = pyotp.TOTP(added.json()["secret"]).at(utcnow())
    assert (await auth(world, "mfa/totp/confirm", access, code=code)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        ("POST", "/v1/auth/password", {"new_password": "a password of a thief"}),
        ("POST", "/v1/me/contact", {"email": "thief@example.org"}),
        ("DELETE", "/v1/auth/mfa", {}),
        ("DELETE", "/v1/me", {}),
    ],
    ids=["password", "address", "factor", "account"],
)
async def test_what_guards_an_account_takes_both_factors(
    world: World, method: str, path: str, more: dict[str, Any]
) -> None:
    totp, _, tokens = await with_totp(world)
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}

    async def ask(**second: Any) -> httpx.Response:
        body = {"password": PASSWORD} | more | second
        return await world.http.request(method, path, json=body, headers=headers)

    problem_of(await ask(), 403, SECOND)
    wrong = str((int(totp.at(utcnow())) + 1) % 1_000_000).zfill(6)
    problem_of(await ask(second_factor={"method": "totp", "code": wrong}), 422, "code-wrong")
    assert (await auth(world, "login", **ANN)).json()["ticket"]  # nothing has changed
    right = await ask(second_factor={"method": "totp", "code": totp.at(utcnow())})
    assert right.is_success, right.text
