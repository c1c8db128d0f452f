"""Accounts: registration, sign-in, refresh tokens, sign-out."""

import asyncio
from datetime import timedelta
from typing import Any

import bcrypt
import pytest
from nacl.pwhash import argon2id

from engine.mining.groups import tolerance
from models.accounts import claims
from models.accounts.register import IdentityTakenError, Newcomer, register
from models.base.db import Connection, Statement, rows
from runtime.clock import utcnow
from tests.kit.accounts import PASSWORD, auth, registered, sent_code, sent_text
from tests.kit.problems import problem_of
from tests.kit.sign_ins import joined, refreshed
from tests.kit.world import World


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


async def test_a_password_has_8_to_128_characters(world: World) -> None:
    passwords = {
        **{"x" * 7: 400, "x" * 8: 202, "x" * 128: 202, "x" * 129: 400, "\0" * 8: 400},
        **{"ü" * 128: 202, "🔑" * 7: 400, " " * 8: 202},
    }
    users = 0
    for number, (password, status) in enumerate(passwords.items()):
        email = f"ann{number}@example.com"
        answer = await auth(world, "register", email=email, password=password)
        assert answer.status_code == status, repr(password)
        if status == 202:
            users += 1
            given = {"ticket": answer.json()["ticket"], "code": sent_code(world, email)}
            assert (await auth(world, "verify", **given)).status_code == 200
        login = await auth(world, "login", email=email, password=password)
        assert login.status_code == (200 if status == 202 else 400), repr(password)
        assert await world.value("SELECT count(*) FROM users") == users


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
