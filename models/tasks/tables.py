"""Daily tasks, and what doing them all is remembered by."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from engine.tasks.state import KEPT_DAYS
from models.base.columns import (
    KEPT,
    bucket,
    instant,
    metadata,
    of_people,
    of_user,
    one_of,
    partitioned,
)

# One row per task that was touched; the others are drawn, not stored (decision 0019). By day.
daily_tasks = Table(
    "daily_tasks",
    metadata,
    bucket(),
    Column("day", Date, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("number", SmallInteger, nullable=False),
    Column("task_type_id", SmallInteger, nullable=False),
    Column("category", Text, nullable=False),
    Column("subject", Text),
    Column("reward_micro", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempt", SmallInteger, nullable=False),
    instant("started_at"),
    instant("expires_at", nullable=True),
    Column("view_id", Uuid),
    Column("proof", Text),
    instant("submitted_at", nullable=True),
    instant("claimed_at", nullable=True),
    instant("failed_at", nullable=True),
    Column("failure", Text),
    Column("reviewer", Text),
    PrimaryKeyConstraint("bucket", "day", "user_id", "number", name="daily_tasks_pkey"),
    of_user("daily_tasks"),
    CheckConstraint("number BETWEEN 1 AND 20", name="daily_tasks_twenty"),
    CheckConstraint("attempt BETWEEN 1 AND 100", name="daily_tasks_attempt_range"),
    one_of("daily_tasks", "category", "ADS", "CONTENT", "QUIZ", "SOCIAL"),
    one_of("daily_tasks", "status", "PENDING", "REVIEW", "CLAIMED", "FAILED"),
    CheckConstraint("(status = 'CLAIMED') = (claimed_at IS NOT NULL)", name="daily_tasks_claimed"),
    CheckConstraint("(status = 'FAILED') = (failed_at IS NOT NULL)", name="daily_tasks_failed"),
    CheckConstraint("(failed_at IS NULL) = (failure IS NULL)", name="daily_tasks_failure_named"),
    CheckConstraint("status <> 'REVIEW' OR submitted_at IS NOT NULL", name="daily_tasks_submitted"),
    CheckConstraint(
        "category <> 'CONTENT' OR claimed_at >= started_at + interval '20 seconds'",
        name="daily_tasks_read",
    ),
    CheckConstraint(
        "category <> 'ADS' OR claimed_at IS NULL OR view_id IS NOT NULL",
        name="daily_tasks_view_behind",
    ),
    Index(
        "daily_tasks_review",
        "bucket",
        "day",
        "submitted_at",
        postgresql_where=text("status = 'REVIEW'"),
    ),
    postgresql_partition_by="RANGE (day)",
    info=of_people("proof = NULL")
    | partitioned("daily_tasks", "day", is_daily=True, ahead=7, kept=KEPT_DAYS),
)

achievements = Table(
    "achievements",
    metadata,
    bucket(),
    Column("user_id", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("day", Date, nullable=False),
    instant("earned_at"),
    PrimaryKeyConstraint("bucket", "user_id", "kind", "day", name="achievements_pkey"),
    of_user("achievements"),
    one_of("achievements", "kind", "DAILY_CHAMPION"),
    info=of_people(KEPT),
)
