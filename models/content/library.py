"""Videos, articles, questions and kinds of tasks: their seeding, and what of them is active.

The files in models/seeds are what a new installation begins with. Afterwards the rows are the
operator's: seeding again adds what is new and changes nothing that is there.
"""

from collections.abc import Sequence
from hashlib import blake2b
from importlib.resources import files
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from engine.content.library import Library, Question, Video
from engine.content.videos import UNVERIFIED
from models.base.db import Connection, rows, run, sql
from models.base.encoding import encode

BOOST_PERCENT = 150
# How many tasks of each category a day has (blueprint, "Daily tasks").

ADD_VIDEOS = sql("""
    INSERT INTO videos (id, provider, provider_id, title, channel, country, category,
                        duration_seconds, boost_percent, regions, is_active, inactive_because)
    SELECT v.provider || ':' || v.provider_id, v.provider, v.provider_id, v.title, v.channel,
           v.country, v.category, v.duration_seconds, v.boost_percent, CAST('{}' AS jsonb),
           v.inactive_because IS NULL, v.inactive_because
    FROM jsonb_to_recordset(CAST(:videos AS jsonb)) AS v (
        provider text, provider_id text, title text, channel text, country text, category text,
        duration_seconds integer, boost_percent smallint, inactive_because text)
    ON CONFLICT (id) DO NOTHING
""")

ADD_ARTICLES = sql("""
    INSERT INTO articles (slug, country, category, title, body, is_active)
    SELECT a.slug, a.country, a.category, a.title, a.body, true
    FROM jsonb_to_recordset(CAST(:articles AS jsonb)) AS a (
        slug text, country text, category text, title jsonb, body jsonb)
    ON CONFLICT (slug) DO NOTHING
""")

ADD_QUESTIONS = sql("""
    INSERT INTO questions (key, video_id, article_slug, country, text, options, correct_index,
                           difficulty, is_active)
    SELECT q.key, q.video_id, q.article_slug, q.country, q.text, q.options, q.correct_index,
           q.difficulty, true
    FROM jsonb_to_recordset(CAST(:questions AS jsonb)) AS q (
        key text, video_id text, article_slug text, country text, text jsonb, options jsonb,
        correct_index smallint, difficulty text)
    ON CONFLICT (key) DO NOTHING
""")

ADD_TASK_TYPES = sql("""
    INSERT INTO task_types (id, name, category, description, reward_micro, required_action,
                            validation_rule, is_active)
    SELECT t.id, t.name, t.category, t.description, t.reward_micro, t.required_action,
           t.validation_rule, true
    FROM jsonb_to_recordset(CAST(:task_types AS jsonb)) AS t (
        id smallint, name text, category text, description jsonb, reward_micro bigint,
        required_action text, validation_rule text)
    ON CONFLICT (id) DO NOTHING
""")

# By the key's bytes: the draw must not depend on the locale of a database.
ACTIVE_VIDEOS = sql("""
    SELECT v.id, v.boost_percent, v.duration_seconds,
           array_agg(q.key ORDER BY q.key COLLATE "C") AS question_keys
    FROM videos v JOIN questions q ON q.video_id = v.id AND q.is_active
    WHERE v.is_active
    GROUP BY v.id, v.boost_percent, v.duration_seconds
    ORDER BY v.id
""")

# Also those that are asked no longer: somebody may have one before them.
QUESTIONS = sql("SELECT key, text, options, correct_index FROM questions ORDER BY key")

_Options = tuple[str, str, str, str]


class _Asked(Struct, frozen=True, kw_only=True):
    """A question as the files write it."""

    text_en: str
    text_ar: str
    options_en: _Options
    options_ar: _Options
    correct_index: Literal[0, 1, 2, 3]
    difficulty: Literal["EASY", "MEDIUM", "HARD"]


class _QuizFile(_Asked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    country: str


class VideoFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A video as the files write it, with its questions."""

    provider: Literal["youtube", "own"]
    provider_id: str
    title: str
    channel: str
    country: str
    category: str
    duration_seconds: int | None
    verified: bool
    questions: list[_Asked]


class _ArticleFile(Struct, frozen=True, forbid_unknown_fields=True):
    slug: str
    country: str
    category: str
    title_en: str
    title_ar: str
    body_en: str
    body_ar: str
    question: _Asked


_Seed = TypeVar("_Seed", bound=Struct)


def _read(name: str, kind: type[_Seed]) -> list[_Seed]:
    raw = files("models").joinpath("seeds", name).read_bytes()
    return msgspec.json.decode(raw, type=list[kind])  # type: ignore[valid-type]


async def seed_content(connection: Connection) -> None:
    """Add what the installation does not have yet. What is there stays as the operator left it."""
    videos = _read("videos.json", VideoFile)
    articles = _read("articles.json", _ArticleFile)
    quizzes = _read("quizzes.json", _QuizFile)
    questions = [
        *_video_questions(videos),
        *(
            _question(f"article:{a.slug}", a.question, a.country, article_slug=a.slug)
            for a in articles
        ),
        *(_question(f"quiz:{_digest(q.text_en)}", q, q.country) for q in quizzes),
    ]
    await run(connection, ADD_VIDEOS, {"videos": encode([_video(v) for v in videos])})
    await run(connection, ADD_ARTICLES, {"articles": encode([_article(a) for a in articles])})
    await run(connection, ADD_QUESTIONS, {"questions": encode(questions)})
    await run(connection, ADD_TASK_TYPES, {"task_types": encode(seeded_task_types())})


def films() -> list[VideoFile]:
    """The short films of our own that the local partner hosts (partner/films)."""
    return _read("films.json", VideoFile)


async def seed_films(connection: Connection) -> None:
    """Add the films of our own. What is there stays."""
    await run(connection, ADD_VIDEOS, {"videos": encode([_video(film) for film in films()])})
    await run(connection, ADD_QUESTIONS, {"questions": encode(_video_questions(films()))})


def seeded_task_types() -> list[dict[str, Any]]:
    """The kinds of daily tasks of a new installation."""
    columns = ("id", "name", "category", "reward_micro", "required_action", "validation_rule")
    kinds = (
        (1, "Watch an ad", "ADS", 2_000_000, "WATCH_AD", "AD_VERIFIED"),
        (
            2,
            "Read an article",
            "CONTENT",
            1_500_000,
            "READ_ARTICLE",
            "READ_20_SECONDS",
        ),
        (
            3,
            "Answer a question",
            "QUIZ",
            2_500_000,
            "ANSWER_QUESTION",
            "ANSWER_RIGHT",
        ),
        (4, "Follow us", "SOCIAL", 3_000_000, "FOLLOW", "MODERATOR"),
        (5, "Share a destination", "SOCIAL", 3_000_000, "SHARE", "MODERATOR"),
    )
    descriptions = (
        ("Watch a short ad to its end.", "شاهد إعلانًا قصيرًا حتى نهايته."),
        ("Read about a place for at least 20 seconds.", "اقرأ عن مكان لمدة 20 ثانية على الأقل."),
        ("Answer a question about the world.", "أجب عن سؤال عن العالم."),
        ("Follow us and send proof; a moderator checks it.", "تابعنا وأرسل إثباتًا؛ يراجعه مشرف."),
        (
            "Share a destination and send proof; a moderator checks it.",
            "شارك وجهة سياحية وأرسل إثباتًا؛ يراجعه مشرف.",
        ),
    )
    return [
        dict(zip(columns, kind, strict=True)) | {"description": {"en": english, "ar": arabic}}
        for kind, (english, arabic) in zip(kinds, descriptions, strict=True)
    ]


async def load_library(connection: Connection) -> Library:
    """What may be watched and asked now."""
    videos = [
        Video(**{**row, "question_keys": tuple(row.question_keys)})
        for row in await rows(connection, ACTIVE_VIDEOS)
    ]
    questions = [
        Question(
            row.key,
            msgspec.json.decode(row.text, type=dict[str, str]),
            msgspec.json.decode(row.options, type=dict[str, list[str]]),
            row.correct_index,
        )
        for row in await rows(connection, QUESTIONS)
    ]
    return Library({video.id: video for video in videos}, {q.key: q for q in questions})


def _video_questions(videos: Sequence[VideoFile]) -> list[dict[str, Any]]:
    """Each with its key; the first of a video keeps that of the time when it had only one."""
    names = {"youtube": "video", "own": "film"}
    return [
        _question(
            f"{names[video.provider]}:{video.provider_id}" + (f":{place}" if place > 1 else ""),
            asked,
            video.country,
            video_id=f"{video.provider}:{video.provider_id}",
        )
        for video in videos
        for place, asked in enumerate(video.questions, start=1)
    ]


def _video(video: VideoFile) -> dict[str, Any]:
    return {
        "provider": video.provider,
        "provider_id": video.provider_id,
        "title": video.title,
        "channel": video.channel,
        "country": video.country,
        "category": video.category,
        "duration_seconds": video.duration_seconds,
        "boost_percent": BOOST_PERCENT,
        "inactive_because": None if video.verified else UNVERIFIED,
    }


def _article(article: _ArticleFile) -> dict[str, Any]:
    return {
        "slug": article.slug,
        "country": article.country,
        "category": article.category,
        "title": {"en": article.title_en, "ar": article.title_ar},
        "body": {"en": article.body_en, "ar": article.body_ar},
    }


def _question(
    key: str,
    asked: _Asked,
    country: str,
    video_id: str | None = None,
    article_slug: str | None = None,
) -> dict[str, Any]:
    options: dict[str, Sequence[str]] = {"en": asked.options_en, "ar": asked.options_ar}
    return {
        "key": key,
        "video_id": video_id,
        "article_slug": article_slug,
        "country": country,
        "text": {"en": asked.text_en, "ar": asked.text_ar},
        "options": options,
        "correct_index": asked.correct_index,
        "difficulty": asked.difficulty,
    }


def _digest(text: str) -> str:
    """A quiz question has no name of its own: its English text stands for it."""
    return blake2b(text.encode(), digest_size=6).hexdigest()
