"""Tickets for a new password: how long, how often, and for whom."""

from datetime import timedelta

from api.identity.reset_tickets import GOOD_FOR, new_reset_ticket, read_reset_ticket
from runtime.clock import utcnow
from runtime.environment import Config
from tests.kit.accounts import sent_code, signed_up
from tests.kit.guesses import KNOWN, MINUTE, UNKNOWN, asked, chosen, networks
from tests.kit.limits import config
from tests.kit.problems import problem_of
from tests.kit.world import World

__all__ = ["config"]  # a fixture


async def test_without_a_ticket_nobody_guesses_at_a_new_password(world: World) -> None:
    """However often a stranger tries from wherever: the owner's next code has six digits."""
    await signed_up(world)
    for given in ("", "x", "0badc0de.AAAA", "a" * 1_000):
        for ip in networks(6):
            tried = await chosen(world, given, "000000", ip=ip)
            problem_of(tried, 422, "code-wrong")
    world.move_to(utcnow() + MINUTE)
    given, code = await asked(world), sent_code(world)
    assert len(code) == 6
    assert (await chosen(world, given, code)).status_code == 200


async def test_a_ticket_is_good_for_an_hour_five_attempts_and_its_address(world: World) -> None:
    await signed_up(world)
    world.move_to(utcnow() + MINUTE)
    given, others = await asked(world), await asked(world, email=UNKNOWN)
    code = sent_code(world)
    problem_of(await chosen(world, others, code), 422, "code-wrong")
    for _ in range(5):
        tried = await chosen(world, given, "1" * 16)
        problem_of(tried, 422, "code-wrong")
    # Other tickets of this address are not used up by that, wherever they are used.
    tried = await chosen(world, given, code, ip="203.0.9.7")
    problem_of(tried, 422, "code-wrong")
    later = await asked(world, "203.0.9.7")
    world.move_to(utcnow() + timedelta(hours=1))
    tried = await chosen(world, later, code, ip="203.0.9.7")
    problem_of(tried, 422, "code-wrong")
    assert await world.value("SELECT count(*) FROM users WHERE verified_at IS NOT NULL") == 1


def test_a_ticket_says_what_it_was_given_for_until_it_is_over(config: Config) -> None:
    keyring, now = config.keyring, utcnow()
    given = new_reset_ticket(keyring, "email", KNOWN, now)
    for later, is_good in ((GOOD_FOR - timedelta(microseconds=1), True), (GOOD_FOR, False)):
        said = read_reset_ticket(keyring, given, now + later)
        assert (said is not None and (said.kind, said.address) == ("email", KNOWN)) is is_good
    for other in (given[:-1], given[1:], keyring.seal("email", 0, KNOWN), KNOWN):
        assert read_reset_ticket(keyring, other, now) is None
