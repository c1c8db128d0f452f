"""What a new installation has to watch, read and answer, and that it stays the operator's."""

import msgspec

from engine.content.library import OPTION_COUNT, Library
from engine.core.timeline import PRODUCTION
from models.base.db import Database, Row, connected, rows, run, sql
from models.content.library import load_library
from models.schema.seed import seed
from tests.kit.words import START


async def library(database: Database) -> Library:
    async with connected(database) as connection:
        return await load_library(connection)


async def query(database: Database, statement: str) -> list[Row]:
    async with connected(database) as connection:
        return list(await rows(connection, sql(statement)))


async def test_the_library_has_what_the_first_release_needs(database: Database) -> None:
    found = await library(database)
    assert len(found.videos) >= 20
    assert len(found.questions) == 3 * 27 + 40 + 97
    for video in found.videos.values():
        name = f"video:{video.id.removeprefix('youtube:')}"
        assert video.question_keys == (name, f"{name}:2", f"{name}:3")
        assert found.questions.keys() >= set(video.question_keys)
        assert video.boost_percent == 150
    for question in found.questions.values():
        assert set(question.text) == set(question.options) == {"en", "ar"}
        assert all(len(set(given)) == OPTION_COUNT for given in question.options.values())


async def test_an_unverified_video_waits_and_says_why(database: Database) -> None:
    waiting = await query(
        database, "SELECT id, inactive_because FROM videos WHERE NOT is_active ORDER BY id"
    )
    assert len(waiting) == 6
    assert {row.inactive_because for row in waiting} == {"UNVERIFIED"}
    assert not {row.id for row in waiting} & set((await library(database)).videos)


async def test_the_kinds_of_tasks_and_their_mix(database: Database) -> None:
    kinds = await query(database, "SELECT * FROM task_types ORDER BY id")
    assert [(kind.category, kind.reward_micro) for kind in kinds] == [
        ("ADS", 2_000_000),
        ("CONTENT", 1_500_000),
        ("QUIZ", 2_500_000),
        ("SOCIAL", 3_000_000),
        ("SOCIAL", 3_000_000),
    ]
    assert all(set(msgspec.json.decode(kind.description)) == {"en", "ar"} for kind in kinds)
    (version,) = await query(database, "SELECT settings FROM configuration_versions")
    mix = msgspec.json.decode(version.settings)["task_mix"]
    assert mix == {"ADS": 8, "CONTENT": 6, "QUIZ": 4, "SOCIAL": 2}


async def test_an_operators_edits_outlive_another_seeding(database: Database) -> None:
    edits = (
        """UPDATE videos SET title = 'Ours', boost_percent = 200
           WHERE id = 'youtube:P_q3BdrFsLI'""",
        "UPDATE articles SET is_active = false WHERE slug = 'petra-rose-city'",
        "UPDATE task_types SET reward_micro = 7 WHERE id = 1",
        "DELETE FROM questions WHERE key = 'article:petra-rose-city'",
    )
    async with connected(database) as connection:
        for statement in edits:
            assert await run(connection, sql(statement)) == 1
    await seed(database, PRODUCTION, START)
    (found,) = await query(
        database,
        """SELECT v.title, v.boost_percent, a.is_active, t.reward_micro, q.key
           FROM videos v, articles a, task_types t, questions q
           WHERE v.id = 'youtube:P_q3BdrFsLI' AND a.slug = 'petra-rose-city' AND t.id = 1
             AND q.article_slug = a.slug""",
    )
    assert tuple(found) == (
        "Ours",
        200,
        False,
        7,
        "article:petra-rose-city",
    )


async def test_a_video_without_an_active_question_is_not_in_the_library(database: Database) -> None:
    async with connected(database) as connection:
        await run(
            connection,
            sql("UPDATE questions SET is_active = false WHERE video_id = 'youtube:P_q3BdrFsLI'"),
        )
    found = await library(database)
    assert "youtube:P_q3BdrFsLI" not in found.videos
    assert "video:P_q3BdrFsLI" in found.questions
