"""How many may register from a domain that is not widely known, over all networks."""

from contextlib import aclosing, suppress
from datetime import timedelta

import pytest
from msgspec.structs import replace

from api.identity.newcomers import check_domain, count_domain
from api.web_base.problems import ProblemError
from api.web_base.services import Services
from engine.admin.configuration import LIMITS
from engine.core.addresses import parse_address
from engine.core.limit import Limit
from runtime.clock import utcnow
from runtime.environment import Config
from runtime.limiter import Limiter
from tests.kit.accounts import auth, registered, sent_code
from tests.kit.contacts import confirm, want
from tests.kit.members import joined
from tests.kit.problems import problem_of
from tests.kit.staff import configure
from tests.kit.world import World

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


@pytest.fixture
def config(config: Config) -> Config:
    """With limits."""
    return replace(config, has_limits=True)


async def _waits(services: Services, email: str) -> int:
    """Register somebody of a domain. Return the seconds to wait, or 0."""
    address = parse_address(email)
    try:
        await check_domain(services, address)
        await count_domain(services, address)
    except ProblemError as error:
        assert (error.problem.status, error.problem.type) == (
            429,
            "urn:twtc:problem:domain-limited",
        )
        return int(error.headers["Retry-After"])
    return 0


async def test_three_a_day_and_twenty_a_month_of_a_domain(world: World) -> None:
    allowed, refused = 0, 0
    for _ in range(8):
        for number in range(4):
            waits = await _waits(world.services, f"u{number}@company.example")
            allowed, refused = allowed + (waits == 0), refused + (waits > 0)
        world.move_to(utcnow() + DAY + SECOND)
    assert (allowed, refused) == (20, 12)
    waits = await _waits(world.services, "me@company.example")
    assert 20 * DAY < timedelta(seconds=waits) < 30 * DAY
    world.move_to(utcnow() + timedelta(seconds=waits) + SECOND)
    assert await _waits(world.services, "me@company.example") == 0


async def test_a_domain_is_one_however_it_is_written_and_no_others(world: World) -> None:
    for written in ("a@bücher.example", "b@BÜCHER.example", "c@xn--bcher-kva.example"):
        assert await _waits(world.services, written) == 0
    assert await _waits(world.services, "d@bücher.example") > 0
    assert await _waits(world.services, "d@other.example") == 0


async def test_names_below_a_domain_are_of_it(world: World) -> None:
    """They cost nothing."""
    for name in ("s1.farm.co.uk", "farm.co.uk", "a.s2.farm.co.uk"):
        assert await _waits(world.services, f"me@{name}") == 0
    assert await _waits(world.services, "me@s3.farm.co.uk") > 0
    assert await _waits(world.services, "me@other.co.uk") == 0


async def test_widely_known_domains_and_numbers_have_no_quota(world: World) -> None:
    for number in range(30):
        assert await _waits(world.services, f"u{number}@gmail.com") == 0
    await count_domain(world.services, None)


async def test_all_processes_count_together(world: World) -> None:
    """A second process has a limiter of its own, on the same Redis."""
    name = f"twtc:{world.services.installation.id}"
    async with aclosing(Limiter(world.config.redis_url, name)) as limiter:
        other = replace(world.services, limiter=limiter)
        for services in (other, world.services, other):
            assert await _waits(services, "u@company.example") == 0
        for services in (other, world.services):
            assert await _waits(services, "u@company.example") > 0


async def test_whom_the_day_refuses_uses_up_nothing_of_the_month(world: World) -> None:
    """Who have looked at the same time all go on to count."""
    address = parse_address("me@company.example")
    for number in range(30):
        with suppress(ProblemError):
            await count_domain(world.services, address)
        if number == 20:
            world.move_to(utcnow() + DAY + SECOND)
    world.move_to(utcnow() + DAY + SECOND)
    assert await _waits(world.services, str(address)) == 0


async def test_who_changes_to_an_address_of_a_domain_counts_as_who_registers(world: World) -> None:
    person, _ = await joined(world)
    for _ in range(2):
        assert await _waits(world.services, "u@company.example") == 0
    assert (await want(person, "ann@company.example")).status_code == 201
    assert (await confirm(person, "new", "ann@company.example")).status_code == 200
    assert await _waits(world.services, "u@company.example") > 0
    other, _ = await joined(world, "bob@gmail.com")
    problem_of(await want(other, "bob@company.example"), 429, "domain-limited")


async def test_a_code_is_good_until_it_has_made_an_account(world: World) -> None:
    """Whatever comes between: here the quota, and a minute later it does."""
    await configure(world, limits=LIMITS | {"domain_day": Limit(1, 60)})
    world.move_to(utcnow() + timedelta(minutes=5))
    addresses = ("a@company.example", "b@company.example")
    tickets = [await registered(world, address) for address in addresses]
    given = [
        {"ticket": ticket, "code": sent_code(world, address)}
        for ticket, address in zip(tickets, addresses, strict=True)
    ]
    assert (await auth(world, "verify", **given[0])).status_code == 200
    problem_of(await auth(world, "verify", **given[1]), 429, "domain-limited")
    world.move_to(utcnow() + timedelta(seconds=61))
    assert (await auth(world, "verify", **given[1])).status_code == 200
    assert await world.value("SELECT count(*) FROM address_codes") == 0


async def test_looking_counts_nothing(world: World) -> None:
    address = parse_address("me@company.example")
    for _ in range(10):
        await check_domain(world.services, address)
    assert await _waits(world.services, str(address)) == 0


async def test_the_quota_is_configuration(world: World) -> None:
    await configure(world, limits=LIMITS | {"domain_day": Limit(1, 3_600)})
    world.move_to(utcnow() + timedelta(minutes=5))
    assert await _waits(world.services, "a@company.example") == 0
    assert 0 < await _waits(world.services, "b@company.example") <= 3_600


async def test_a_configuration_from_before_has_the_quotas_by_default(world: World) -> None:
    older = """
        INSERT INTO configuration_versions
            (version, settings, changed, author_id, reason, created_at, effective_from)
        SELECT 2, jsonb_set(settings #- '{limits,domain_day}', '{limits,newer}',
                            '{"quota": 1, "window_seconds": 1}'), '{}', 1, reason,
               CAST(:now AS timestamptz), CAST(:now AS timestamptz) + interval '1 hour'
        FROM configuration_versions WHERE version = 1 RETURNING 1
    """
    await world.rows(older)
    world.services.configurations.forget()
    found = await world.services.configurations.at(utcnow() + timedelta(hours=1))
    assert found.limits == LIMITS
