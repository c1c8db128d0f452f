"""The catalogue as members read it: active videos, what they used today, articles."""

from collections.abc import Sequence
from datetime import date

import msgspec
from msgspec import Struct

from engine.timeline import bucket_of
from engine.videos import Regions
from models.db import Database, connected, rows, sql

# Only what can be boosted: a video without a question pays nothing.
CATALOGUE = sql("""
    SELECT v.id, v.provider, v.provider_id, v.title, v.channel, v.country, v.category,
           v.duration_seconds, v.boost_percent, v.regions
    FROM videos v
    WHERE v.is_active
      AND EXISTS (SELECT FROM questions q WHERE q.video_id = v.id AND q.is_active)
""")

USED = sql("""
    SELECT video_id, status FROM boosts
    WHERE bucket = :bucket AND user_id = :user_id AND day = :day
      AND asked_at IS NOT NULL
""")

ARTICLE = sql("""
    SELECT slug, country, category, title, body FROM articles WHERE slug = :slug AND is_active
""")


class CatalogueVideo(Struct, frozen=True):
    """A video that may be boosted now. `duration_seconds` is None until its provider told it."""

    id: str
    provider: str
    provider_id: str
    title: str
    channel: str
    country: str
    category: str
    duration_seconds: int | None
    boost_percent: int
    regions: Regions


class Usage(Struct, frozen=True):
    """A user's boosts of one UTC day: videos whose question was seen, and how many were paid."""

    video_ids: frozenset[str]
    paid_count: int


class Article(Struct, frozen=True):
    """Something to read; title and body by language."""

    slug: str
    country: str
    category: str
    title: dict[str, str]
    body: dict[str, str]


async def read_catalogue(database: Database) -> Sequence[CatalogueVideo]:
    """All videos that may be boosted now, by id."""
    async with connected(database) as connection:
        found = await rows(connection, CATALOGUE)
    videos = [
        CatalogueVideo(**{**row, "regions": msgspec.json.decode(row.regions, type=Regions)})
        for row in found
    ]
    return sorted(videos, key=lambda video: video.id)  # a database's order depends on its locale


async def read_usage(database: Database, user_id: int, day: date) -> Usage:
    """Which videos a user has had the question of on a day."""
    params = {"bucket": bucket_of(user_id), "user_id": user_id, "day": day}
    async with connected(database) as connection:
        found = await rows(connection, USED, params)
    paid_count = sum(row.status == "PAID" for row in found)
    return Usage(frozenset(row.video_id for row in found), paid_count)


async def read_article(database: Database, slug: str) -> Article | None:
    """An active article, or None."""
    async with connected(database) as connection:
        found = await rows(connection, ARTICLE, {"slug": slug})
    if not found:
        return None
    title, body = (
        msgspec.json.decode(text, type=dict[str, str]) for text in (found[0].title, found[0].body)
    )
    return Article(**{**found[0], "title": title, "body": body})
