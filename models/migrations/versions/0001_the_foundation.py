"""The foundation: accounts, ledger, groups, mining, intents, logs.

Long because it is one state, in one revision that databases already name; it is not split or
edited any more. `models/<domain>/tables.py` is where the tables are read.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from models.migrations.helpers import append_only, distribute, distribute_by, reference

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything: reference tables first, then users, then what users own."""
    op.execute("CREATE SEQUENCE user_ids")
    _reference_tables()
    _users_and_wallets()
    _what_users_own()
    _mining()
    _intents()
    _logs()


def _reference_tables() -> None:
    op.create_table(
        "settings",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="settings_pkey"),
    )
    reference("settings")
    op.create_table(
        "user_groups",
        sa.Column("group_number", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("mining_schedule", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("group_number BETWEEN 1 AND 10", name="user_groups_number_range"),
        sa.PrimaryKeyConstraint("group_number", name="user_groups_pkey"),
    )
    reference("user_groups")
    op.create_table(
        "ads",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("min_seconds", sa.SmallInteger(), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("weight", sa.SmallInteger(), nullable=False),
        sa.Column("revenue_micro_usd", sa.BigInteger(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "proof IN ('CLIENT_TIMED', 'NETWORK_SIGNED', 'BOTH')", name="ads_proof_known"
        ),
        sa.CheckConstraint("type IN ('VIDEO', 'INTERSTITIAL', 'REWARDED')", name="ads_type_known"),
        sa.CheckConstraint("min_seconds BETWEEN 1 AND 600", name="ads_min_seconds_range"),
        sa.CheckConstraint("weight >= 0", name="ads_weight_range"),
        sa.PrimaryKeyConstraint("id", name="ads_pkey"),
        sa.UniqueConstraint("network", "unit", name="ads_network_unit_key"),
    )
    reference("ads")
    op.create_table(
        "days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("catalogue", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("day", name="days_pkey"),
    )
    reference("days")
    op.create_table(
        "identities",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('email', 'phone')", name="identities_kind_known"),
        sa.PrimaryKeyConstraint("kind", "value", name="identities_pkey"),
    )
    distribute_by("identities", "value")


def _users_and_wallets() -> None:
    op.create_table(
        "users",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("group_number", sa.SmallInteger(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("bucket = id % 64", name="users_bucket_of_id"),
        sa.CheckConstraint("email IS NOT NULL OR phone IS NOT NULL", name="users_reachable"),
        sa.CheckConstraint("group_number BETWEEN 1 AND 10", name="users_group_number_range"),
        sa.PrimaryKeyConstraint("bucket", "id", name="users_pkey"),
        postgresql_with={"fillfactor": "75"},
    )
    distribute("users")
    op.create_index(
        "users_group_number_idx", "users", ["bucket", "group_number", "id"], unique=False
    )
    op.create_table(
        "wallets",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("settled_balance", sa.BigInteger(), nullable=False),
        sa.Column("total_withdrawn", sa.BigInteger(), nullable=False),
        sa.Column(
            "total_earned",
            sa.BigInteger(),
            sa.Computed("balance + total_withdrawn", persisted=True),
            nullable=True,
        ),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("balance >= settled_balance", name="wallets_accrual_not_negative"),
        sa.CheckConstraint("settled_balance >= 0", name="wallets_never_negative"),
        sa.CheckConstraint("total_withdrawn >= 0", name="wallets_withdrawn_not_negative"),
        sa.ForeignKeyConstraint(
            ["bucket", "user_id"], ["users.bucket", "users.id"], name="wallets_user_id_fkey"
        ),
        sa.PrimaryKeyConstraint("bucket", "user_id", name="wallets_pkey"),
        postgresql_with={"fillfactor": "50"},
    )
    distribute("wallets")


def _what_users_own() -> None:
    op.create_table(
        "group_sizes",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("group_number", sa.SmallInteger(), nullable=False),
        sa.Column("member_count", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("member_count >= 0", name="group_sizes_not_negative"),
        sa.PrimaryKeyConstraint("bucket", "group_number", name="group_sizes_pkey"),
    )
    distribute("group_sizes")
    op.create_table(
        "transactions",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("from_account", sa.Text(), nullable=False),
        sa.Column("to_account", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("funding", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "type IN ('MINING', 'BOOST', 'TASK', 'BONUS', 'WITHDRAWAL')",
            name="transactions_type_known",
        ),
        sa.CheckConstraint("amount > 0", name="transactions_amount_positive"),
        sa.CheckConstraint("from_account <> to_account", name="transactions_two_accounts"),
        sa.ForeignKeyConstraint(
            ["bucket", "user_id"],
            ["wallets.bucket", "wallets.user_id"],
            name="transactions_wallet_fkey",
        ),
        sa.PrimaryKeyConstraint("bucket", "id", name="transactions_pkey"),
        sa.UniqueConstraint("bucket", "reference", name="transactions_reference_key"),
    )
    distribute("transactions")
    op.create_index(
        "transactions_user_idx",
        "transactions",
        ["bucket", "user_id", "created_at", "id"],
        unique=False,
    )
    append_only("transactions")
    op.create_table(
        "notifications",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("params", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["bucket", "user_id"], ["users.bucket", "users.id"], name="notifications_user_id_fkey"
        ),
        sa.PrimaryKeyConstraint("bucket", "id", name="notifications_pkey"),
    )
    distribute("notifications")
    op.create_index(
        "notifications_user_idx",
        "notifications",
        ["bucket", "user_id", "created_at", "id"],
        unique=False,
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rotated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["bucket", "user_id"], ["users.bucket", "users.id"], name="refresh_tokens_user_id_fkey"
        ),
        sa.PrimaryKeyConstraint("bucket", "token_hash", name="refresh_tokens_pkey"),
    )
    distribute("refresh_tokens")
    op.create_index(
        "refresh_tokens_expiry", "refresh_tokens", ["bucket", "expires_at"], unique=False
    )
    op.create_index(
        "refresh_tokens_family_idx", "refresh_tokens", ["bucket", "family_id"], unique=False
    )


def _mining() -> None:
    op.create_table(
        "credit_watermarks",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("group_number", sa.SmallInteger(), nullable=False),
        sa.Column("credited_through", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "group_number", name="credit_watermarks_pkey"),
    )
    distribute("credit_watermarks")
    op.create_table(
        "mining_sessions",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("group_number", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reward_micro", sa.BigInteger(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("view_id", sa.Uuid(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(status = 'COMPLETED') = (settled_at IS NOT NULL)", name="sessions_settled"
        ),
        sa.CheckConstraint("(status = 'FAILED') = (failed_at IS NOT NULL)", name="sessions_failed"),
        sa.CheckConstraint(
            "(status = 'PENDING') = (expires_at IS NOT NULL)", name="sessions_expiry"
        ),
        sa.CheckConstraint(
            "(status IN ('ACTIVE', 'COMPLETED')) = (started_at IS NOT NULL)", name="sessions_start"
        ),
        sa.CheckConstraint(
            "ends_at > started_at AND ends_at <= started_at + interval '4 hours'",
            name="sessions_length",
        ),
        sa.CheckConstraint(
            "requested_at >= window_opens_at AND requested_at < window_opens_at + interval '4 hours'",
            name="sessions_requested_in_window",
        ),
        sa.CheckConstraint(
            "status IN ('PENDING', 'ACTIVE', 'COMPLETED', 'FAILED')",
            name="mining_sessions_status_known",
        ),
        sa.CheckConstraint(
            "(failed_at IS NULL) = (failure IS NULL)", name="sessions_failure_named"
        ),
        sa.CheckConstraint("(started_at IS NULL) = (ends_at IS NULL)", name="sessions_end"),
        sa.CheckConstraint("reward_micro BETWEEN 1 AND 600000000", name="sessions_reward_range"),
        sa.CheckConstraint("settled_at >= ends_at", name="sessions_settled_after_end"),
        sa.CheckConstraint("started_at >= requested_at", name="sessions_start_after_request"),
        sa.CheckConstraint(
            "started_at IS NULL OR view_id IS NOT NULL", name="sessions_view_behind"
        ),
        sa.ForeignKeyConstraint(
            ["bucket", "user_id"], ["users.bucket", "users.id"], name="mining_sessions_user_id_fkey"
        ),
        sa.PrimaryKeyConstraint("bucket", "id", name="mining_sessions_pkey"),
        postgresql_with={
            "autovacuum_vacuum_scale_factor": "0",
            "autovacuum_vacuum_threshold": "50000",
            "autovacuum_analyze_scale_factor": "0.02",
        },
    )
    distribute("mining_sessions")
    op.create_index(
        "mining_sessions_history",
        "mining_sessions",
        ["bucket", "user_id", "requested_at", "id"],
        unique=False,
    )
    op.create_index(
        "mining_sessions_live",
        "mining_sessions",
        ["bucket", "group_number", "ends_at"],
        unique=False,
        postgresql_include=["user_id", "started_at", "reward_micro"],
        postgresql_where=sa.text("status = 'ACTIVE'"),
    )
    op.create_index(
        "mining_sessions_one_a_window",
        "mining_sessions",
        ["bucket", "user_id", "window_opens_at"],
        unique=True,
        postgresql_where=sa.text("status <> 'FAILED'"),
    )
    op.create_index(
        "mining_sessions_one_pending",
        "mining_sessions",
        ["bucket", "user_id"],
        unique=True,
        postgresql_where=sa.text("status = 'PENDING'"),
    )
    op.create_index(
        "mining_sessions_open",
        "mining_sessions",
        ["bucket", "user_id"],
        unique=False,
        postgresql_where=sa.text("status IN ('PENDING', 'ACTIVE')"),
    )
    op.create_index(
        "mining_sessions_pending",
        "mining_sessions",
        ["bucket", "group_number", "expires_at"],
        unique=False,
        postgresql_where=sa.text("status = 'PENDING'"),
    )
    op.create_index(
        "mining_sessions_settled",
        "mining_sessions",
        ["bucket", "settled_at"],
        unique=False,
        postgresql_where=sa.text("status = 'COMPLETED'"),
    )
    op.create_index(
        "mining_sessions_user_idx",
        "mining_sessions",
        ["bucket", "user_id", "ends_at"],
        unique=False,
    )
    op.create_table(
        "ad_views",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("ad_id", sa.Integer(), nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("min_seconds", sa.SmallInteger(), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("try_number", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("served_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("event_id", sa.Text(), nullable=True),
        sa.CheckConstraint("(status = 'FAILED') = (failed_at IS NOT NULL)", name="views_failed"),
        sa.CheckConstraint(
            "(status = 'VERIFIED') = (verified_at IS NOT NULL)", name="views_verified"
        ),
        sa.CheckConstraint(
            "status <> 'VERIFIED' OR proof = 'CLIENT_TIMED' OR confirmed_at IS NOT NULL",
            name="views_proved_by_network",
        ),
        sa.CheckConstraint(
            "status <> 'VERIFIED' OR proof = 'NETWORK_SIGNED' OR (started_at IS NOT NULL AND completed_at >= started_at + min_seconds * interval '1 second')",
            name="views_proved_by_clock",
        ),
        sa.CheckConstraint(
            "status IN ('SERVED', 'STARTED', 'COMPLETED', 'VERIFIED', 'FAILED')",
            name="ad_views_status_known",
        ),
        sa.CheckConstraint("(confirmed_at IS NULL) = (event_id IS NULL)", name="views_event_named"),
        sa.CheckConstraint("try_number BETWEEN 1 AND 3", name="ad_views_three_tries"),
        sa.ForeignKeyConstraint(
            ["bucket", "session_id"],
            ["mining_sessions.bucket", "mining_sessions.id"],
            name="ad_views_session_fkey",
        ),
        sa.PrimaryKeyConstraint("bucket", "id", name="ad_views_pkey"),
        postgresql_with={
            "autovacuum_vacuum_scale_factor": "0",
            "autovacuum_vacuum_threshold": "50000",
            "autovacuum_analyze_scale_factor": "0.02",
        },
    )
    distribute("ad_views")
    op.create_index(
        "ad_views_one_paid_view",
        "ad_views",
        ["bucket", "session_id"],
        unique=True,
        postgresql_where=sa.text("status = 'VERIFIED'"),
    )
    op.create_index("ad_views_session_idx", "ad_views", ["bucket", "session_id"], unique=False)


def _intents() -> None:
    op.create_table(
        "intents",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("group_number", sa.SmallInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ring_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("outcome", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'RECORDED') = (applied_at IS NULL)", name="intents_done_has_instant"
        ),
        sa.CheckConstraint(
            "(status IN ('APPLIED', 'REJECTED')) = (outcome IS NOT NULL)", name="intents_outcome"
        ),
        sa.CheckConstraint(
            "status IN ('RECORDED', 'APPLIED', 'REJECTED', 'FAILED')", name="intents_status_known"
        ),
        sa.CheckConstraint("group_number BETWEEN 0 AND 10", name="intents_group_number_range"),
        sa.PrimaryKeyConstraint("bucket", "id", name="intents_pkey"),
        sa.UniqueConstraint("bucket", "origin", "key", name="intents_origin_key"),
        postgresql_with={
            "autovacuum_vacuum_scale_factor": "0",
            "autovacuum_vacuum_threshold": "50000",
            "autovacuum_analyze_scale_factor": "0.02",
        },
    )
    distribute("intents")
    op.create_index(
        "intents_dead",
        "intents",
        ["bucket", "recorded_at"],
        unique=False,
        postgresql_where=sa.text("status = 'FAILED'"),
    )
    op.create_index(
        "intents_due",
        "intents",
        ["bucket", "group_number", "recorded_at", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'RECORDED'"),
    )
    op.create_index(
        "intents_prune",
        "intents",
        ["bucket", "applied_at"],
        unique=False,
        postgresql_where=sa.text("applied_at IS NOT NULL"),
    )
    op.create_index(
        "intents_ring",
        "intents",
        ["bucket", "group_number", "ring_at"],
        unique=False,
        postgresql_where=sa.text("status = 'RECORDED'"),
    )


def _logs() -> None:
    op.create_table(
        "activity_logs",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("resource_type", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("ip_address", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "created_at", "id", name="activity_logs_pkey"),
        postgresql_partition_by="RANGE (created_at)",
    )
    distribute("activity_logs")
    op.create_index(
        "activity_logs_user_idx", "activity_logs", ["bucket", "user_id", "created_at"], unique=False
    )
    op.create_table(
        "fraud_logs",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("device_fingerprint", sa.Text(), nullable=True),
        sa.Column("ip_address", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "severity IN ('LOW', 'MEDIUM', 'HIGH', 'CRITICAL')", name="fraud_logs_severity_known"
        ),
        sa.PrimaryKeyConstraint("bucket", "created_at", "id", name="fraud_logs_pkey"),
        postgresql_partition_by="RANGE (created_at)",
    )
    distribute("fraud_logs")
    op.create_index(
        "fraud_logs_user_idx", "fraud_logs", ["bucket", "user_id", "created_at"], unique=False
    )
    # Until a month has its own partition, its rows rest here: no log line is ever refused.
    for table in ("activity_logs", "fraud_logs"):
        op.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")
