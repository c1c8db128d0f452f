"""The films that the partner hosts: fetched in ranges, described as a host of our own videos is."""

import asyncio

import httpx
import pytest

from engine.content.videos import Facts, Regions
from models.base.db import Database, transaction
from models.content.library import films, seed_films
from models.content.videos import read_catalogue
from partner.films import FOLDER
from partner.hosting import VIDEOS_PATH
from tests.kit.partner import serve
from workers.videos.own import OwnHosting

FILM = f"{VIDEOS_PATH}/night-train.mp4"
WHOLE = (FOLDER / "night-train.mp4").read_bytes()
SIZE = len(WHOLE)
BYTES_MAX = 600_000


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-", 0, SIZE - 1),
        ("bytes=0-0", 0, 0),
        ("bytes=100-199", 100, 199),
        (f"bytes=100-{SIZE * 2}", 100, SIZE - 1),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1),
        ("bytes=-1", SIZE - 1, SIZE - 1),
        (f"bytes=-{SIZE * 2}", 0, SIZE - 1),
        ("Bytes=5-6", 5, 6),
    ],
)
async def test_a_range_is_answered_with_its_bytes(asked: str, first: int, last: int) -> None:
    async with serve() as world:
        answer = await world.http.get(FILM, headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{SIZE}"
    assert answer.content == WHOLE[first : last + 1]
    assert answer.headers["content-type"] == "video/mp4"


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE + 5}-{SIZE + 9}", "bytes=-0"])
async def test_a_range_beyond_the_end_is_416_with_the_size(asked: str) -> None:
    async with serve() as world:
        answer = await world.http.get(FILM, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    "asked",
    [
        *("", "bytes=", "bytes=-", "bytes=9-5", "bytes=0-1,5-6", "lines=0-1", "bytes=١-٢"),
        *("bytes=a-b", f"bytes={'9' * 5000}-", "bytes=1 -2"),
    ],
)
async def test_what_is_no_single_range_is_answered_with_the_whole(asked: str) -> None:
    async with serve() as world:
        answer = await world.http.get(FILM, headers={b"Range": asked.encode()})
    assert (answer.status_code, len(answer.content)) == (200, SIZE)
    assert answer.headers["accept-ranges"] == "bytes"


async def test_a_range_of_another_version_is_the_whole_and_what_is_had_is_304() -> None:
    async with serve() as world:
        etag = (await world.http.get(FILM)).headers["etag"]
        part = {"Range": "bytes=0-9"}
        for before, status in ((etag, 206), ('"other"', 200), (f"W/{etag}", 200)):
            answer = await world.http.get(FILM, headers=part | {"If-Range": before})
            assert answer.status_code == status, before
        dated = {"If-Range": "Sun, 01 Mar 2026 00:00:00 GMT"}
        assert (await world.http.get(FILM, headers=part | dated)).status_code == 200
        for known in (etag, f"W/{etag}", f'"a", {etag}', "*"):
            answer = await world.http.get(FILM, headers=part | {"If-None-Match": known})
            assert (answer.status_code, answer.content) == (304, b"")


async def test_a_head_has_the_length_and_no_body_and_nothing_else_is_there() -> None:
    async with serve() as world:
        head = await world.http.head(FILM, headers={"Range": "bytes=0-9"})
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(SIZE)
        assert (await world.http.post(FILM)).status_code == 405
        for name in ("nothing.mp4", "__init__.py", "scenes.py", "..%2fpartner.py", "%00.mp4"):
            answer = await world.http.get(f"{VIDEOS_PATH}/{name}")
            assert answer.status_code == 404, name


async def test_every_seeded_film_is_there_with_its_picture_as_the_daily_check_wants_it() -> None:
    names = [film.provider_id for film in films()]
    async with serve() as world:
        await world.http.get("/healthz")  # it is up
        url = f"{world.http.base_url}".rstrip("/") + VIDEOS_PATH
        async with httpx.AsyncClient(trust_env=False) as http:
            found = await OwnHosting(url).look_up(http, names)
        pictures = await asyncio.gather(
            *(world.http.get(f"{VIDEOS_PATH}/{name}.jpg") for name in names)
        )
    assert found == {
        film.provider_id: Facts(film.title, film.duration_seconds or 0, Regions())
        for film in films()
    }
    assert {picture.headers["content-type"] for picture in pictures} == {"image/jpeg"}
    assert all((FOLDER / f"{name}.mp4").stat().st_size < BYTES_MAX for name in names)


async def test_the_films_are_seeded_with_three_questions_in_both_languages(
    database: Database,
) -> None:
    for _ in range(2):
        async with transaction(database) as connection:
            await seed_films(connection)
    shown = {video.id for video in await read_catalogue(database)}
    assert shown >= {f"own:{film.provider_id}" for film in films()}
    assert all(len(film.questions) == 3 for film in films())
    asked = [question for film in films() for question in film.questions]
    assert all(len(set(q.options_en)) == len(set(q.options_ar)) == 4 for q in asked)
