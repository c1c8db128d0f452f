"""What there is to watch, read and answer: reference tables, seeded from models/seeds/."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from models.base.columns import instant, metadata, one_of

# `id` is "<provider>:<the provider's own id>".
videos = Table(
    "videos",
    metadata,
    Column("id", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("provider_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("duration_seconds", Integer),  # NULL until its provider has told it
    Column("boost_percent", SmallInteger, nullable=False),
    Column("regions", JSONB, nullable=False),  # {"allowed": [...]} or {"blocked": [...]} or {}
    Column("is_active", Boolean, nullable=False),
    Column("inactive_because", Text),
    instant("checked_at", nullable=True),
    PrimaryKeyConstraint("id", name="videos_pkey"),
    CheckConstraint("id = provider || ':' || provider_id", name="videos_id_of_provider"),
    one_of("videos", "provider", "youtube", "own"),
    CheckConstraint("duration_seconds BETWEEN 1 AND 86400", name="videos_duration_range"),
    CheckConstraint("boost_percent BETWEEN 1 AND 1000", name="videos_boost_range"),
    CheckConstraint("is_active = (inactive_because IS NULL)", name="videos_inactive_reason"),
)

articles = Table(
    "articles",
    metadata,
    Column("slug", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("title", JSONB, nullable=False),  # by language
    Column("body", JSONB, nullable=False),  # by language
    Column("is_active", Boolean, nullable=False),
    PrimaryKeyConstraint("slug", name="articles_pkey"),
)

# `options` has four a language; `correct_index` counts from 0 and never leaves the server.
questions = Table(
    "questions",
    metadata,
    Column("key", Text, nullable=False),
    Column("video_id", Text),
    Column("article_slug", Text),
    Column("country", Text, nullable=False),
    Column("text", JSONB, nullable=False),
    Column("options", JSONB, nullable=False),
    Column("correct_index", SmallInteger, nullable=False),
    Column("difficulty", Text, nullable=False),
    Column("shown_at_seconds", Integer),  # when in the video; NULL: at its end
    Column("is_active", Boolean, nullable=False),
    PrimaryKeyConstraint("key", name="questions_pkey"),
    ForeignKeyConstraint(["video_id"], ["videos.id"], name="questions_video_fkey"),
    ForeignKeyConstraint(["article_slug"], ["articles.slug"], name="questions_article_fkey"),
    CheckConstraint("correct_index BETWEEN 0 AND 3", name="questions_four_options"),
    CheckConstraint("video_id IS NULL OR article_slug IS NULL", name="questions_one_source"),
    one_of("questions", "difficulty", "EASY", "MEDIUM", "HARD"),
)

task_types = Table(
    "task_types",
    metadata,
    Column("id", SmallInteger, nullable=False, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("description", JSONB, nullable=False),  # by language
    Column("reward_micro", BigInteger, nullable=False),
    Column("required_action", Text, nullable=False),
    Column("validation_rule", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    PrimaryKeyConstraint("id", name="task_types_pkey"),
    one_of("task_types", "category", "ADS", "CONTENT", "QUIZ", "SOCIAL"),
    CheckConstraint("reward_micro BETWEEN 1 AND 1000000000", name="task_types_reward_range"),
)
