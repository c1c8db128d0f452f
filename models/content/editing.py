"""What operators write: videos, articles, questions, kinds of tasks. Whole rows, by their key.

Nothing is deleted: what somebody was shown must stay explainable. A row that is not wanted any
more is switched off.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, to_builtins
from msgspec.structs import asdict

from engine.content.videos import Category
from engine.core.text import SLUG, Country, line, prose
from engine.tasks.state import Category as TaskCategory
from models.base.db import Connection, Database, Row, Statement, connected, rows, sql
from models.base.encoding import encode
from models.base.trail import Actor, Entry, log_action

Slug = Annotated[str, Meta(min_length=1, max_length=100, pattern=SLUG)]
Key = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[\w.:-]+\Z")]
Line = Annotated[str, line(300, 1)]
Text = Annotated[str, prose(10_000, 1)]
Options = tuple[Line, Line, Line, Line]


class Lines(Struct, frozen=True, forbid_unknown_fields=True):
    """A line in both languages."""

    en: Line
    ar: Line


class Texts(Struct, frozen=True, forbid_unknown_fields=True):
    """A text in both languages."""

    en: Text
    ar: Text


class OptionTexts(Struct, frozen=True, forbid_unknown_fields=True):
    """Four options in both languages, in the same order."""

    en: Options
    ar: Options


class VideoRow(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A video. `duration_seconds` is null until its provider has told it: until then nobody is
    offered it. A new video, one that is shown again, and another boost take two people; at most
    300 %.

    `duration_seconds` and `inactive_because` are only told: the latter is why it is off.
    """

    provider: Literal["youtube", "own"]
    provider_id: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[\w.-]+\Z")]
    title: Line
    channel: Line
    country: Country
    category: Category
    duration_seconds: Annotated[int, Meta(ge=1, le=86_400)] | None
    boost_percent: Annotated[int, Meta(ge=1, le=1_000)]
    is_active: bool
    inactive_because: Annotated[str, line(100)] | None = None


class ArticleRow(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something to read."""

    slug: Slug
    country: Country
    category: Category
    title: Lines
    body: Texts
    is_active: bool


class QuestionRow(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A question about a video, an article, or the world. `correct_index` counts from 0.

    Of a video's questions one is drawn for each boost.
    """

    key: Key
    video_id: Key | None
    article_slug: Slug | None
    country: Country
    text: Lines
    options: OptionTexts
    correct_index: Literal[0, 1, 2, 3]
    difficulty: Literal["EASY", "MEDIUM", "HARD"]
    is_active: bool


class TaskTypeRow(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A kind of task; a change holds from the next day's catalogue on, and takes two people. It
    pays 100 TWTC at most."""

    id: Annotated[int, Meta(ge=1, le=32_767)]
    name: Line
    category: TaskCategory
    description: Lines
    reward_micro: Annotated[int, Meta(ge=1, le=1_000_000_000)]
    required_action: Line
    validation_rule: Line
    is_active: bool


class Kind(Struct, frozen=True):
    """How one kind of rows is read and written; what it is called in the trail, and found by."""

    read: Statement
    write: Statement
    name: str
    keyed: tuple[str, ...]


_VIDEO = """id, provider, provider_id, title, channel, country, category, duration_seconds,
        boost_percent, is_active, inactive_because"""
READ_VIDEOS = sql(f"SELECT {_VIDEO} FROM videos ORDER BY id")
WRITE_VIDEO = sql("""
    INSERT INTO videos (id, provider, provider_id, title, channel, country, category,
                        boost_percent, regions, is_active, inactive_because)
    VALUES (CAST(:provider AS text) || ':' || CAST(:provider_id AS text), CAST(:provider AS text),
            CAST(:provider_id AS text), :title, :channel, :country, :category,
            :boost_percent, CAST('{}' AS jsonb), CAST(:is_active AS boolean),
            CASE WHEN CAST(:is_active AS boolean) THEN NULL ELSE 'OPERATOR' END)
    ON CONFLICT (id) DO UPDATE SET
        title = excluded.title, channel = excluded.channel, country = excluded.country,
        category = excluded.category, boost_percent = excluded.boost_percent,
        is_active = excluded.is_active,
        inactive_because = CASE WHEN excluded.is_active THEN NULL
                                ELSE COALESCE(videos.inactive_because, 'OPERATOR') END
    RETURNING id
""")
READ_ARTICLES = sql("""
    SELECT slug, country, category, title, body, is_active FROM articles ORDER BY slug
""")
WRITE_ARTICLE = sql("""
    INSERT INTO articles (slug, country, category, title, body, is_active)
    VALUES (:slug, :country, :category, CAST(:title AS jsonb), CAST(:body AS jsonb), :is_active)
    ON CONFLICT (slug) DO UPDATE SET
        country = excluded.country, category = excluded.category, title = excluded.title,
        body = excluded.body, is_active = excluded.is_active
    RETURNING slug
""")
READ_QUESTIONS = sql("""
    SELECT key, video_id, article_slug, country, text, options, correct_index, difficulty, is_active
    FROM questions ORDER BY key
""")
WRITE_QUESTION = sql("""
    INSERT INTO questions (key, video_id, article_slug, country, text, options, correct_index,
                           difficulty, is_active)
    VALUES (:key, :video_id, :article_slug, :country, CAST(:text AS jsonb),
            CAST(:options AS jsonb), :correct_index, :difficulty, :is_active)
    ON CONFLICT (key) DO UPDATE SET
        video_id = excluded.video_id, article_slug = excluded.article_slug,
        country = excluded.country, text = excluded.text, options = excluded.options,
        correct_index = excluded.correct_index, difficulty = excluded.difficulty,
        is_active = excluded.is_active
    RETURNING key
""")
READ_TASK_TYPES = sql("""
    SELECT id, name, category, description, reward_micro, required_action, validation_rule,
           is_active
    FROM task_types ORDER BY id
""")
WRITE_TASK_TYPE = sql("""
    INSERT INTO task_types (id, name, category, description, reward_micro, required_action,
                            validation_rule, is_active)
    VALUES (:id, :name, :category, CAST(:description AS jsonb), :reward_micro, :required_action,
            :validation_rule, :is_active)
    ON CONFLICT (id) DO UPDATE SET
        name = excluded.name, category = excluded.category, description = excluded.description,
        reward_micro = excluded.reward_micro, required_action = excluded.required_action,
        validation_rule = excluded.validation_rule, is_active = excluded.is_active
    RETURNING id
""")

KINDS: dict[type[Struct], Kind] = {
    VideoRow: Kind(READ_VIDEOS, WRITE_VIDEO, "video", ("provider", "provider_id")),
    ArticleRow: Kind(READ_ARTICLES, WRITE_ARTICLE, "article", ("slug",)),
    QuestionRow: Kind(READ_QUESTIONS, WRITE_QUESTION, "question", ("key",)),
    TaskTypeRow: Kind(READ_TASK_TYPES, WRITE_TASK_TYPE, "task_type", ("id",)),
}
_JSON = ("title", "body", "text", "options", "description")


async def read_content(database: Database, kind: type[Struct]) -> Sequence[Struct]:
    """All rows of a kind, by their keys."""
    async with connected(database) as connection:
        found = await rows(connection, KINDS[kind].read)
    return [msgspec.convert(_plain(row, kind), kind, strict=False) for row in found]


async def find_row(connection: Connection, row: Struct) -> dict[str, Any]:
    """What stands where this row would be written, by name; nothing if nothing does."""
    kind = KINDS[type(row)]
    wanted = [getattr(row, name) for name in kind.keyed]
    for found in await rows(connection, kind.read):
        if [found[name] for name in kind.keyed] == wanted:
            known = msgspec.convert(_plain(found, type(row)), type(row), strict=False)
            return dict(to_builtins(known))
    return {}


async def write_row(
    connection: Connection, row: Struct, actor: Actor, reason: str, now: datetime
) -> None:
    """Add a row or replace it, and note it in the trail, within the caller's transaction.

    Raise asyncpg's IntegrityConstraintViolationError for what cannot be, such as a question of a
    video that is not there.
    """
    kind = KINDS[type(row)]
    values = {
        name: encode(value) if isinstance(value, Struct) else value
        for name, value in asdict(row).items()
    }
    [written] = await rows(connection, kind.write, values)
    action = Entry(
        f"{kind.name}.write", kind.name, str(written[0]), after=asdict(row), reason=reason
    )
    await log_action(connection, actor, action, now)


def _plain(row: Row, kind: type[Struct]) -> dict[str, Any]:
    return {
        name: msgspec.json.decode(row[name])
        if name in _JSON and isinstance(row[name], str) and row[name][:1] in "{["
        else row[name]
        for name in kind.__struct_fields__
    }
