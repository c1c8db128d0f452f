"""E-mail addresses: a bare addr-spec and nothing else, one account for each mailbox."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.accounts.addresses import is_disposable, is_widely_known, mailbox_of, registrable_domain
from engine.accounts.mail_providers import WIDELY_KNOWN
from engine.core.addresses import Address, AddressError, parse_address
from engine.core.plain import TYPED_MAX
from models.accounts.register import IdentityTakenError, Newcomer, find_by_identity, register
from models.base.db import connected, run, sql, transaction
from models.operations.mailboxes import index_mailboxes
from runtime.clock import utcnow
from tests.kit.accounts import PASSWORD, auth, reclaim, signed_up
from tests.kit.addresses import NONE
from tests.kit.problems import problem_of
from tests.kit.words import START
from tests.kit.world import World


@pytest.mark.parametrize("typed", NONE)
def test_anything_but_a_bare_address_is_none(typed: str) -> None:
    with pytest.raises(AddressError):
        parse_address(typed)


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("  Me@X.Example\n", "me@x.example"),
        ("\u202bme@x.example\u202c", "me@x.example"),
        ("m\u200be@x.example", "me@x.example"),
        ("ｍｅ＠ｘ．example", "me@x.example"),
        ("me@BÜCHER.example", "me@xn--bcher-kva.example"),
        ("me@xn--bcher-kva.example", "me@xn--bcher-kva.example"),
        ("me@x。example", "me@x.example"),
        ("üser@x.example", "üser@x.example"),
        ("u\u0308ser@x.example", "üser@x.example"),
        ("o'brien+x=y@x.example", "o'brien+x=y@x.example"),
        ("أحمد@مثال.example", "أحمد@xn--mgbh0fb.example"),
    ],
)
def test_spellings_of_an_address_are_one(typed: str, address: str) -> None:
    assert str(parse_address(typed)) == address
    assert str(parse_address(address)) == address
    assert parse_address(typed).needs_utf8 == (not address.isascii())


@given(st.text(max_size=2 * TYPED_MAX))
def test_what_is_accepted_stays_as_it_is_and_cannot_leave_its_place(typed: str) -> None:
    try:
        address = parse_address(typed)
    except AddressError:
        return
    assert parse_address(str(address)) == address
    assert address.domain.isascii()
    assert not set(str(address)) & set(' \t\r\n<>(),:;"[]\\%!')


@pytest.mark.parametrize(
    ("addresses", "mailbox"),
    [
        (["j.o.e@gmail.com", "joe+x@googlemail.com", "JOE@gmail.com"], "joe@gmail.com"),
        (["joe@outlook.com", "joe+news@outlook.com"], "joe@outlook.com"),
        (["joe@hotmail.com"], "joe@hotmail.com"),
        (["joe@yahoo.com", "joe-shop@yahoo.com", "joe+x@yahoo.com"], "joe@yahoo.com"),
        (["joe@me.com", "joe@mac.com", "joe+x@icloud.com"], "joe@icloud.com"),
        (["j-o_e@pm.me", "joe@protonmail.com"], "joe@proton.me"),
        (["j-o.e@ya.ru", "j.o-e@yandex.com", "J-o-e+x@narod.ru"], "j-o-e@yandex.ru"),
        ([f"joe@yandex.{end}" for end in ("ee", "az", "com.am", "co.il", "fr")], "joe@yandex.ru"),
        (["x@joe.fastmail.com", "y+z@Joe.fastmail.com", "joe+x@fastmail.com"], "joe@fastmail.com"),
        (["joe@x.fastmail.com", "joe@deeper.x.fastmail.com"], "x@fastmail.com"),
        (["joe@fastmail.fm", "x@joe.fastmail.fm"], "joe@fastmail.fm"),
        (["x@joe-doe.sent.com", "joe_doe@sent.com"], "joe_doe@sent.com"),
        (["joe@runbox.no", "joe+x@runbox.com"], "joe@runbox.com"),
        (["x@joe.outlook.com"], "x@joe.outlook.com"),
        (["joe@x.example", "joe+a@x.example", "joe+b+c@x.example"], "joe@x.example"),
        (["j.o.e@x.example"], "j.o.e@x.example"),
        (["joe-a@x.example"], "joe-a@x.example"),
        (["+joe@x.example"], "+joe@x.example"),
        (["me@bücher.example", "me+x@xn--bcher-kva.example"], "me@xn--bcher-kva.example"),
    ],
)
def test_addresses_of_one_mailbox(addresses: list[str], mailbox: str) -> None:
    assert {mailbox_of(parse_address(typed)) for typed in addresses} == {mailbox}


def test_disposable_domains_and_what_is_below_them() -> None:
    assert is_disposable(parse_address("me@mailinator.com"))
    assert is_disposable(parse_address("me@any.mailinator.com"))
    assert not is_disposable(parse_address("me@mailinator.example"))
    assert not any(is_disposable(Address("me", domain)) for domain in WIDELY_KNOWN)
    assert all(str(parse_address(f"me@{domain}")) == f"me@{domain}" for domain in WIDELY_KNOWN)
    assert is_widely_known(parse_address("me@gmail.com"))
    assert not is_widely_known(parse_address("me@mail.gmail.com"))
    assert is_widely_known(parse_address("any@me.fastmail.com"))
    assert not is_widely_known(parse_address("me@sent.com"))


@pytest.mark.parametrize(
    ("typed", "domain"),
    [
        ("me@farm.net", "farm.net"),
        ("me@a.b.farm.net", "farm.net"),
        ("me@s1.farm.co.uk", "farm.co.uk"),
        ("me@x.company.example", "company.example"),
        ("me@x.bücher.example", "xn--bcher-kva.example"),
        ("me@a.公司.cn", "a.xn--55qx5d.cn"),
        ("me@one.duckdns.org", "duckdns.org"),  # gives names away
        ("me@co.uk", "co.uk"),
    ],
)
def test_what_is_below_a_registered_domain_is_of_it(typed: str, domain: str) -> None:
    assert registrable_domain(parse_address(typed)) == domain


@pytest.mark.parametrize("typed", NONE[:4])
async def test_nobody_registers_with_what_is_no_address(world: World, typed: str) -> None:
    answer = await auth(world, "register", email=typed, password=PASSWORD)
    problem_of(answer, 400, "bad-request")
    assert answer.json()["errors"][0]["key"] == "email"
    for table in ("users", "identities", "mailboxes"):
        assert await world.value(f"SELECT count(*) FROM {table}") == 0


SIX = [
    "joe@gmail.com",
    "j.oe@gmail.com",
    "joe+1@gmail.com",
    "joe@googlemail.com",
    "J.O.E+2@googlemail.com",
    "j\u200boe@gmail.com",
]


async def _register(world: World, email: str) -> int | None:
    newcomer = Newcomer("email", str(parse_address(email)), "not-a-hash")
    keyring, table = world.config.keyring, world.table
    try:
        return (await register(world.database, keyring, table, newcomer, utcnow())).id
    except IdentityTakenError:
        return None


@pytest.mark.parametrize("times", range(3))
async def test_one_mailbox_is_one_account_whoever_is_first(world: World, times: int) -> None:
    made = await asyncio.gather(*(_register(world, email) for email in SIX))
    assert len([user_id for user_id in made if user_id is not None]) == 1
    assert await world.value("SELECT count(*) FROM users") == 1
    assert await world.value("SELECT count(*) FROM mailboxes") == 1
    for email in SIX:
        assert await _register(world, email) is None
    found = [
        await find_by_identity(world.database, world.config.keyring, "email", str(parse_address(e)))
        for e in SIX
    ]
    owners = {account.id for account in found if account is not None}
    assert owners == {user_id for user_id in made if user_id is not None}


async def test_a_mailbox_claimed_without_a_user_goes_to_the_next(world: World) -> None:
    await _register(world, "somebody@gmail.com")
    index = world.config.keyring.index("mailbox", "joe@gmail.com")
    await world.rows(
        "INSERT INTO mailboxes VALUES (:v, 6400000, CAST(:now AS timestamptz)) RETURNING 1",
        v=index,
    )
    assert await _register(world, "joe+1@gmail.com") == 6400000
    assert await _register(world, "joe@gmail.com") is None


async def test_a_disposable_address_is_refused_with_its_reason(world: World) -> None:
    answer = await auth(world, "register", email="me@any.mailinator.com", password=PASSWORD)
    problem_of(answer, 422, "address-disposable")
    assert await world.value("SELECT count(*) FROM users") == 0


async def _old_account(world: World, email: str) -> int:
    """An account as a release registered it that looked at addresses less closely."""
    user_id = await _register(
        world, f"u{await world.value('SELECT count(*) FROM users')}@x.example"
    )
    assert user_id is not None
    keyring, bucket = world.config.keyring, user_id % 64
    async with transaction(world.database) as connection:
        for table in ("mailboxes", "identities"):
            await run(connection, sql(f"DELETE FROM {table} WHERE user_id = :u"), {"u": user_id})
        claim = "INSERT INTO identities VALUES ('email', :v, :u, CAST(:now AS timestamptz))"
        await run(
            connection,
            sql(claim),
            {"v": keyring.index("email", email), "u": user_id, "now": utcnow()},
        )
        sealed = {"e": keyring.seal("email", user_id, email), "b": bucket, "u": user_id}
        await run(
            connection, sql("UPDATE users SET email = :e WHERE bucket = :b AND id = :u"), sealed
        )
    return user_id


async def test_accounts_that_would_be_refused_today_are_found_told_and_go_on(
    world: World,
) -> None:
    written = ["one<me@x.example>", "me@mailinator.com", "joe@gmail.com", "j.oe@gmail.com"]
    written += ["me@bücher.example", "fine@x.example"]
    users = [await _old_account(world, email) for email in written]
    # It stopped in the middle: what was done is done again, and told once.
    keyring, database = world.config.keyring, world.database
    await index_mailboxes(database, replace(keyring, secrets=()), START)
    assert await world.value("SELECT count(*) FROM mailboxes") == 0
    counts = await index_mailboxes(database, keyring, utcnow())
    assert counts == {"no address": 1, "disposable": 1, "mailbox of another account": 1}
    assert await index_mailboxes(database, keyring, utcnow()) == {}
    told = await world.rows(
        "SELECT subject_id, after ->> 'why' AS why FROM admin_log WHERE action = 'address.found'"
    )
    by_user = {int(row.subject_id): row.why for row in told}
    assert by_user.keys() >= {users[0], users[1]} and len(told) == 3
    assert len(by_user.keys() & {users[2], users[3]}) == 1
    assert "refused today" in await world.value("SELECT text FROM alerts WHERE key = 'addresses'")
    for user_id, email in zip(users, written, strict=True):
        account = await find_by_identity(database, keyring, "email", email)
        assert account is not None and account.id == user_id
    # The form in which it is unique today leads to it too, and to nobody else.
    account = await find_by_identity(database, keyring, "email", "me@xn--bcher-kva.example")
    assert account is not None and account.id == users[4]
    for email in ("joe+x@gmail.com", "me+1@xn--bcher-kva.example", "fine+1@x.example"):
        assert await _register(world, email) is None


async def test_an_account_with_such_an_address_signs_in_as_before(world: World) -> None:
    user_id = (await signed_up(world))[0].id
    keyring, former = world.config.keyring, "one<ann@example.com>"
    await reclaim(world, user_id, keyring.index("email", former))
    async with connected(world.database) as connection:
        await run(
            connection,
            sql("UPDATE users SET email = :e WHERE bucket = :b AND id = :u"),
            {"e": keyring.seal("email", user_id, former), "b": user_id % 64, "u": user_id},
        )
    login = await auth(world, "login", email=former, password=PASSWORD)
    assert login.status_code == 200, login.text


async def test_an_address_that_is_only_claimed_signs_nobody_in(world: World) -> None:
    user_id = await _register(world, "ann@x.example")
    keyring, now = world.config.keyring, utcnow() + timedelta(seconds=1)
    claim = "INSERT INTO identities VALUES ('email', :v, :u, CAST(:at AS timestamptz)) RETURNING 1"
    await world.rows(claim, v=keyring.index("email", "bob@x.example"), u=user_id, at=now)
    for email, found in (("ann@x.example", True), ("bob@x.example", False)):
        account = await find_by_identity(world.database, keyring, "email", email)
        assert (account is not None) == found
