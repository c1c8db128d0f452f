"""Partitions are made ahead, archived whole and dropped in time, while workers write."""

import asyncio
from datetime import date

import pytest

from models.base import patience
from models.base.columns import all_tables, partitioned_tables
from models.base.db import connected, run, sql, transaction
from models.base.partitions import (
    archive_partitions,
    drop_archived,
    prepare_partitions,
)
from tests.kit.day import start_task, tasks
from tests.kit.words import START, at
from tests.kit.world import Person, World

TABLES = """
    SELECT c.relname AS name FROM pg_class c
    WHERE c.relnamespace = CAST(:schema AS regnamespace) AND c.relkind = 'r'
      AND c.relname LIKE :names ORDER BY 1
"""
RESTING = sql("""
    INSERT INTO daily_tasks (bucket, day, user_id, number, task_type_id, category, reward_micro,
                             status, attempt, started_at)
    VALUES (:bucket, :day, :user, 1, 1, 'QUIZ', 1, 'PENDING', 1, :at)
""")


async def named(world: World, schema: str, names: str) -> list[str]:
    return [row.name for row in await world.rows(TABLES, schema=schema, names=names)]


async def touch(world: World, person: Person, day: date) -> None:
    async with connected(world.database) as connection:
        params = {"bucket": person.id % 64, "day": day, "user": person.id, "at": START}
        await run(connection, RESTING, params)


def test_every_table_in_partitions_says_how_long_they_are_kept() -> None:
    described = {kind.table for kind in partitioned_tables()}
    divided = {
        table.name
        for table in all_tables()
        if table.dialect_options["postgresql"]["partition_by"] is not None
    }
    assert described == divided


async def test_partitions_are_made_ahead_and_take_along_what_rested(world: World) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    await person.mine()
    assert await world.value("SELECT count(*) FROM activity_logs_2026_03") > 0
    await touch(world, person, date(2026, 7, 16))
    made = await prepare_partitions(world.database, date(2026, 7, 15))
    assert {"activity_logs_2026_07", "fraud_logs_2026_10", "daily_tasks_2026_07_22"} <= {*made}
    assert await world.value("SELECT count(*) FROM daily_tasks_2026_07_16") == 1
    both = await asyncio.gather(
        *(prepare_partitions(world.database, date(2027, 1, 15)) for _ in "ab")
    )
    assert len([name for made in both for name in made]) == 16
    assert await prepare_partitions(world.database, date(2026, 7, 15)) == []
    for kind in partitioned_tables():
        assert await world.value(f"SELECT count(*) FROM {kind.table}_default") == 0


async def test_a_partition_bears_its_own_keys(world: World) -> None:
    """Those that are copied from the table cannot be dropped from a shard that was detached."""
    await prepare_partitions(world.database, date(2026, 7, 15))
    keys = """
        SELECT c.conname AS name, c.conparentid <> 0 AS is_of_the_table FROM pg_constraint c
        WHERE c.contype = 'f' AND CAST(CAST(c.conrelid AS regclass) AS text) = :name
    """
    name = "daily_tasks_2026_07_16"
    found = {row.name: row.is_of_the_table for row in await world.rows(keys, name=name)}
    assert found == {f"{name}_user_id_fkey": True}


async def test_what_rests_gets_its_partition_though_its_time_is_past(world: World) -> None:
    person = await world.person()
    await touch(world, person, date(2026, 2, 20))
    assert await prepare_partitions(world.database, START.date()) == ["daily_tasks_2026_02_20"]
    assert await archive_partitions(world.database, START.date()) == ["daily_tasks_2026_02_20"]
    # What comes later still joins the others.
    await touch(world, await world.person(), date(2026, 2, 20))
    assert await prepare_partitions(world.database, START.date()) == []
    assert await world.value("SELECT count(*) FROM archive.daily_tasks_2026_02_20") == 2
    assert await world.value("SELECT count(*) FROM daily_tasks_default") == 0


async def test_the_timetable_archives_days_after_a_week(world: World) -> None:
    person = await world.person()
    await start_task(person, (await tasks(person))[0]["number"])
    for day in range(2, 9):
        await world.go_to(at(f"2026-03-{day:02d}T02:00Z"))
    assert await named(world, "archive", "%") == []
    assert await world.value("SELECT count(*) FROM daily_tasks") == 1
    await world.go_to(at("2026-03-09T02:00Z"))
    assert await named(world, "archive", "%") == ["daily_tasks_2026_03_01"]
    assert await world.value("SELECT count(*) FROM archive.daily_tasks_2026_03_01") == 1
    assert await world.value("SELECT count(*) FROM daily_tasks") == 0
    kept = await named(world, "public", "daily_tasks_2026%")
    assert kept[0] == "daily_tasks_2026_03_02"
    assert kept[-1] == "daily_tasks_2026_03_16"


async def test_an_archived_day_no_longer_watches_the_users(world: World) -> None:
    watching = "SELECT count(*) FROM pg_trigger WHERE tgrelid = CAST('users' AS regclass)"
    before = await world.value(watching)
    await archive_partitions(world.database, date(2026, 3, 20))
    assert len(await named(world, "archive", "daily_tasks%")) == 8
    assert await world.value(watching) == before


async def test_months_of_logs_are_archived_after_six(world: World) -> None:
    await archive_partitions(world.database, date(2026, 9, 30))
    assert await named(world, "archive", "%logs%") == []
    await archive_partitions(world.database, date(2026, 10, 1))
    assert await named(world, "archive", "%logs%") == [
        "activity_logs_2026_03",
        "fraud_logs_2026_03",
    ]


async def test_nothing_is_kept_longer_than_two_years(world: World) -> None:
    await archive_partitions(world.database, date(2026, 10, 1))
    assert await drop_archived(world.database, date(2028, 2, 29)) == []
    assert sorted(await drop_archived(world.database, date(2028, 3, 1))) == [
        "activity_logs_2026_03",
        "daily_tasks_2026_03_01",
        "fraud_logs_2026_03",
    ]
    assert await drop_archived(world.database, date(2028, 3, 2)) == ["daily_tasks_2026_03_02"]


async def test_a_29th_of_february_is_dropped_on_the_1st_of_march(world: World) -> None:
    await prepare_partitions(world.database, date(2028, 2, 29))
    await archive_partitions(world.database, date(2028, 3, 8))
    assert "daily_tasks_2028_02_29" in await named(world, "archive", "%")
    assert "daily_tasks_2028_02_29" not in await drop_archived(world.database, date(2030, 2, 28))
    assert "daily_tasks_2028_02_29" in await drop_archived(world.database, date(2030, 3, 1))


async def test_an_archiving_cut_short_is_finished_by_the_next(world: World) -> None:
    async with connected(world.database) as connection:
        detach = "ALTER TABLE daily_tasks DETACH PARTITION daily_tasks_2026_03_01"
        await run(connection, sql(detach))
    assert await archive_partitions(world.database, date(2026, 3, 9)) == ["daily_tasks_2026_03_01"]
    assert await archive_partitions(world.database, date(2026, 3, 9)) == []
    assert await named(world, "archive", "%") == ["daily_tasks_2026_03_01"]


async def test_upkeep_yields_to_whoever_works(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PAUSE_SECONDS", 0.05)
    person = await world.person()
    today = date(2026, 3, 20)
    async with transaction(world.database) as working:
        holding = sql("SELECT 1 FROM users WHERE bucket = :b AND id = :u FOR NO KEY UPDATE")
        await run(working, holding, {"b": person.id % 64, "u": person.id})
        archiving = asyncio.create_task(archive_partitions(world.database, today))
        await asyncio.sleep(0.5)  # at least one attempt has given up
        assert not archiving.done()
        # The piece of work that holds a user goes on to what the user has.
        params = {"bucket": person.id % 64, "day": START.date(), "user": person.id, "at": START}
        await run(working, RESTING, params)
    assert len(await archiving) == 8
    assert await world.value("SELECT count(*) FROM archive.daily_tasks_2026_03_01") == 1
