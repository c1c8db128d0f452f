"""Everything else that earns: content, boosts, daily tasks, ad units by purpose."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from models.migrations.helpers import distribute, distribute_by, reference

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Reference tables first, then what users own, then what a view may pay for."""
    _content()
    _boosts()
    _tasks()
    _ads()
    _views()


def _content() -> None:
    op.create_table(
        "videos",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("duration_seconds", sa.Integer(), nullable=True),
        sa.Column("boost_percent", sa.SmallInteger(), nullable=False),
        sa.Column("regions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("inactive_because", sa.Text(), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("id = provider || ':' || provider_id", name="videos_id_of_provider"),
        sa.CheckConstraint("provider IN ('youtube', 'own')", name="videos_provider_known"),
        sa.CheckConstraint("boost_percent BETWEEN 1 AND 1000", name="videos_boost_range"),
        sa.CheckConstraint("duration_seconds BETWEEN 1 AND 86400", name="videos_duration_range"),
        sa.CheckConstraint("is_active = (inactive_because IS NULL)", name="videos_inactive_reason"),
        sa.PrimaryKeyConstraint("id", name="videos_pkey"),
    )
    reference("videos")
    op.create_table(
        "articles",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("title", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("slug", name="articles_pkey"),
    )
    reference("articles")
    op.create_table(
        "questions",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("video_id", sa.Text(), nullable=True),
        sa.Column("article_slug", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("text", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("options", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("correct_index", sa.SmallInteger(), nullable=False),
        sa.Column("difficulty", sa.Text(), nullable=False),
        sa.Column("shown_at_seconds", sa.Integer(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "difficulty IN ('EASY', 'MEDIUM', 'HARD')", name="questions_difficulty_known"
        ),
        sa.CheckConstraint("correct_index BETWEEN 0 AND 3", name="questions_four_options"),
        sa.CheckConstraint("video_id IS NULL OR article_slug IS NULL", name="questions_one_source"),
        sa.ForeignKeyConstraint(["article_slug"], ["articles.slug"], name="questions_article_fkey"),
        sa.ForeignKeyConstraint(["video_id"], ["videos.id"], name="questions_video_fkey"),
        sa.PrimaryKeyConstraint("key", name="questions_pkey"),
    )
    reference("questions")
    op.create_table(
        "task_types",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("description", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reward_micro", sa.BigInteger(), nullable=False),
        sa.Column("required_action", sa.Text(), nullable=False),
        sa.Column("validation_rule", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "category IN ('ADS', 'CONTENT', 'QUIZ', 'SOCIAL')", name="task_types_category_known"
        ),
        sa.CheckConstraint("reward_micro BETWEEN 1 AND 1000000000", name="task_types_reward_range"),
        sa.PrimaryKeyConstraint("id", name="task_types_pkey"),
    )
    reference("task_types")


def _boosts() -> None:
    op.create_table(
        "boosts",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("video_id", sa.Text(), nullable=False),
        sa.Column("question_key", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("duration_seconds", sa.Integer(), nullable=False),
        sa.Column("reward_micro", sa.BigInteger(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("watched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.SmallInteger(), nullable=True),
        sa.Column("is_correct", sa.Boolean(), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.CheckConstraint("(status = 'FAILED') = (failed_at IS NOT NULL)", name="boosts_failed"),
        sa.CheckConstraint("(status = 'PAID') = (slot IS NOT NULL)", name="boosts_paid_has_slot"),
        sa.CheckConstraint(
            "(status IN ('PAID', 'WRONG')) = (answered_at IS NOT NULL)", name="boosts_answered"
        ),
        sa.CheckConstraint(
            "answered_at IS NULL OR (answered_at >= asked_at AND answered_at < asked_at + interval '30 seconds')",
            name="boosts_answered_in_time",
        ),
        sa.CheckConstraint(
            "is_correct IS NULL OR is_correct = (status = 'PAID')", name="boosts_right"
        ),
        sa.CheckConstraint(
            "status IN ('WATCHING', 'WATCHED', 'ASKED', 'PAID', 'WRONG', 'FAILED')",
            name="boosts_status_known",
        ),
        sa.CheckConstraint(
            "watched_at >= started_at + duration_seconds * interval '1 second'",
            name="boosts_watched_whole",
        ),
        sa.CheckConstraint("(answered_at IS NULL) = (answer IS NULL)", name="boosts_answer_kept"),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (is_correct IS NULL)", name="boosts_answer_judged"
        ),
        sa.CheckConstraint("(failed_at IS NULL) = (failure IS NULL)", name="boosts_failure_named"),
        sa.CheckConstraint("asked_at IS NULL OR asked_at >= watched_at", name="boosts_asked_after"),
        sa.CheckConstraint("duration_seconds BETWEEN 1 AND 86400", name="boosts_duration_range"),
        sa.CheckConstraint("reward_micro > 0", name="boosts_reward_positive"),
        sa.CheckConstraint("slot BETWEEN 1 AND 3", name="boosts_three_a_day"),
        sa.ForeignKeyConstraint(
            ["bucket", "session_id"],
            ["mining_sessions.bucket", "mining_sessions.id"],
            name="boosts_session_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["bucket", "user_id"], ["users.bucket", "users.id"], name="boosts_user_id_fkey"
        ),
        sa.ForeignKeyConstraint(["video_id"], ["videos.id"], name="boosts_video_fkey"),
        sa.PrimaryKeyConstraint("bucket", "id", name="boosts_pkey"),
        postgresql_with={
            "autovacuum_vacuum_scale_factor": "0",
            "autovacuum_vacuum_threshold": "50000",
            "autovacuum_analyze_scale_factor": "0.02",
        },
    )
    distribute("boosts")
    op.create_index(
        "boosts_one_open",
        "boosts",
        ["bucket", "user_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('WATCHING', 'WATCHED', 'ASKED')"),
    )
    op.create_index("boosts_session_idx", "boosts", ["bucket", "session_id"], unique=False)
    op.create_index(
        "boosts_slots",
        "boosts",
        ["bucket", "user_id", "day", "slot"],
        unique=True,
        postgresql_where=sa.text("status = 'PAID'"),
    )
    op.create_index("boosts_user_day", "boosts", ["bucket", "user_id", "day"], unique=False)
    op.create_index(
        "boosts_video_once_a_day",
        "boosts",
        ["bucket", "user_id", "day", "video_id"],
        unique=True,
        postgresql_where=sa.text("asked_at IS NOT NULL"),
    )


def _tasks() -> None:
    op.create_table(
        "daily_tasks",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("task_type_id", sa.SmallInteger(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("reward_micro", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("view_id", sa.Uuid(), nullable=True),
        sa.Column("proof", sa.Text(), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("reviewer", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(status = 'CLAIMED') = (claimed_at IS NOT NULL)", name="daily_tasks_claimed"
        ),
        sa.CheckConstraint(
            "(status = 'FAILED') = (failed_at IS NOT NULL)", name="daily_tasks_failed"
        ),
        sa.CheckConstraint(
            "category <> 'ADS' OR claimed_at IS NULL OR view_id IS NOT NULL",
            name="daily_tasks_view_behind",
        ),
        sa.CheckConstraint(
            "category <> 'CONTENT' OR claimed_at >= started_at + interval '20 seconds'",
            name="daily_tasks_read",
        ),
        sa.CheckConstraint(
            "category IN ('ADS', 'CONTENT', 'QUIZ', 'SOCIAL')", name="daily_tasks_category_known"
        ),
        sa.CheckConstraint(
            "status <> 'REVIEW' OR submitted_at IS NOT NULL", name="daily_tasks_submitted"
        ),
        sa.CheckConstraint(
            "status IN ('PENDING', 'REVIEW', 'CLAIMED', 'FAILED')", name="daily_tasks_status_known"
        ),
        sa.CheckConstraint(
            "(failed_at IS NULL) = (failure IS NULL)", name="daily_tasks_failure_named"
        ),
        sa.CheckConstraint("attempt BETWEEN 1 AND 100", name="daily_tasks_attempt_range"),
        sa.CheckConstraint("number BETWEEN 1 AND 20", name="daily_tasks_twenty"),
        sa.ForeignKeyConstraint(
            ["bucket", "user_id"], ["users.bucket", "users.id"], name="daily_tasks_user_id_fkey"
        ),
        sa.PrimaryKeyConstraint("bucket", "day", "user_id", "number", name="daily_tasks_pkey"),
        postgresql_partition_by="RANGE (day)",
    )
    distribute("daily_tasks")
    op.create_index(
        "daily_tasks_review",
        "daily_tasks",
        ["bucket", "day", "submitted_at"],
        unique=False,
        postgresql_where=sa.text("status = 'REVIEW'"),
    )
    op.create_table(
        "achievements",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("earned_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('DAILY_CHAMPION')", name="achievements_kind_known"),
        sa.ForeignKeyConstraint(
            ["bucket", "user_id"], ["users.bucket", "users.id"], name="achievements_user_id_fkey"
        ),
        sa.PrimaryKeyConstraint("bucket", "user_id", "kind", "day", name="achievements_pkey"),
    )
    distribute("achievements")
    # Until a day has its own partition, its rows rest here: no task is ever refused.
    op.execute("CREATE TABLE daily_tasks_default PARTITION OF daily_tasks DEFAULT")
    op.execute("CREATE SCHEMA IF NOT EXISTS archive")
    # Days opened so far offered no tasks; they are opened anew when they are asked for.
    op.execute("DELETE FROM days")


def _ads() -> None:
    op.create_table(
        "ad_requests",
        sa.Column("ad_id", sa.Integer(), nullable=False),
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("granted", sa.Integer(), nullable=False),
        sa.CheckConstraint("granted >= 0", name="ad_requests_range"),
        sa.PrimaryKeyConstraint("ad_id", "minute", name="ad_requests_pkey"),
    )
    distribute_by("ad_requests", "ad_id")
    op.add_column("ads", sa.Column("purpose", sa.Text(), nullable=True))
    op.add_column("ads", sa.Column("former_units", postgresql.JSONB(), nullable=True))
    op.add_column("ads", sa.Column("fallback_rank", sa.SmallInteger(), nullable=True))
    op.add_column("ads", sa.Column("requests_per_minute", sa.Integer(), nullable=True))
    op.execute("""
        UPDATE ads SET purpose = 'MINING', former_units = '[]', fallback_rank = CASE network WHEN 'admob' THEN 1 ELSE 4 END
    """)
    op.alter_column("ads", "purpose", nullable=False)
    op.alter_column("ads", "former_units", nullable=False)
    op.alter_column("ads", "fallback_rank", nullable=False)
    op.create_check_constraint("ads_requests_range", "ads", "requests_per_minute > 0")
    op.create_check_constraint("ads_revenue_range", "ads", "revenue_micro_usd >= 0")
    op.create_check_constraint("ads_purpose_known", "ads", "purpose IN ('MINING', 'TASK')")


def _views() -> None:
    """Views made so far were for sessions; what they earned is their unit's price."""
    op.add_column("ad_views", sa.Column("purpose", sa.Text(), nullable=True))
    op.add_column("ad_views", sa.Column("task_day", sa.Date(), nullable=True))
    op.add_column("ad_views", sa.Column("task_number", sa.SmallInteger(), nullable=True))
    op.add_column("ad_views", sa.Column("revenue_micro_usd", sa.BigInteger(), nullable=True))
    op.execute("""
        UPDATE ad_views v SET purpose = 'MINING', revenue_micro_usd = a.revenue_micro_usd
        FROM ads a WHERE a.id = v.ad_id
    """)
    op.alter_column("ad_views", "purpose", nullable=False)
    op.alter_column("ad_views", "revenue_micro_usd", nullable=False)
    op.alter_column("ad_views", "session_id", nullable=True)
    checks = {
        "ad_views_purpose_known": "purpose IN ('MINING', 'TASK')",
        "views_of_session": "(purpose = 'MINING') = (session_id IS NOT NULL)",
        "views_of_task": "(purpose = 'TASK') = (task_day IS NOT NULL)",
        "views_task_named": "(task_day IS NULL) = (task_number IS NULL)",
        "views_revenue_range": "revenue_micro_usd >= 0",
    }
    for name, condition in checks.items():
        op.create_check_constraint(name, "ad_views", condition)
    op.create_index(
        "ad_views_one_paid_task",
        "ad_views",
        ["bucket", "user_id", "task_day", "task_number"],
        unique=True,
        postgresql_where=sa.text("status = 'VERIFIED' AND purpose = 'TASK'"),
    )
    op.create_index("ad_views_served_idx", "ad_views", ["bucket", "served_at"])
