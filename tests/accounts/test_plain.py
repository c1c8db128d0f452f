"""Codes and numbers as people type and paste them, in every script."""

from datetime import timedelta

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.captcha.local import LocalCaptcha
from engine.accounts.phones import phone_of
from engine.core.plain import TYPED_MAX, plain, plain_code
from runtime.clock import utcnow
from tests.kit.accounts import (
    PASSWORD,
    auth,
    forgotten,
    from_before,
    registered,
    sent_code,
    signed_up,
)
from tests.kit.problems import problem_of
from tests.kit.second_factors import ticket as mfa_ticket
from tests.kit.second_factors import with_totp
from tests.kit.world import World

ANN = "ann@example.com"
ARABIC, FULL, PERSIAN = "٠١٢٣٤٥٦٧٨٩", "０１２３４５６７８９", "۰۱۲۳۴۵۶۷۸۹"


def ways_to_write(code: str) -> list[str]:
    """A code by keyboards, clipboards and mail programs."""
    scripts = [code.translate(str.maketrans("0123456789", s)) for s in (ARABIC, FULL, PERSIAN)]
    middle = len(code) // 2
    parted = [
        code[:middle] + mark + code[middle:] for mark in (" ", "-", "\xa0", "\u2011", "\u2212")
    ]
    marked = [
        f"\u200f{code}\u200e",
        f"\u2068{code}\u2069",
        f"{code[:2]}\u200b{code[2:]}",
        f" {code}\n",
    ]
    both = f"\u200f{scripts[0][:middle]} {scripts[0][middle:]}\u200f"
    return [code, *scripts, *parted, *marked, both, code.upper()]


NO_CODES = ["12345", "1234567", "12345x", "١٢٣٤٥", "      ", "12\x003456", "½½½½½½", "1" * 65, ""]


def test_a_code_is_the_same_however_it_is_written() -> None:
    for code in ("123456", "0" * 6, "7f3a90c1d2e4b5a69788"):
        assert {plain_code(way) for way in ways_to_write(code)} == {code}


@given(st.text(max_size=16))
def test_plain_is_plain(typed: str) -> None:
    once = plain(typed)
    assert plain(once) == once


def test_what_nobody_types_is_nothing() -> None:
    assert plain("a" * TYPED_MAX) and not plain("a" * (TYPED_MAX + 1))


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("+966501234567", "+966501234567"),
        ("+٩٦٦ ٥٠ ١٢٣ ٤٥٦٧", "+966501234567"),
        ("\u202a＋９６６-50-1234567\u202c", "+966501234567"),
        ("00966501234567", "+966501234567"),
        ("٠٠٩٦٦٥٠١٢٣٤٥٦٧", "+966501234567"),
        ("+966 (0) 50 123 4567", "+966501234567"),
        ("+44 (0)7911 123456", "+447911123456"),
        ("+39 06 1234 5678", "+390612345678"),  # Italy keeps its zero
        ("0501234567", None),
        ("501234567", None),
        ("011966501234567", None),
        ("+96650123456", None),
        ("+999123456789", None),
        ("+966501234567x5", None),
        ("tel:+966501234567", None),
        ("call +966501234567", None),
        ("++966501234567", None),
        ("+966 50 123\x00 4567", None),
        ("+" + "9" * 500, None),
        ("", None),
    ],
)
def test_a_phone_number_is_one_of_its_country(typed: str, number: str | None) -> None:
    assert phone_of(typed) == number


async def test_a_number_without_its_country_is_told_what_lacks(world: World) -> None:
    body = {"password": PASSWORD}
    for typed, said in (("050 123 4567", "country"), ("+966 50 123", "digits")):
        refused = problem_of(await auth(world, "login", phone=typed, **body), 400, "bad-request")
        [error] = refused["errors"]
        assert error["key"] == "phone" and said in error["message"]


async def test_an_account_is_made_with_a_code_as_people_write_it(world: World) -> None:
    for number, way in enumerate(ways_to_write("0")):
        address = f"ann-{number}@example.com"
        ticket = await registered(world, address)
        written = ways_to_write(sent_code(world, address))[number]
        answer = await auth(world, "verify", ticket=ticket, code=written)
        assert answer.status_code == 200, (way, answer.text)


async def test_what_can_be_no_code_is_refused_and_not_counted(world: World) -> None:
    ticket = await registered(world)
    for wrong in NO_CODES:
        problem_of(await auth(world, "verify", ticket=ticket, code=wrong), 400, "bad-request")
    assert await world.value("SELECT attempts FROM registrations") == 0
    right = await auth(world, "verify", ticket=ticket, code=sent_code(world))
    assert right.status_code == 200


async def test_an_account_from_before_is_verified_with_a_code_as_people_write_it(
    world: World,
) -> None:
    _, tokens = await from_before(world)
    for wrong in NO_CODES:
        answer = await auth(world, "verify", tokens["access_token"], code=wrong)
        problem_of(answer, 400, "bad-request")
    assert await world.value("SELECT attempts FROM codes") == 0
    written = ways_to_write(sent_code(world))[13]
    answer = await auth(world, "verify", tokens["access_token"], code=written)
    assert answer.status_code == 204, answer.text


async def test_a_password_is_chosen_with_a_code_as_people_write_it(world: World) -> None:
    await signed_up(world)
    chosen = {"password": "another password"}
    for number in (1, 4, 13):
        world.move_to(utcnow() + timedelta(minutes=1))
        ticket = await forgotten(world)
        for wrong in NO_CODES:
            problem_of(
                await auth(world, "password/reset", **chosen, ticket=ticket, code=wrong), 400
            )
        written = ways_to_write(sent_code(world))[number]
        reset = await auth(world, "password/reset", **chosen, ticket=ticket, code=written)
        assert reset.status_code == 200


async def test_second_factors_are_typed_as_people_write_them(world: World) -> None:
    totp, recovery, _ = await with_totp(world)
    given_ticket = await mfa_ticket(world)
    for method in ("totp", "code", "recovery"):
        for wrong in NO_CODES:
            body = {"ticket": given_ticket, "method": method, "code": wrong}
            problem_of(await auth(world, "mfa", **body), 400, "bad-request")
    assert await world.value("SELECT failures FROM second_factors") == 0
    for way in range(len(ways_to_write("0"))):
        world.move_to(utcnow() + timedelta(seconds=30))
        written = ways_to_write(totp.at(utcnow()))[way]
        answer = await auth(
            world, "mfa", ticket=await mfa_ticket(world), method="totp", code=written
        )
        assert answer.status_code == 200, (written, answer.text)
    for code, way in zip(recovery, (1, 4, 5, 6, 9, 10, 12, 13, 14), strict=False):
        written = ways_to_write(code)[way]
        body = {"ticket": await mfa_ticket(world), "method": "recovery", "code": written}
        assert (await auth(world, "mfa", **body)).status_code == 200, written


async def test_an_authenticator_is_confirmed_with_a_code_as_people_write_it(world: World) -> None:
    _, tokens = await signed_up(world)
    access = tokens["access_token"]
    begun = (await auth(world, "mfa/totp", access, password=PASSWORD)).json()
    for wrong in NO_CODES:
        problem_of(await auth(world, "mfa/totp/confirm", access, code=wrong), 400, "bad-request")
    written = ways_to_write(pyotp.TOTP(begun["secret"]).at(utcnow()))[13]
    confirmed = await auth(world, "mfa/totp/confirm", access, code=written)
    assert confirmed.status_code == 200, confirmed.text


async def test_a_sum_is_answered_in_every_script() -> None:
    captcha, now = LocalCaptcha(b"secret" * 8), utcnow()
    challenge = captcha.challenge(now)
    a, _, b = (challenge.question or "").partition(" + ")
    for answer in ways_to_write(f"{int(a) + int(b):02}"):
        assert await captcha.is_right(f"{challenge.site_key}.{answer}", None, now), answer
    for wrong in ("", "½", "x", "1\x00", "100", "\u200f"):
        assert not await captcha.is_right(f"{challenge.site_key}.{wrong}", None, now)
