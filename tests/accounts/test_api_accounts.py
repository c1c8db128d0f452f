"""Accounts: registration, sign-in, refresh tokens, sign-out."""

import asyncio
from datetime import timedelta
from hashlib import sha256
from typing import Any

import bcrypt
import pytest
from nacl.pwhash import argon2id

from engine.mining.groups import tolerance
from models.accounts import claims
from models.accounts.register import IdentityTakenError, Newcomer, register
from models.accounts.sign_ins import ROTATE_TOKEN, STORE_TOKEN
from models.base.db import Connection, Statement, rows, run, transaction
from runtime.clock import utcnow
from tests.kit.accounts import PASSWORD, auth, registered, sent_code, sent_text, signed_up
from tests.kit.problems import problem_of
from tests.kit.words import MICROSECOND
from tests.kit.world import World


async def joined(world: World, email: str = "ann@example.com") -> dict[str, Any]:
    """The tokens of a new member."""
    return (await signed_up(world, email))[1]


async def refreshed(world: World, token: str) -> str | None:
    """The successor of a refresh token, or None if it was refused."""
    answer = await auth(world, "refresh", refresh_token=token)
    if answer.status_code != 200:
        problem_of(answer, 401, "unauthorized")
        return None
    successor: str = answer.json()["refresh_token"]
    return successor


async def profile(world: World, tokens: dict[str, Any]) -> dict[str, Any]:
    """Who these tokens belong to."""
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    answer = await world.http.get("/v1/me", headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(
    ("kind", "written", "normal", "again"),
    [
        ("email", " Ann.Lee@Example.COM ", "ann.lee@example.com", "ANN.LEE@example.com"),
        ("phone", " +49 (151) 123-45.678", "+4915112345678", "+4915112345678"),
    ],
)
async def test_an_identity_is_registered_once_in_its_normal_form(
    world: World, kind: str, written: str, normal: str, again: str
) -> None:
    answer = await auth(world, "register", **{kind: written, "password": PASSWORD})
    assert answer.status_code == 202
    given = {"ticket": answer.json()["ticket"], "code": sent_code(world, normal)}
    answer = await auth(world, "verify", **given)
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 900)
    assert (await profile(world, answer.json()))[kind] == normal
    for spelling in (written, normal, again):
        world.move_to(utcnow() + timedelta(minutes=1))
        body = {kind: spelling, "password": "another password"}
        assert (await auth(world, "register", **body)).status_code == 202
        assert "already" in sent_text(world, normal)
        problem_of(await auth(world, "login", **body), 401, "unauthorized")
        signed_in = await auth(world, "login", **{kind: spelling, "password": PASSWORD})
        assert (await profile(world, signed_in.json()))[kind] == normal
    assert await world.value("SELECT count(*) FROM users") == 1


async def test_an_address_that_is_freed_while_it_is_claimed_counts_as_taken(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await joined(world)

    async def free_first(connection: Connection, statement: Statement, *params: Any) -> Any:
        if statement is claims.FIND_IDENTITY:
            await world.rows("DELETE FROM identities RETURNING user_id")
        return await rows(connection, statement, *params)

    monkeypatch.setattr(claims, "rows", free_first)
    newcomer = Newcomer("email", "ann@example.com", "not-a-hash")
    with pytest.raises(IdentityTakenError):
        await register(world.database, world.config.keyring, world.table, newcomer, utcnow())


async def test_ten_at_once_with_one_address_make_one_user(world: World) -> None:
    """Whoever is signed in has the password that works; the audit checks the group sizes."""
    passwords = [f"password-{number}" for number in range(10)]
    begun = await asyncio.gather(
        *(auth(world, "register", email="ann@example.com", password=p) for p in passwords)
    )
    assert {answer.status_code for answer in begun} == {202}
    assert await world.value("SELECT count(*) FROM users") == 0
    tickets, code = [answer.json()["ticket"] for answer in begun], sent_code(world)
    answers = await asyncio.gather(
        *(auth(world, "verify", ticket=ticket, code=code) for ticket in tickets)
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [422] * 9
    for table in ("users", "wallets", "identities", "refresh_tokens"):
        assert await world.value(f"SELECT count(*) FROM {table}") == 1
    for password, registration in zip(passwords, answers, strict=True):
        login = await auth(world, "login", email="ann@example.com", password=password)
        assert (login.status_code == 200) == (registration.status_code == 200)
    assert await world.value("SELECT sum(member_count)::int FROM group_sizes") == 1


async def test_a_claim_without_a_user_is_taken_over(world: World) -> None:
    """Somebody's registration died between its two transactions."""
    claimed = await world.value(
        """
        INSERT INTO identities (kind, value, user_id, created_at)
        VALUES ('email', :index, nextval('user_ids'), :now) RETURNING user_id
        """,
        index=world.config.keyring.index("email", "ann@example.com"),
    )
    login = await auth(world, "login", email="ann@example.com", password=PASSWORD)
    problem_of(login, 401, "unauthorized")
    assert (await profile(world, await joined(world)))["id"] == claimed
    assert await world.value("SELECT count(*) FROM identities") == 1


async def test_the_answer_does_not_tell_who_is_registered(world: World) -> None:
    await joined(world)
    wrong = await auth(world, "login", email="ann@example.com", password=PASSWORD + "!")
    unknown = await auth(world, "login", email="bob@example.com", password=PASSWORD)
    phone = await auth(world, "login", phone="+4915112345678", password=PASSWORD)
    problem_of(wrong, 401, "unauthorized")
    assert wrong.content == unknown.content == phone.content
    for answer in (wrong, unknown, phone):
        del answer.headers["X-Request-Id"]  # each request has its own
    assert wrong.headers == unknown.headers == phone.headers


@pytest.mark.parametrize(
    ("password", "status"),
    [("x" * 7, 400), ("x" * 8, 202), ("x" * 128, 202), ("x" * 129, 400), ("\0" * 8, 400),
     ("ü" * 128, 202), ("🔑" * 7, 400), (" " * 8, 202)],
)  # fmt: skip
async def test_a_password_has_8_to_128_characters(world: World, password: str, status: int) -> None:
    answer = await auth(world, "register", email="ann@example.com", password=password)
    assert answer.status_code == status
    if status == 202:
        given = {"ticket": answer.json()["ticket"], "code": sent_code(world)}
        assert (await auth(world, "verify", **given)).status_code == 200
    login = await auth(world, "login", email="ann@example.com", password=password)
    assert login.status_code == (200 if status == 202 else 400)
    assert await world.value("SELECT count(*) FROM users") == (status == 202)


async def test_neither_passwords_nor_tokens_nor_addresses_are_stored(world: World) -> None:
    tokens = await joined(world)
    await auth(world, "login", email="ann@example.com", password=PASSWORD)
    successor = await refreshed(world, tokens["refresh_token"])
    ticket = await registered(world, "bob@example.com")
    code = sent_code(world, "bob@example.com")
    tables = await world.rows("""
        SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'
    """)
    found = ""
    for table in tables:
        found += "".join(r[0] for r in await world.rows(f"SELECT t::text FROM {table.name} t"))
    assert "@example.com" not in found and "$argon2id$v=19$m=7168,t=5,p=1$" in found
    for secret in (
        PASSWORD,
        tokens["access_token"],
        tokens["refresh_token"],
        successor,
        ticket,
        code,
    ):
        assert secret is not None
        assert secret not in found
        # Nor as the bytes of a bytea, which are shown in hexadecimal.
        assert secret.encode().hex() not in found


@pytest.mark.parametrize(
    "weak",
    [
        argon2id.str(PASSWORD.encode(), 1, 8_192).decode(),
        bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode(),
    ],
    ids=["argon2id", "bcrypt"],
)
async def test_a_sign_in_is_noted_and_renews_an_old_hash(world: World, weak: str) -> None:
    tokens = await joined(world)
    assert (await profile(world, tokens))["last_login_at"] == "2026-03-01T00:00:00Z"
    await world.rows("UPDATE users SET password_hash = :h", h=weak)
    world.move_to(utcnow() + timedelta(minutes=1))
    await auth(world, "login", email="ann@example.com", password="not the password")
    assert await world.value("SELECT password_hash FROM users") == weak
    assert (await profile(world, tokens))["last_login_at"] == "2026-03-01T00:00:00Z"
    login = await auth(world, "login", email="ann@example.com", password=PASSWORD)
    renewed = await world.value("SELECT password_hash FROM users")
    assert renewed.startswith("$argon2id$v=19$m=7168,t=5,p=1$")
    assert (await profile(world, login.json()))["last_login_at"] == "2026-03-01T00:01:00Z"
    again = await auth(world, "login", email="ann@example.com", password=PASSWORD)
    assert again.status_code == 200
    assert await world.value("SELECT password_hash FROM users") == renewed


async def test_a_disabled_account_gets_no_tokens(world: World) -> None:
    tokens = await joined(world)
    await world.rows("UPDATE users SET is_active = false")
    login = await auth(world, "login", email="ann@example.com", password=PASSWORD)
    problem_of(login, 403, "account-disabled")
    wrong = await auth(world, "login", email="ann@example.com", password=PASSWORD + "!")
    problem_of(wrong, 401, "unauthorized")
    assert await world.value("SELECT count(*) FROM refresh_tokens") == 1
    refresh = await auth(world, "refresh", refresh_token=tokens["refresh_token"])
    assert refresh.status_code in (401, 403), "a disabled account renews its tokens"


async def test_a_refresh_token_is_good_once_and_its_reuse_ends_the_family(world: World) -> None:
    first = (await joined(world))["refresh_token"]
    other = (await auth(world, "login", email="ann@example.com", password=PASSWORD)).json()
    second = await refreshed(world, first)
    assert second is not None
    third = await refreshed(world, second)
    assert third is not None
    assert len({first, second, third}) == 3
    assert await refreshed(world, first) is None  # stolen, or its owner was robbed
    assert await refreshed(world, third) is None
    assert await refreshed(world, second) is None
    assert await refreshed(world, other["refresh_token"]) is not None  # another sign-in


async def test_a_lost_answer_is_given_again_until_its_token_was_used(world: World) -> None:
    """Phones lose answers and come back hours later; browsers ask from several tabs at once."""
    token = (await joined(world))["refresh_token"]
    successors = await asyncio.gather(*(refreshed(world, token) for _ in range(5)))
    assert len(set(successors)) == 1
    [successor] = set(successors)
    assert successor is not None
    for later in (timedelta(seconds=20), timedelta(days=6)):
        world.move_to(utcnow() + later)
        assert await refreshed(world, token) == successor
    last = await refreshed(world, successor)
    assert last is not None
    assert await refreshed(world, successor) == last
    assert await refreshed(world, token) is None  # two steps behind: stolen
    assert await refreshed(world, last) is None


async def test_a_token_and_its_successor_at_once_sign_nobody_out(world: World) -> None:
    """A tab repeats what was lost while another one goes on with what it got."""
    token = (await joined(world))["refresh_token"]
    successor = await refreshed(world, token)
    assert successor is not None
    user_id = int(token.partition(".")[0])
    params = {"bucket": user_id % 64, "user_id": user_id, "now": utcnow()}
    async with transaction(world.database) as connection:
        used = {**params, "token_hash": sha256(successor.encode()).digest()}
        assert await rows(connection, ROTATE_TOKEN, used)
        assert await refreshed(world, token) == successor  # not used, by what is committed
    assert await world.value("SELECT count(*) FROM sign_ins WHERE revoked_at IS NULL") == 1


async def test_a_thief_of_a_used_token_ends_the_sign_in_for_both(world: World) -> None:
    stolen = (await joined(world))["refresh_token"]
    owners = await refreshed(world, stolen)
    assert owners is not None
    thiefs = await refreshed(world, stolen)
    assert thiefs == owners  # no other token than the owner's: nothing of its own to go on with
    owners = await refreshed(world, owners)
    assert owners is not None
    owners = await refreshed(world, owners)
    assert owners is not None
    assert await refreshed(world, thiefs) is None
    assert await refreshed(world, owners) is None


@pytest.mark.parametrize("ending", ["refresh", "logout"])
async def test_a_family_ends_also_while_its_last_token_is_being_used(
    world: World, ending: str
) -> None:
    """The thief's rotation commits after the family was ended."""
    first = (await joined(world))["refresh_token"]
    second = await refreshed(world, first)
    assert second is not None
    newest = await refreshed(world, second)
    assert newest is not None
    user_id = int(first.partition(".")[0])
    third = f"{user_id}.third"
    params = {"bucket": user_id % 64, "user_id": user_id, "now": utcnow()}
    async with transaction(world.database) as connection:
        used = {**params, "token_hash": sha256(newest.encode()).digest()}
        [rotated] = await rows(connection, ROTATE_TOKEN, used)
        assert (await auth(world, ending, refresh_token=first)).status_code in (204, 401)
        stored = {**params, "token_hash": sha256(third.encode()).digest()}
        stored |= {"family_id": rotated.family_id, "expires_at": rotated.expires_at}
        await run(connection, STORE_TOKEN, stored)
    assert await refreshed(world, third) is None


async def test_signing_out_ends_the_family_and_nothing_else(world: World) -> None:
    first = (await joined(world))["refresh_token"]
    other = (await auth(world, "login", email="ann@example.com", password=PASSWORD)).json()
    bobs = (await joined(world, "bob@example.com"))["refresh_token"]
    second = await refreshed(world, first)
    assert second is not None
    assert (await auth(world, "logout", refresh_token=first)).status_code == 204
    assert await refreshed(world, second) is None
    for _again in range(2):
        assert (await auth(world, "logout", refresh_token=second)).status_code == 204
    assert await refreshed(world, other["refresh_token"]) is not None
    assert await refreshed(world, bobs) is not None


async def test_a_refresh_token_is_its_owners_and_no_others(world: World) -> None:
    anns = (await joined(world))["refresh_token"]
    bobs = (await joined(world, "bob@example.com"))["refresh_token"]
    ann, _, secret = anns.partition(".")
    bob = bobs.partition(".")[0]
    forged = [f"{bob}.{secret}", f"{int(ann) + 64}.{secret}", f"0{ann}.{secret}", anns + "x",
              "", "x", ".", f"{ann}.", f"{ann}", f"-{ann}.{secret}",
              "9" * 18 + ".x", "9" * 30 + ".x", "٣.x", "0.x", " " + anns]  # fmt: skip
    for token in forged:
        assert await refreshed(world, token) is None, token
        assert (await auth(world, "logout", refresh_token=token)).status_code == 204
    for token in (f"{ann}\0.{secret}", f"{ann}.\0"):
        for route in ("refresh", "logout"):
            problem_of(await auth(world, route, refresh_token=token), 400, "bad-request")
    assert await refreshed(world, anns) is not None
    assert await refreshed(world, bobs) is not None


async def test_a_family_lives_for_seven_days_however_often_it_is_refreshed(world: World) -> None:
    begins = utcnow()
    first, kept = [(await joined(world, f"{n}@example.com"))["refresh_token"] for n in "ab"]
    world.move_to(begins + timedelta(days=7) - MICROSECOND)
    second = await refreshed(world, first)
    assert second is not None
    world.move_to(begins + timedelta(days=7))
    assert await refreshed(world, second) is None
    assert await refreshed(world, kept) is None


async def test_newcomers_fill_the_groups_evenly(world: World) -> None:
    await world.people(120)
    sizes = [
        row.size
        for row in await world.rows("""
            SELECT CAST(sum(member_count) AS int) AS size FROM group_sizes GROUP BY group_number
        """)
    ]
    assert len(sizes) == 10 and sum(sizes) == 120
    assert max(sizes) - min(sizes) <= tolerance(sizes) + 1
