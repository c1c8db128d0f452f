"""The catalogue as members read it, and what the videos' providers found, as it is stored."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec
from msgspec import Struct

from engine.content.videos import Regions, StoredVideo, Verdict
from engine.core.timeline import bucket_of
from models.base.db import Database, connected, rows, run, sql, transaction
from models.base.encoding import encode

# Only what can be boosted: a video without a question pays nothing, and one whose length we do not
# know might be over at once.
CATALOGUE = sql("""
    SELECT v.id, v.provider, v.provider_id, v.title, v.channel, v.country, v.category,
           v.duration_seconds, v.boost_percent, v.regions
    FROM videos v
    WHERE v.is_active AND v.duration_seconds IS NOT NULL
      AND EXISTS (SELECT FROM questions q WHERE q.video_id = v.id AND q.is_active)
""")

USED = sql("""
    SELECT video_id, asked_at FROM boosts
    WHERE bucket = :bucket AND user_id = :user_id AND day = :day
      AND watched_at IS NOT NULL
""")

ARTICLE = sql("""
    SELECT slug, country, category, title, body FROM articles WHERE slug = :slug AND is_active
""")

# Those never checked first, then those checked longest ago: a check that was broken off goes on
# where it stopped.
TO_CHECK = sql("""
    SELECT id, provider_id, title, inactive_because FROM videos
    WHERE provider = :provider ORDER BY checked_at NULLS FIRST, id LIMIT :limit
""")

# By bucket first: a member lives in one, and so each part counts whole members.
REPORTED = sql("""
    SELECT v.id, v.provider_id, v.title, v.inactive_because
    FROM videos v JOIN (
        SELECT f.video_id, sum(f.members) AS members
        FROM (SELECT b.bucket, b.video_id, count(DISTINCT b.user_id) AS members
              FROM boosts b JOIN videos checked ON checked.id = b.video_id
              WHERE b.failure = 'UNPLAYABLE' AND b.failed_at > :since
                AND b.failed_at > COALESCE(checked.checked_at, :since)
              GROUP BY b.bucket, b.video_id) f
        GROUP BY f.video_id
    ) r ON r.video_id = v.id
    WHERE v.provider = :provider AND v.is_active AND r.members >= :members_min
    ORDER BY v.id LIMIT :limit
""")

# What an operator has changed since the row was read stands.
STORE_VERDICTS = sql("""
    UPDATE videos v
    SET is_active = d.because IS NULL,
        inactive_because = d.because,
        duration_seconds = coalesce(d.duration_seconds, v.duration_seconds),
        regions = coalesce(CAST(d.regions AS jsonb), v.regions),
        checked_at = :now
    FROM unnest(CAST(:ids AS text[]), CAST(:because_before AS text[]), CAST(:because AS text[]),
                CAST(:durations AS integer[]), CAST(:regions AS text[]))
         AS d (id, because_before, because, duration_seconds, regions)
    WHERE v.id = d.id AND v.inactive_because IS NOT DISTINCT FROM d.because_before
""")


class CatalogueVideo(Struct, frozen=True):
    """A video that may be boosted now."""

    id: str
    provider: str
    provider_id: str
    title: str
    channel: str
    country: str
    category: str
    duration_seconds: int
    boost_percent: int
    regions: Regions


class Usage(Struct, frozen=True):
    """A user's boosts of one UTC day: videos that were watched, and how many boosts were spent."""

    video_ids: frozenset[str]
    spent_count: int


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
    """Which videos a user has watched on a day."""
    params = {"bucket": bucket_of(user_id), "user_id": user_id, "day": day}
    async with connected(database) as connection:
        found = await rows(connection, USED, params)
    spent_count = sum(row.asked_at is not None for row in found)
    return Usage(frozenset(row.video_id for row in found), spent_count)


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


async def videos_to_check(database: Database, provider: str, limit: int) -> list[StoredVideo]:
    """A provider's videos, active or not; those whose check is the most overdue first."""
    async with connected(database) as connection:
        found = await rows(connection, TO_CHECK, {"provider": provider, "limit": limit})
    return [StoredVideo(**row) for row in found]


async def reported_videos(
    database: Database, provider: str, limit: int, members_min: int, since: datetime
) -> list[StoredVideo]:
    """A provider's videos that so many members could not play since a time and the last check."""
    params = {"provider": provider, "limit": limit, "members_min": members_min, "since": since}
    async with connected(database) as connection:
        found = await rows(connection, REPORTED, params)
    return [StoredVideo(**row) for row in found]


async def store_verdicts(database: Database, verdicts: Sequence[Verdict], now: datetime) -> int:
    """Store what was found, in one transaction. Return how many rows it was true of."""
    ordered = sorted(verdicts, key=lambda verdict: verdict.video.id)
    facts = [verdict.facts for verdict in ordered]
    params = {
        "ids": [verdict.video.id for verdict in ordered],
        "because_before": [verdict.video.inactive_because for verdict in ordered],
        "because": [verdict.inactive_because for verdict in ordered],
        "durations": [told.duration_seconds if told else None for told in facts],
        "regions": [encode(told.regions) if told else None for told in facts],
        "now": now,
    }
    async with transaction(database) as connection:
        return await run(connection, STORE_VERDICTS, params)
