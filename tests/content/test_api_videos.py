"""The catalogue: what may be watched and read, what is used up today, and what never leaves."""

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory
from msgspec.structs import replace

from engine.content.videos import COUNTRIES, Regions
from models.base.db import Database, run, sql, transaction
from runtime.clock import new_id, utcnow
from runtime.environment import Config
from tests.kit.problems import problem_of
from tests.kit.words import at
from tests.kit.world import Person, World, open_world

SINGAPORE = "youtube:P_q3BdrFsLI"
PARIS = "youtube:AQ6GmpMu5L8"
BEFORE_MIDNIGHT = at("2026-03-01T23:59:59.999999Z")


@pytest.fixture
async def person(
    clock: FrozenDateTimeFactory, config: Config, database: Database
) -> AsyncIterator[Person]:
    """A member of a world whose books are not audited: boosts are written by hand here."""
    async with open_world(config, database, clock) as opened:
        await opened.rows("UPDATE videos SET duration_seconds = 150 WHERE duration_seconds IS NULL")
        yield await opened.person()


async def change(world: World, statement: str, **params: Any) -> None:
    """Change the catalogue, and wait until every process sees it."""
    await world.rows(statement, **params)
    world.move_to(utcnow() + timedelta(seconds=30))


async def boosted(person: Person, video_id: str, slot: int | None) -> None:
    """An answered boost: rightly, with its slot, or wrongly."""
    now = utcnow()
    session, params = new_id(now), {"b": person.id % 64, "u": person.id, "now": now}
    async with transaction(person.world.database) as connection:
        await run(
            connection,
            sql("""INSERT INTO mining_sessions (bucket, id, user_id, group_number, status,
                       reward_micro, requested_at, window_opens_at, failed_at, failure)
                   VALUES (:b, :s, :u, 1, 'FAILED', 1, :now, :now, :now, 'TEST')"""),
            params | {"s": session},
        )
        await run(
            connection,
            sql("""INSERT INTO boosts (bucket, id, user_id, session_id, video_id, question_key,
                       day, status, duration_seconds, reward_micro, slot, started_at, watched_at,
                       asked_at, answered_at, answer, is_correct)
                   VALUES (:b, :id, :u, :s, :video, 'k', :day, :status, 1, 1, :slot,
                       :before, :now, :now, :now, 0, :right)"""),
            params
            | {
                "id": new_id(now),
                "s": session,
                "video": video_id,
                "day": now.date(),
                "status": "PAID" if slot else "WRONG",
                "slot": slot,
                "right": slot is not None,
                "before": now - timedelta(seconds=1),
            },
        )


async def videos(person: Person, query: str = "") -> dict[str, Any]:
    answer = await person.get(f"/v1/videos?limit=100{query}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "private, no-cache"
    found: dict[str, Any] = answer.json()
    return found


async def ids(person: Person, query: str = "") -> set[str]:
    return {item["id"] for item in (await videos(person, query))["items"]}


async def test_a_video_has_what_its_card_shows(person: Person) -> None:
    found = await videos(person)
    assert found["boosts_left_today"] == 3
    assert found["next_cursor"] is None
    (card,) = (item for item in found["items"] if item["id"] == SINGAPORE)
    assert card == {
        "id": SINGAPORE,
        "provider": "youtube",
        "provider_id": "P_q3BdrFsLI",
        "title": "Singapore Vacation Travel Guide | Expedia",
        "channel": "Expedia",
        "country": "SG",
        "category": "CITY",
        "thumbnail": "https://i.ytimg.com/vi/P_q3BdrFsLI/hqdefault.jpg",
        "media_url": None,
        "duration_seconds": 150,
        "boost_percent": 150,
        "used_today": False,
    }


async def test_filters_narrow_together(person: Person) -> None:
    found = (await videos(person, "&country=FR&category=CITY"))["items"]
    assert found and {(item["country"], item["category"]) for item in found} == {("FR", "CITY")}
    assert await ids(person, "&country=AQ") == set()


async def test_a_filter_that_means_nothing_is_refused(person: Person) -> None:
    for query in (
        "country=fr",
        "country=XX",
        "country=FRA",
        "country=",
        "region=uk",
        "category=FOOD",
        "category=city",
        "unused_today=perhaps",
        "limit=0",
        "limit=101",
        "cursor=%C3%A9",
        "cursor=",
        "cursor=!",
        "cursor=_w==",
    ):
        answer = await person.get(f"/v1/videos?{query}")
        assert answer.status_code == 400, query
        problem_of(answer, 400, "bad-request")


async def test_the_catalogue_is_for_members(person: Person) -> None:
    for path in ("/v1/videos", "/v1/articles/petra-rose-city"):
        problem_of(await person.world.http.get(path), 401, "unauthorized")


async def test_pages_show_every_video_once(person: Person) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await person.get(f"/v1/videos?limit=4{cursor}")).json()
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == sorted(await ids(person))


async def test_what_is_answered_today_is_used_until_midnight(person: Person) -> None:
    person.world.move_to(BEFORE_MIDNIGHT)
    await boosted(person, SINGAPORE, slot=1)
    await boosted(person, PARIS, slot=None)
    found = await videos(person)
    assert {item["id"] for item in found["items"] if item["used_today"]} == {SINGAPORE, PARIS}
    assert found["boosts_left_today"] == 1
    assert not {SINGAPORE, PARIS} & await ids(person, "&unused_today=true")
    other = await person.world.person()
    assert (await videos(other))["boosts_left_today"] == 3
    person.world.move_to(BEFORE_MIDNIGHT + timedelta(microseconds=1))
    found = await videos(person)
    assert not any(item["used_today"] for item in found["items"])
    assert found["boosts_left_today"] == 3


async def test_a_video_is_left_out_where_it_is_not_shown(person: Person) -> None:
    update = "UPDATE videos SET regions = CAST(:regions AS jsonb) WHERE id = :id"
    await change(person.world, update, id=SINGAPORE, regions='{"blocked": ["DE"]}')
    await change(person.world, update, id=PARIS, regions='{"allowed": ["FR", "DE"]}')
    assert {SINGAPORE, PARIS} <= await ids(person)
    assert {SINGAPORE, PARIS} & await ids(person, "&region=DE") == {PARIS}
    assert {SINGAPORE, PARIS} & await ids(person, "&region=US") == {SINGAPORE}


async def test_what_cannot_be_boosted_is_not_listed(person: Person) -> None:
    assert len(await ids(person)) == 21  # the unverified ones wait
    deactivate = "UPDATE videos SET is_active = false, inactive_because = 'VANISHED' WHERE id = :id"
    await change(person.world, deactivate, id=SINGAPORE)
    silence = "UPDATE questions SET is_active = false WHERE video_id = :id"
    await change(person.world, silence, id=PARIS)
    assert not {SINGAPORE, PARIS} & await ids(person)


async def test_a_video_is_offered_once_its_length_is_known(person: Person) -> None:
    tell = "UPDATE videos SET duration_seconds = CAST(:seconds AS integer) WHERE id = :id"
    await change(person.world, tell, id=SINGAPORE, seconds=None)
    assert SINGAPORE not in await ids(person)
    await change(person.world, tell, id=SINGAPORE, seconds=90)
    found = (await videos(person))["items"]
    assert {item["id"]: item["duration_seconds"] for item in found}[SINGAPORE] == 90


async def test_a_video_of_our_own_names_its_media(
    clock: FrozenDateTimeFactory, config: Config, database: Database
) -> None:
    add = """INSERT INTO videos (id, provider, provider_id, title, channel, country, category,
                 duration_seconds, boost_percent, regions, is_active)
             VALUES ('own:petra', 'own', 'petra', 'Petra', 'TWTC', 'JO', 'HISTORY', 90, 150, '{}',
                 true)"""
    ask = """INSERT INTO questions SELECT 'video:petra', 'own:petra', NULL, 'JO', text, options,
                 correct_index, difficulty, NULL, true FROM questions LIMIT 1"""
    hosted = replace(config, own_videos_url="https://videos.example/twtc")
    async with open_world(hosted, database, clock) as world:
        await world.rows(add)
        await world.rows(ask)
        (card,) = (await videos(await world.person(), "&country=JO"))["items"]
    assert card["media_url"] == "https://videos.example/twtc/petra.mp4"
    assert card["thumbnail"] == "https://videos.example/twtc/petra.jpg"
    assert card["duration_seconds"] == 90


async def test_an_article_is_read_in_both_languages(person: Person) -> None:
    answer = await person.get("/v1/articles/petra-rose-city")
    assert answer.status_code == 200
    assert "private" in answer.headers["Cache-Control"]
    found = answer.json()
    assert set(found) == {"slug", "country", "category", "title", "body"}
    assert set(found["title"]) == set(found["body"]) == {"en", "ar"}
    await person.world.rows("UPDATE articles SET is_active = false")
    problem_of(await person.get("/v1/articles/petra-rose-city"), 404, "not-found")


async def test_an_unknown_article_is_not_found(person: Person) -> None:
    for slug in ("atlantis", "Petra", "a%00b", "x" * 3000, "petra--rose"):
        problem_of(await person.get(f"/v1/articles/{slug}"), 404, "not-found")


async def test_no_answer_leaves(person: Person) -> None:
    for path in ("/v1/videos?limit=100", "/v1/articles/petra-rose-city"):
        text = (await person.get(path)).text
        assert "correct" not in text and "options" not in text and "question" not in text
    assert not _leaks((await person.world.http.get("/docs/openapi.json")).json())


def _leaks(document: dict[str, Any]) -> list[str]:
    """What says which option is right in what is not for administrators."""
    schemas, seen = document["components"]["schemas"], set[str]()
    said = [item for path, item in document["paths"].items() if not path.startswith("/v1/admin")]
    found = []
    while said:
        text = json.dumps(said.pop())
        found += re.findall(r"correct_\w*", text)
        named = set(re.findall(r"#/components/schemas/([^\"]+)", text)) - seen
        seen |= named
        said += [schemas[name] for name in named]
    return found


def test_regions_say_where() -> None:
    assert Regions().admits("DE")
    assert Regions(blocked=[]).admits("DE")
    assert not Regions(allowed=[]).admits("DE")
    assert not Regions(allowed=["DE"], blocked=["DE"]).admits("DE")
    assert len(COUNTRIES) == 249
