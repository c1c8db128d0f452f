"""What is known of a person: taken along, objected to, forgotten; and logs that grow old."""

import asyncio
import csv
import gzip
import io
import json
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ARRAY, BigInteger

import models.schema.archives
from models.accounts.bans import INACTIVE
from models.base.columns import DELETED, KEPT
from models.base.db import Connection, Params, Row, Statement, run, sql, transaction
from models.base.db import rows as read
from models.base.partitions import archive_partitions
from models.privacy.erasure import ERASE_AFTER, INACTIVE_USERS, close_inactive
from models.privacy.export import owner_column, personal_tables
from models.schema.archives import drop_files, write_archives
from models.tables import metadata
from runtime.clock import utcnow
from tests.kit.accounts import PASSWORD
from tests.kit.day import boost, do_task, tasks, videos
from tests.kit.members import AGENT, close, joined, whole_database
from tests.kit.problems import problem_of
from tests.kit.words import MICROSECOND, at
from tests.kit.world import Person, World

# Of the bigint columns those that count something, beside what is in millionths.
NUMBERS = {"amount", "balance", "earned", "member_count", "settled_balance", "total_earned"}
NUMBERS |= {"total_withdrawn", "totp_last_step", "value", "version"}


async def live_a_bit(person: Person) -> None:
    """Mine, boost, do a social task and a reading, register a phone: rows everywhere."""
    world = person.world
    await world.go_to(person.next_opening())
    await person.mine()
    await boost(person, (await videos(world))[0])
    for task in [t for t in await tasks(person) if t["status"] == "AVAILABLE"]:
        await do_task(person, task)
    phone = {"token": "token-of-a-phone-0001", "platform": "IOS", "language": "en"}
    assert (await person.post("/v1/devices", phone)).status_code == 200
    await world.live_until(utcnow() + timedelta(hours=5), timedelta(hours=1))


async def grow_old(world: World) -> None:
    """Let the days go by after which their tasks are archived."""
    await world.live_until(at("2026-03-10T00:00Z"), timedelta(days=1))


def test_every_table_with_users_rows_says_what_becomes_of_it() -> None:
    said = {table.name for table in metadata.tables.values() if table.info}
    assert said == {table.name for table in personal_tables()}
    for table in personal_tables():
        assert table.info["erasure"] in {KEPT, DELETED} or " = " in table.info["erasure"]
        assert set(table.info["withheld"]) <= set(table.columns.keys())


def test_every_column_that_names_a_member_says_so() -> None:
    """In a row of their own it is the owner; elsewhere it says why it may stay."""
    owned = {(table.name, owner_column(table)) for table in personal_tables()}
    for table in metadata.tables.values():
        for column in table.columns:
            kind = column.type.item_type if isinstance(column.type, ARRAY) else column.type
            if not isinstance(kind, BigInteger) or (table.name, column.name) in owned:
                continue
            is_number = column.name in NUMBERS or "_micro" in column.name
            assert is_number != bool(column.info.get("naming")), f"{table.name}.{column.name}"


async def test_who_invited_somebody_is_forgotten_with_them(world: World) -> None:
    inviter, _ = await joined(world)
    invited, _ = await joined(world, "bob@example.com")
    refer = sql("UPDATE users SET referred_by = :by WHERE bucket = :bucket AND id = :id")
    async with transaction(world.database) as connection:
        params = {"by": inviter.id, "bucket": invited.id % 64, "id": invited.id}
        await run(connection, refer, params)
    of_invited = f"SELECT referred_by FROM users WHERE id = {invited.id}"
    await close(inviter)
    await world.live_until(utcnow() + timedelta(hours=3), timedelta(hours=1))
    assert await world.value("SELECT count(*) FROM erasures WHERE erased_at IS NOT NULL") == 1
    assert await world.value(of_invited) == inviter.id  # a number that leads to nobody
    await close(invited)
    await world.live_until(utcnow() + timedelta(hours=3), timedelta(hours=1))
    assert await world.value(of_invited) is None


async def test_an_export_is_complete_and_ones_own(world: World) -> None:
    person, _ = await joined(world)
    other, _ = await joined(world, "bob@example.com")
    await live_a_bit(person)
    await live_a_bit(other)
    await grow_old(world)
    assert await world.value("SELECT count(*) FROM daily_tasks") == 0  # archived by now

    answer = await person.get("/v1/me/export")
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    document = answer.json()
    assert document["format"] == "twtc-export/1"
    kept = document["tables"]
    assert set(kept) == {table.name for table in personal_tables()}
    assert [row["email"] for row in kept["users"]] == ["ann@example.com"]
    assert len(kept["daily_tasks"]) >= 3
    for name in ("wallets", "mining_sessions", "ad_views", "transactions", "activity_logs"):
        assert kept[name], name
    for name, rows in kept.items():
        for row in rows:
            assert row.get("user_id", person.id) == person.id, name
            assert not set(row) & set(metadata.tables[name].info["withheld"]), name
    text = answer.text
    assert "bob@example.com" not in text
    assert "argon2" not in text


async def test_exports_wait_in_line(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person, _ = await joined(world)
    monkeypatch.setattr("api.members.privacy._exporting", asyncio.Semaphore(0))
    refused = await person.get("/v1/me/export")
    problem_of(refused, 503, "busy")
    assert refused.headers["Retry-After"] == "60"


async def test_a_closed_account_is_forgotten_and_its_coins_stay(world: World) -> None:
    person, tokens = await joined(world)
    await live_a_bit(person)
    sums = await world.rows("SELECT type, sum(amount) FROM transactions GROUP BY 1 ORDER BY 1")
    balance = await person.balance()
    problem_of(await close(person, "another password"), 403, "password-wrong")
    closed = await close(person)
    assert closed.status_code == 200, closed.text
    forgotten_from = utcnow() + ERASE_AFTER
    assert at(closed.json()["forgotten_from"]) == forgotten_from

    # At once: no way in, and nothing is earned any more.
    refresh = {"refresh_token": tokens["refresh_token"]}
    assert (await world.http.post("/v1/auth/refresh", json=refresh)).status_code == 401
    login = {"email": "ann@example.com", "password": PASSWORD}
    assert (await world.http.post("/v1/auth/login", json=login)).status_code in (401, 403)
    assert (await person.status())["refusal"]["reason"] == "ACCOUNT_DISABLED"
    problem_of(await close(person), 401, "unauthorized")

    # Soon: nothing tells who it was.
    await world.go_to(forgotten_from - MICROSECOND)
    assert AGENT in await whole_database(world)
    await world.live_until(forgotten_from + timedelta(hours=2), timedelta(hours=1))
    text = await whole_database(world)
    assert await world.value("SELECT email FROM users") is None
    index = world.config.keyring.index("email", "ann@example.com")
    for trace in (index, AGENT, "token-of-a-phone", "argon2"):
        assert trace not in text, trace
    assert await world.value("SELECT count(*) FROM erasures WHERE erased_at IS NULL") == 0
    after = await world.rows("SELECT type, sum(amount) FROM transactions GROUP BY 1 ORDER BY 1")
    assert after == sums
    assert await person.balance() == balance

    # The address is free again, for a stranger.
    newcomer, _ = await joined(world)
    assert newcomer.id != person.id
    assert await newcomer.balance() == "0.000000"


async def test_what_was_archived_is_forgotten_too(world: World) -> None:
    person, _ = await joined(world)
    await live_a_bit(person)
    await grow_old(world)
    await archive_partitions(world.database, date(2027, 1, 1))
    assert AGENT in await whole_database(world)
    await close(person)
    await world.live_until(utcnow() + timedelta(hours=3), timedelta(hours=1))
    assert AGENT not in await whole_database(world)


async def test_what_was_mined_before_is_still_settled(world: World) -> None:
    person, _ = await joined(world)
    await world.go_to(person.next_opening())
    await person.mine()
    assert (await close(person)).status_code == 200
    await world.live_until(utcnow() + timedelta(hours=5), timedelta(minutes=30))
    assert await person.balance() == "100.000000"


async def test_two_years_without_a_sign_in_close_an_account(world: World) -> None:
    away, _ = await joined(world)
    here, _ = await joined(world, "bob@example.com")
    joined_at = utcnow()
    world.move_to(joined_at + timedelta(days=1))
    login = {"email": "bob@example.com", "password": PASSWORD}
    assert (await world.http.post("/v1/auth/login", json=login)).status_code == 200
    copies = world.shop.copies
    assert await close_inactive(world.database, copies, joined_at + INACTIVE) == 0
    assert await close_inactive(world.database, copies, joined_at + INACTIVE + MICROSECOND) == 1
    open_ids = await world.rows("SELECT id FROM users WHERE closed_at IS NULL")
    assert [row.id for row in open_ids] == [here.id]
    assert await world.value("SELECT reason FROM erasures") == "INACTIVE"
    assert away.id != here.id


async def test_no_statement_looks_in_all_buckets_for_who_is_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def noting(
        connection: Connection, statement: Statement, params: Params | None = None
    ) -> Sequence[Row]:
        if statement is INACTIVE_USERS and params is not None:
            asked.append(params["bucket"])
        return await read(connection, statement, params)

    monkeypatch.setattr("models.privacy.erasure.rows", noting)
    assert await close_inactive(world.database, world.shop.copies, utcnow()) == 0
    assert asked == list(range(64))


async def test_consents_are_remembered_with_their_history(world: World) -> None:
    person, _ = await joined(world)
    shown = (await person.get("/v1/me/consents")).json()
    assert shown == {"tracking": True, "marketing": False}
    for number in range(3):
        world.move_to(utcnow() + timedelta(minutes=1))
        body = {"tracking": bool(number % 2), "marketing": False}
        answer = await world.http.put("/v1/me/consents", json=body, headers=person.headers)
        assert answer.json() == body
        assert (await person.get("/v1/me/consents")).json() == body
    history = await world.rows("SELECT purpose, granted FROM consents ORDER BY changed_at")
    assert [tuple(row) for row in history] == [
        ("TRACKING", False),
        ("TRACKING", True),
        ("TRACKING", False),
    ]
    assert await world.value("SELECT tracking_opt_out FROM users") is True


async def old_logs(world: World) -> int:
    """Logs of March, moved into the archive. Return their number."""
    person, _ = await joined(world)
    await live_a_bit(person)
    number: int = await world.value("SELECT count(*) FROM activity_logs")
    assert number > 0
    await grow_old(world)
    await archive_partitions(world.database, date(2026, 11, 1))
    return number


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name != "outbox")


def lines(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode())))


async def test_old_logs_become_files_that_name_no_address(world: World, tmp_path: Path) -> None:
    number = await old_logs(world)
    written = await write_archives(world.database, tmp_path)
    [name] = [name for name in written if name.startswith("activity_logs_2026_03-")]
    rows = lines(tmp_path / name)
    assert len(rows) == number
    assert not set(rows[0]) & {"ip_address", "user_agent", "device_fingerprint"}
    assert AGENT not in json.dumps(rows)
    gone = "SELECT count(*) FROM pg_class WHERE relname = 'activity_logs_2026_03'"
    assert await world.value(gone) == 0
    assert await write_archives(world.database, tmp_path) == []
    assert drop_files(tmp_path, date(2028, 2, 29)) == []
    assert name in drop_files(tmp_path, date(2028, 3, 1))
    assert not (tmp_path / name).exists()


async def test_a_worker_that_dies_between_file_and_table_writes_the_same_file(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await old_logs(world)

    def die(_source: str) -> Any:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(models.schema.archives, "sql", die)
        with pytest.raises(RuntimeError):
            await write_archives(world.database, tmp_path)
    [path] = files(tmp_path)
    before = path.read_bytes()
    written = await write_archives(world.database, tmp_path)
    assert path.name in written
    assert path.read_bytes() == before
    assert all(file.name.endswith(".csv.gz") for file in files(tmp_path))
