"""Ad views, and the networks' events that prove them."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from models.base.columns import CHURNING, KEPT, bucket, instant, metadata, of_people, one_of

ad_views = Table(
    "ad_views",
    metadata,
    bucket(),
    Column("id", Uuid, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("session_id", Uuid),
    Column("task_day", Date),
    Column("task_number", SmallInteger),
    Column("ad_id", Integer, nullable=False),
    Column("network", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("min_seconds", SmallInteger, nullable=False),
    Column("proof", Text, nullable=False),
    Column("revenue_micro_usd", BigInteger, nullable=False),  # earned once it is verified
    Column("try_number", SmallInteger, nullable=False),
    Column("status", Text, nullable=False),
    instant("served_at"),
    instant("started_at", nullable=True),
    instant("completed_at", nullable=True),
    instant("confirmed_at", nullable=True),
    instant("verified_at", nullable=True),
    instant("failed_at", nullable=True),
    Column("failure", Text),
    Column("event_id", Text),
    Column("funding", Text),  # NULL: its network's own
    PrimaryKeyConstraint("bucket", "id", name="ad_views_pkey"),
    ForeignKeyConstraint(
        ["bucket", "session_id"],
        ["mining_sessions.bucket", "mining_sessions.id"],
        name="ad_views_session_fkey",
    ),
    one_of("ad_views", "purpose", "MINING", "TASK"),
    # A view pays for one thing: a session, or a task of a day.
    CheckConstraint("(purpose = 'MINING') = (session_id IS NOT NULL)", name="views_of_session"),
    CheckConstraint("(purpose = 'TASK') = (task_day IS NOT NULL)", name="views_of_task"),
    CheckConstraint("(task_day IS NULL) = (task_number IS NULL)", name="views_task_named"),
    CheckConstraint("revenue_micro_usd >= 0", name="views_revenue_range"),
    one_of("ad_views", "status", "SERVED", "STARTED", "COMPLETED", "VERIFIED", "FAILED"),
    CheckConstraint("try_number BETWEEN 1 AND 3", name="ad_views_three_tries"),
    CheckConstraint("(status = 'VERIFIED') = (verified_at IS NOT NULL)", name="views_verified"),
    CheckConstraint("(status = 'FAILED') = (failed_at IS NOT NULL)", name="views_failed"),
    CheckConstraint("(confirmed_at IS NULL) = (event_id IS NULL)", name="views_event_named"),
    CheckConstraint(
        "status <> 'VERIFIED' OR proof = 'CLIENT_TIMED' OR confirmed_at IS NOT NULL",
        name="views_proved_by_network",
    ),
    CheckConstraint(
        "status <> 'VERIFIED' OR proof = 'NETWORK_SIGNED' OR (started_at IS NOT NULL"
        " AND completed_at >= started_at + min_seconds * interval '1 second')",
        name="views_proved_by_clock",
    ),
    Index(
        "ad_views_one_paid_view",
        "bucket",
        "session_id",
        unique=True,
        postgresql_where=text("status = 'VERIFIED'"),
    ),
    Index(
        "ad_views_one_paid_task",
        "bucket",
        "user_id",
        "task_day",
        "task_number",
        unique=True,
        postgresql_where=text("status = 'VERIFIED' AND purpose = 'TASK'"),
    ),
    Index("ad_views_session_idx", "bucket", "session_id"),
    Index("ad_views_served_idx", "bucket", "served_at"),
    Index("ad_views_user_idx", "bucket", "user_id", "served_at"),
    postgresql_with=CHURNING,
    info=of_people(KEPT),
)


# Each event of a network, claimed for one view before anything is recorded: unique over all users.
ad_events = Table(
    "ad_events",
    metadata,
    Column("network", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("view_id", Uuid, nullable=False),
    instant("claimed_at"),
    PrimaryKeyConstraint("network", "event_id", name="ad_events_pkey"),
    Index("ad_events_claimed_idx", "claimed_at"),
)
