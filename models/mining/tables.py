"""Mining sessions, how far they have been paid, and the sizes of the groups."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from models.base.columns import (
    CHURNING,
    KEPT,
    bucket,
    instant,
    metadata,
    of_people,
    of_user,
    one_of,
)

credit_watermarks = Table(
    "credit_watermarks",
    metadata,
    bucket(),
    Column("group_number", SmallInteger, nullable=False),
    instant("credited_through"),
    PrimaryKeyConstraint("bucket", "group_number", name="credit_watermarks_pkey"),
)

mining_sessions = Table(
    "mining_sessions",
    metadata,
    bucket(),
    Column("id", Uuid, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("group_number", SmallInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("reward_micro", BigInteger, nullable=False),
    instant("requested_at"),
    instant("window_opens_at"),
    instant("expires_at", nullable=True),
    Column("view_id", Uuid),
    instant("started_at", nullable=True),
    instant("ends_at", nullable=True),
    instant("settled_at", nullable=True),
    instant("failed_at", nullable=True),
    Column("failure", Text),
    PrimaryKeyConstraint("bucket", "id", name="mining_sessions_pkey"),
    of_user("mining_sessions"),
    one_of("mining_sessions", "status", "PENDING", "ACTIVE", "COMPLETED", "FAILED"),
    CheckConstraint("(status = 'PENDING') = (expires_at IS NOT NULL)", name="sessions_expiry"),
    CheckConstraint(
        "(status IN ('ACTIVE', 'COMPLETED')) = (started_at IS NOT NULL)", name="sessions_start"
    ),
    CheckConstraint("(started_at IS NULL) = (ends_at IS NULL)", name="sessions_end"),
    CheckConstraint("started_at IS NULL OR view_id IS NOT NULL", name="sessions_view_behind"),
    CheckConstraint("(status = 'COMPLETED') = (settled_at IS NOT NULL)", name="sessions_settled"),
    CheckConstraint("(status = 'FAILED') = (failed_at IS NOT NULL)", name="sessions_failed"),
    CheckConstraint("(failed_at IS NULL) = (failure IS NULL)", name="sessions_failure_named"),
    CheckConstraint(
        "requested_at >= window_opens_at AND requested_at < window_opens_at + interval '4 hours'",
        name="sessions_requested_in_window",
    ),
    CheckConstraint("started_at >= requested_at", name="sessions_start_after_request"),
    CheckConstraint("settled_at >= ends_at", name="sessions_settled_after_end"),
    # reward x length stays below 2^63 in the accrual's integer arithmetic.
    CheckConstraint(
        "ends_at > started_at AND ends_at <= started_at + interval '4 hours'",
        name="sessions_length",
    ),
    CheckConstraint("reward_micro BETWEEN 1 AND 600000000", name="sessions_reward_range"),
    Index(
        "mining_sessions_one_pending",
        "bucket",
        "user_id",
        unique=True,
        postgresql_where=text("status = 'PENDING'"),
    ),
    Index(
        "mining_sessions_one_a_window",
        "bucket",
        "user_id",
        "window_opens_at",
        unique=True,
        postgresql_where=text("status <> 'FAILED'"),
    ),
    Index(
        "mining_sessions_live",
        "bucket",
        "group_number",
        "ends_at",
        postgresql_include=["user_id", "started_at", "reward_micro"],
        postgresql_where=text("status = 'ACTIVE'"),
    ),
    Index(
        "mining_sessions_pending",
        "bucket",
        "group_number",
        "expires_at",
        postgresql_where=text("status = 'PENDING'"),
    ),
    # A status or a rebalance must not read a user's whole history.
    Index(
        "mining_sessions_open",
        "bucket",
        "user_id",
        postgresql_where=text("status IN ('PENDING', 'ACTIVE')"),
    ),
    Index(
        "mining_sessions_settled",
        "bucket",
        "settled_at",
        postgresql_where=text("status = 'COMPLETED'"),
    ),
    Index("mining_sessions_requested_idx", "bucket", "requested_at"),
    Index("mining_sessions_user_idx", "bucket", "user_id", "ends_at"),
    Index("mining_sessions_history", "bucket", "user_id", "requested_at", "id"),
    postgresql_with=CHURNING,
    info=of_people(KEPT),
)


group_sizes = Table(
    "group_sizes",
    metadata,
    bucket(),
    Column("group_number", SmallInteger, nullable=False),
    Column("member_count", BigInteger, nullable=False),
    PrimaryKeyConstraint("bucket", "group_number", name="group_sizes_pkey"),
    CheckConstraint("member_count >= 0", name="group_sizes_not_negative"),
)
