"""Guesses: counted before they are compared, by account and place; a known device passes."""

import asyncio
from datetime import timedelta

from msgspec.structs import replace

from api.captcha.local import LocalCaptcha
from api.identity.guesses import guess_at
from api.identity.passwords import verify_password
from api.web_base.permissions import handlers_of
from engine.core.limit import Limit
from models.accounts.codes import check_code
from models.accounts.guesses import Made, count_guess
from models.accounts.second_factors import use_recovery_code, use_step
from models.operations.prune import prune
from runtime.clock import utcnow
from tests.kit.accounts import ANN, PASSWORD, sent_code, signed_up
from tests.kit.guesses import WRONG, ask, asked, chosen, networks, short, wrong
from tests.kit.limits import config
from tests.kit.problems import problem_of
from tests.kit.second_factors import ticket, with_totp
from tests.kit.tracing import reaches
from tests.kit.world import World

__all__ = ["config"]  # a fixture

NOBODY = {"email": "nobody@example.com", "password": "not the right one"}


async def test_an_account_has_us_send_twenty_messages_a_day(world: World) -> None:
    """To numbers of a stranger's choice: each costs the operator something."""
    person, _ = await signed_up(world)
    known = {"email": ANN["email"], "password": PASSWORD}
    for number in range(20):
        world.move_to(utcnow() + timedelta(minutes=1))
        if number % 2:
            answer = await person.post("/v1/me/contact/code", {"address": "new"})
        else:
            phone = f"+96650123{number:04}"
            wanted = {"phone": phone, "password": PASSWORD}
            answer = await person.post("/v1/me/contact", wanted)
        assert answer.status_code in (201, 204), answer.text
    world.move_to(utcnow() + timedelta(minutes=1))
    refused = await person.post("/v1/me/contact/code", {"address": "new"})
    problem_of(refused, 429, "rate-limited")
    assert 0 < int(refused.headers["Retry-After"]) <= 86_400
    assert (await person.post("/v1/auth/mfa/code", {"password": PASSWORD})).status_code == 200
    given = (await ask(world, "login", **known)).json()["ticket"]
    assert (await ask(world, "mfa/send", ticket=given)).status_code == 204  # counts by itself
    world.move_to(utcnow() + timedelta(days=1))
    assert (await person.post("/v1/me/contact/code", {"address": "new"})).status_code == 204


async def test_of_many_wrong_codes_at_once_five_are_judged(world: World) -> None:
    totp, _, _ = await with_totp(world)
    given, code = await ticket(world), wrong(totp.at(utcnow()))
    body = {"ticket": given, "method": "totp", "code": code}
    answers = await asyncio.gather(*(ask(world, "mfa", **body) for _ in range(45)))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 40
    for answer in answers:
        if answer.status_code == 429:
            problem_of(answer, 429, "mfa-locked")


async def test_from_many_networks_at_once_ten_are_judged(world: World) -> None:
    """And whoever has a recovery code, which nobody guesses, is in all the same."""
    totp, recovery, _ = await with_totp(world)
    body = {"ticket": await ticket(world), "method": "totp", "code": wrong(totp.at(utcnow()))}
    answers = await asyncio.gather(*(ask(world, "mfa", ip, **body) for ip in networks(45)))
    assert sorted(answer.status_code for answer in answers) == [401] * 10 + [429] * 35
    right = body | {"code": totp.at(utcnow())}
    problem_of(await ask(world, "mfa", **right), 429, "mfa-locked")
    lost = body | {"method": "recovery", "code": recovery[0]}
    assert (await ask(world, "mfa", **lost)).status_code == 200


async def test_of_many_wrong_passwords_at_once_five_are_judged(world: World) -> None:
    await signed_up(world)
    for body in (WRONG, NOBODY):
        waves = [
            await asyncio.gather(*(ask(world, "login", **body) for _ in range(10)))
            for _ in range(3)
        ]
        statuses = sorted(answer.status_code for wave in waves for answer in wave)
        assert statuses == [401] * 5 + [429] * 25


async def test_a_stranger_locks_nobody_out(world: World) -> None:
    """Neither of the account nor of a new password, whatever the device."""
    await signed_up(world)
    world.move_to(utcnow() + timedelta(minutes=1))
    for _ in range(6):
        refused = await ask(world, "login", "203.0.113.66", **WRONG)
        asked = await ask(world, "password/forgotten", "203.0.113.66", email=ANN["email"])
    assert (refused.status_code, asked.status_code) == (429, 429)
    assert (await ask(world, "login", **ANN)).status_code == 200
    assert (await ask(world, "password/forgotten", email=ANN["email"])).status_code == 202


async def test_a_known_device_passes_where_strangers_have_used_up_a_day(world: World) -> None:
    _, tokens = await signed_up(world)
    known = tokens["known_device"]
    for ip in networks(20):
        for _ in range(5):
            assert (await ask(world, "login", ip, **WRONG)).status_code == 401
    refused = await ask(world, "login", **ANN)
    problem_of(refused, 429, "rate-limited")
    assert 86_000 < int(refused.headers["Retry-After"]) <= 86_400
    signed_in = await ask(world, "login", known=known, **ANN)
    assert signed_in.status_code == 200
    # Strangers go on, and change nothing; nor does the owner's sign-in for them.
    assert (await ask(world, "login", "203.0.99.7", **WRONG)).status_code == 429
    assert (await ask(world, "login", known=known, **ANN)).status_code == 200
    # Whoever has found the device guesses no more than others do.
    for status in [401] * 5 + [429]:
        assert (await ask(world, "login", known=known, **WRONG)).status_code == status
    world.move_to(utcnow() + timedelta(days=1))
    assert (await ask(world, "login", **ANN)).status_code == 200


async def test_a_known_device_is_known_to_its_account_for_half_a_year(world: World) -> None:
    _, anns = await signed_up(world)
    bob, _ = await signed_up(world, "bob@example.com")
    known = anns["known_device"]
    forged = [
        known[:-1] + ("0" if known[-1] != "0" else "1"),
        known.replace(".", ".9", 1),  # later
        "0" * 16 + known[16:],
        f"{bob.id}.{known}",
        "x" * 10_000,
    ]
    wrong_of_bob = WRONG | {"email": "bob@example.com"}
    for _ in range(5):
        await ask(world, "login", **wrong_of_bob)
        await ask(world, "login", **WRONG)
    assert (await ask(world, "login", known=known, **wrong_of_bob)).status_code == 429
    for token in forged:
        assert (await ask(world, "login", known=token, **ANN)).status_code == 429
    assert (await ask(world, "login", known=known, **ANN)).status_code == 200
    world.move_to(utcnow() + timedelta(days=181))
    for _ in range(5):
        await ask(world, "login", **WRONG)
    assert (await ask(world, "login", known=known, **ANN)).status_code == 429


async def test_a_browser_is_known_by_a_cookie_that_scripts_cannot_read(world: World) -> None:
    await signed_up(world)
    answer = await ask(world, "login", **ANN, in_cookie=True)
    assert answer.json()["known_device"] is None
    [cookie] = [c for c in answer.headers.get_list("set-cookie") if c.startswith("twtc_device=")]
    for part in ("HttpOnly", "Secure", "SameSite=strict", "Path=/v1"):
        assert part in cookie
    for _ in range(5):
        await ask(world, "login", **WRONG)
    pair = cookie.partition(";")[0]
    known = {"Cookie": pair, "X-Forwarded-For": "198.51.100.1"}
    for headers, status in (({"X-Forwarded-For": "198.51.100.1"}, 429), (known, 200)):
        again = await world.http.post("/v1/auth/login", json=ANN, headers=headers)
        assert again.status_code == status


async def guess_codes(world: World, number: int) -> list[int]:
    """Wrong codes for a new password from many networks, each with a ticket of its own."""
    statuses = []
    for ip in networks(number):
        world.move_to(utcnow() + timedelta(minutes=1))
        given = await asked(world, ip)
        guess = await chosen(world, given, short(sent_code(world)), ip=ip)
        statuses.append(guess.status_code)
    return statuses


async def test_ten_wrong_codes_a_day_whatever_is_sent(world: World) -> None:
    person, tokens = await signed_up(world)
    assert await guess_codes(world, 9) == [422] * 9
    code, given = sent_code(world), await asked(world)
    assert len(code) == 6
    for ip, status in zip(networks(4), [422, 429, 429, 429], strict=True):
        other = await asked(world, ip)
        assert (await chosen(world, other, wrong(code), ip=ip)).status_code == status
    refused = await chosen(world, given, code)
    problem_of(refused, 429, "codes-used-up")
    assert refused.headers["Retry-After"] == "60"
    found = await world.rows(
        "SELECT user_id, severity, details FROM fraud_logs WHERE event_type = 'GUESSING'"
    )
    assert [(row.user_id, row.severity) for row in found] == [(person.id, "HIGH")]
    notes = (await person.get("/v1/notifications")).json()["items"]
    assert [note["kind"] for note in notes] == ["account.guessed"]
    # Nobody holds the victim up for it.
    assert await world.value("SELECT hold FROM users WHERE id = :u", u=person.id) is None
    # A device that is known to the account is no stranger's.
    reset = await chosen(world, given, code, known=tokens["known_device"])
    assert reset.status_code == 200, reset.text
    # A right one gives strangers no fresh day.
    world.move_to(utcnow() + timedelta(minutes=1))
    given = await asked(world, "203.0.77.7")
    again = await chosen(world, given, "000000", ip="203.0.77.7")
    problem_of(again, 429, "codes-used-up")


async def test_right_codes_count_for_nothing(world: World) -> None:
    totp, _, _ = await with_totp(world)
    for _ in range(15):
        world.move_to(utcnow() + timedelta(minutes=1))
        body = {"ticket": await ticket(world), "method": "totp", "code": totp.at(utcnow())}
        assert (await ask(world, "mfa", **body)).status_code == 200


async def test_what_is_asked_of_nobodys_account_looks_the_same(world: World) -> None:
    """Whether there is an account does not show in how many guesses it takes."""
    await signed_up(world)
    told = []
    for body in (WRONG, NOBODY):
        answers = [await ask(world, "login", ip, **body) for ip in networks(3) for _ in range(6)]
        for ip in networks(3):
            given = await asked(world, ip, email=body["email"])
            answers += [await chosen(world, given, "000000", ip=ip) for _ in range(6)]
        world.move_to(utcnow() + timedelta(minutes=1))
        told.append([(answer.status_code, answer.text[:40]) for answer in answers])
    assert told[0] == told[1]
    assert {status for status, _ in told[0]} == {401, 422, 429}


async def test_captchas_are_not_guessed(world: World) -> None:
    person = await world.person()
    world.app.state.services = replace(world.services, captcha=LocalCaptcha(world.config.secret))
    answers = [await person.post("/v1/me/captcha", {"token": "x"}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [403] * 10 + [429]


async def test_a_window_begins_with_its_first_guess_and_ends_as_a_whole(world: World) -> None:
    began, limit = utcnow(), Limit(2, 60)
    for seconds, number in ((0, 1), (59, 2), (60, 1)):
        now = began + timedelta(seconds=seconds)
        made = await count_guess(world.database, b"key", limit, now)
        assert isinstance(made, Made) and made.number == number
    await prune(world.database, began + timedelta(days=3))
    assert await world.value("SELECT count(*) FROM guesses") == 0


def test_what_compares_a_secret_counts_a_guess_before(world: World) -> None:
    """By the source: no route compares a password or a code that it has not counted."""
    compared = {verify_password, check_code, use_step, use_recovery_code}
    guarded = [
        (method, path)
        for path, method, handler in handlers_of(world.app)
        if reaches(handler.fn, compared)
    ]
    assert len(guarded) >= 8
    for path, method, handler in handlers_of(world.app):
        if (method, path) in guarded:
            assert reaches(handler.fn, {guess_at}), (method, path)
