"""Nobody uses up what an address's owner needs: neither guesses, nor tickets, nor messages."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from api.identity.allowances import EVERYWHERE, HERE
from api.identity.devices import READER
from runtime.clock import utcnow
from tests.kit.accounts import ANN, PASSWORD, sent_code, sent_text, signed_up
from tests.kit.guesses import (
    DAY,
    KNOWN,
    MINUTE,
    OWN,
    UNKNOWN,
    WRONG,
    ask,
    asked,
    chosen,
    is_long,
    networks,
    registers,
    short,
    verifies,
    wrong,
)
from tests.kit.limits import config
from tests.kit.problems import problem_of
from tests.kit.second_factors import ticket, with_totp
from tests.kit.world import World

__all__ = ["config"]  # a fixture


async def test_guesses_used_up_by_strangers_keep_no_owner_out(world: World) -> None:
    """The next code is one that nobody guesses, and none is counted against it."""
    await signed_up(world)
    world.move_to(utcnow() + MINUTE)
    given = await asked(world)
    for ip in networks(3):
        strangers = await asked(world, ip)
        for _ in range(5):
            await chosen(world, strangers, short(sent_code(world)), ip=ip)
    problem_of(await chosen(world, given, sent_code(world)), 429, "codes-used-up")
    world.move_to(utcnow() + MINUTE)
    given, code = await asked(world), sent_code(world)
    assert is_long(code)
    assert "a day" in sent_text(world) and "ten minutes" not in sent_text(world)
    for ip in networks(3):  # they go on
        strangers = await asked(world, ip)
        for guess in ("000000", "0" * 16):
            assert (await chosen(world, strangers, guess, ip=ip)).status_code in (422, 429)
    world.move_to(utcnow() + timedelta(minutes=50))
    assert (await chosen(world, given, code)).status_code == 200
    later = await asked(world)
    problem_of(await chosen(world, later, code), 422, "code-wrong")  # once


async def test_a_long_code_is_good_for_a_day_with_any_ticket(world: World) -> None:
    await signed_up(world)
    world.move_to(utcnow() + MINUTE)
    for ip in networks(HERE.quota):
        for _ in range(2):
            await asked(world, ip)
            world.move_to(utcnow() + MINUTE)
    code = sent_code(world)
    assert is_long(code)
    sent_at = utcnow() - MINUTE
    world.move_to(sent_at + DAY - 15 * MINUTE)
    given = await asked(world)
    assert sent_code(world) == code  # nothing was sent
    world.move_to(sent_at + DAY - timedelta(microseconds=1))
    assert (await chosen(world, given, code)).status_code == 200
    # And from then on there are messages again.
    world.move_to(utcnow() + MINUTE)
    await asked(world)
    assert sent_code(world) != code


@pytest.mark.parametrize("address", [KNOWN, UNKNOWN])
@pytest.mark.parametrize("what", ["register", "password/forgotten"])
async def test_messages_to_an_address_are_few_and_the_last_one_lasts(
    world: World, what: str, address: str, monkeypatch: Any
) -> None:
    """From one network and from many; what is asked at known and at unknown addresses alike."""
    if address == KNOWN:
        await signed_up(world)
    sent: list[str] = []
    messenger = world.services.messenger

    class Counting:
        async def send(self, to: str, message: Any) -> None:
            sent.append(to)

    counting = replace(messenger, email=Counting())
    services = world.services
    world.app.state.services = replace(services, messenger=counting)
    is_told = what == "register" or address == KNOWN
    body = {"email": address} | ({"password": PASSWORD} if what == "register" else {})
    for limit, ips in ((HERE, [OWN] * 8), (EVERYWHERE, networks(12))):
        for ip in ips:
            world.move_to(utcnow() + timedelta(minutes=21))  # as many may ask, and register
            answer = await ask(world, what, ip, **body)
            assert answer.status_code == 202 and answer.json()["ticket"]
        assert len(sent) == (limit.quota if is_told else 0)
    found = "SELECT expires_at - sent_at FROM address_codes WHERE purpose = :p"
    purpose = "REGISTER" if what == "register" else "RESET"
    assert await world.value(found, p=purpose) == DAY
    world.app.state.services = services


async def test_a_day_of_messages_ends_and_codes_are_short_again(world: World) -> None:
    await signed_up(world)
    for _ in range(HERE.quota):
        world.move_to(utcnow() + timedelta(minutes=4))
        await asked(world)
    last = sent_code(world)
    assert is_long(last)
    world.move_to(utcnow() + MINUTE)
    # From elsewhere too the next one is long: a short one would take the place of the last.
    await asked(world, "203.0.0.7")
    assert is_long(sent_code(world)) and sent_code(world) != last
    world.move_to(utcnow() + DAY)
    given = await asked(world)
    assert len(sent_code(world)) == 6
    assert (await chosen(world, given, sent_code(world))).status_code == 200


async def test_strangers_keep_no_newcomer_from_registering(world: World) -> None:
    """With tickets from thirteen networks, five wrong codes each: who was sent a message has five
    attempts of their own, whatever others guess."""
    guesses = []
    for ip in networks(13):
        for given in [await registers(world, ip) for _ in range(2)]:
            guesses += [await verifies(world, given, "000000", ip) for _ in range(5)]
    statuses = [guess.status_code for guess in guesses]
    assert statuses.count(422) == 5 + 10  # those of the ticket that got the message, and the rest
    assert statuses.count(429) == 130 - 15
    world.move_to(utcnow() + MINUTE)
    given = await registers(world, OWN)
    code = sent_code(world, UNKNOWN)
    for _ in range(4):
        problem_of(await verifies(world, given, wrong(short(code))), 422, "code-wrong")
    assert (await verifies(world, given, code)).status_code == 200


async def test_who_registers_with_the_message_of_a_stranger_asks_for_a_long_code(
    world: World,
) -> None:
    """Nothing was sent for this ticket, and others have used up the day of such: one minute later
    it may ask itself."""
    for ip in networks(3):
        given = await registers(world, ip)
        for _ in range(5):
            await verifies(world, given, "000000", ip)
    mine = await registers(world, OWN)
    problem_of(await verifies(world, mine, sent_code(world, UNKNOWN)), 429, "codes-used-up")
    world.move_to(utcnow() + MINUTE)
    resent = await ask(world, "verification-code", OWN, ticket=mine)
    assert resent.status_code == 204
    code = sent_code(world, UNKNOWN)
    assert is_long(code)
    assert (await verifies(world, mine, code)).status_code == 200


async def test_a_ticket_that_is_sent_nothing_more_says_so(world: World) -> None:
    mine = await registers(world, OWN)
    for ip in networks(EVERYWHERE.quota):
        world.move_to(utcnow() + MINUTE)
        await registers(world, ip)
    refused = await ask(world, "verification-code", OWN, ticket=mine)
    assert "good for a day" in problem_of(refused, 429, "code-sent")["detail"]
    assert (await verifies(world, mine, sent_code(world, UNKNOWN))).status_code == 200


async def test_each_purpose_has_a_day_of_its_own(world: World) -> None:
    """Wrong codes for a new password say nothing of the second factor, or the other way round."""
    totp, _, _ = await with_totp(world)
    world.move_to(utcnow() + MINUTE)
    for ip in networks(3):
        strangers = await asked(world, ip)
        for _ in range(5):
            await chosen(world, strangers, short(sent_code(world)), ip=ip)
    body = {"ticket": await ticket(world), "method": "totp", "code": totp.at(utcnow())}
    assert (await ask(world, "mfa", **body)).status_code == 200


async def test_a_second_factor_by_message_is_not_used_up_by_who_has_the_password(
    world: World,
) -> None:
    _, tokens = await signed_up(world)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    on = await world.http.post("/v1/auth/mfa/code", json={"password": PASSWORD}, headers=bearer)
    assert on.status_code == 200
    for ip in networks(EVERYWHERE.quota + 2):
        given = await ticket(world)
        world.move_to(utcnow() + MINUTE)
        sent = await ask(world, "mfa/send", ip, ticket=given)
        body = {"ticket": given, "method": "code", "code": short(sent_code(world))}
        guess = await ask(world, "mfa", ip, **body)
    problem_of(guess, 429, "mfa-locked")
    problem_of(sent, 429, "code-sent")
    code = sent_code(world)
    assert is_long(code)
    right = {"ticket": await ticket(world), "method": "code", "code": code}
    for ip in networks(6):
        problem_of(await ask(world, "mfa", ip, **right | {"code": "0" * 16}), 401)
    assert (await ask(world, "mfa", **right)).status_code == 200
    world.move_to(utcnow() + MINUTE)
    again = await ask(world, "mfa/send", ticket=await ticket(world))
    assert again.status_code == 204


async def test_who_reads_the_mailbox_signs_in_whatever_strangers_guess(world: World) -> None:
    """With another password, on another device, on the day whose passwords are used up."""
    await signed_up(world)
    for ip in networks(20):
        for _ in range(5):
            assert (await ask(world, "login", ip, **WRONG)).status_code == 401
    problem_of(await ask(world, "login", **ANN), 429, "rate-limited")
    world.move_to(utcnow() + MINUTE)
    reset = await chosen(world, await asked(world), sent_code(world))
    reader = reset.json()["known_device"]
    login = ANN | {"password": "another password"}
    assert (await ask(world, "login", **login)).status_code == 429
    world.move_to(utcnow() + timedelta(minutes=59))
    signed_in = await ask(world, "login", known=reader, **login)
    assert signed_in.status_code == 200
    known = signed_in.json()["known_device"]
    assert READER in reader and READER not in known
    world.move_to(utcnow() + MINUTE)
    assert (await ask(world, "login", known=reader, **login)).status_code == 429
    assert (await ask(world, "login", known=known, **login)).status_code == 200


async def test_who_reads_the_mailbox_guesses_no_second_factor_for_it(world: World) -> None:
    totp, _, _ = await with_totp(world)
    world.move_to(utcnow() + MINUTE)
    reset = await chosen(world, await asked(world), sent_code(world))
    reader = reset.json()["known_device"]
    login = await ask(world, "login", **ANN | {"password": "another password"})
    body = {"ticket": login.json()["ticket"], "method": "totp", "code": wrong(totp.at(utcnow()))}
    for known in (reader, ""):
        tried = [
            (await ask(world, "mfa", ip, known=known, **body)).status_code for ip in networks(11)
        ]
        assert tried == ([401] * 10 + [429] if known else [429] * 11)


async def test_a_browser_keeps_it_in_a_cookie(world: World) -> None:
    await signed_up(world)
    world.move_to(utcnow() + MINUTE)
    reset = await chosen(world, await asked(world), sent_code(world), in_cookie=True)
    assert reset.json() == {"known_device": None}
    [cookie] = reset.headers.get_list("set-cookie")
    for part in ("twtc_device=", "HttpOnly", "Secure", "SameSite=strict", "Path=/v1"):
        assert part in cookie


async def test_accounts_together_have_ten_messages_a_day_sent_to_a_strangers_address(
    world: World,
) -> None:
    statuses = []
    for number in range(3):
        person, _ = await signed_up(world, f"u{number}@example.com")
        wanted = {"email": UNKNOWN, "password": PASSWORD}
        statuses.append((await person.post("/v1/me/contact", wanted)).status_code)
        for _ in range(4):
            world.move_to(utcnow() + MINUTE)
            again = await person.post("/v1/me/contact/code", {"address": "new"})
            statuses.append(again.status_code)
        world.move_to(utcnow() + timedelta(minutes=25))
    assert statuses == [201] + [204] * 4 + [201] + [204] * 4 + [429] + [404] * 4
