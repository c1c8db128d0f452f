"""What administrators do: the trail of it, versions of the configuration, coins moved by hand."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from models.tables.columns import bucket, instant, metadata, of_user, one_of

# Append-only. `actor_id` is NULL for the operator's command line.
admin_log = Table(
    "admin_log",
    metadata,
    bucket(),
    Column("id", Uuid, nullable=False),
    Column("actor_id", BigInteger),
    Column("actor_role", Text, nullable=False),
    Column("ip_address", Text),
    Column("action", Text, nullable=False),
    Column("subject_kind", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("before", JSONB, nullable=False),
    Column("after", JSONB, nullable=False),
    Column("reason", Text, nullable=False),
    instant("created_at"),
    PrimaryKeyConstraint("bucket", "id", name="admin_log_pkey"),
    Index("admin_log_created_idx", "bucket", "created_at", "id"),
    Index("admin_log_subject_idx", "bucket", "subject_id", "created_at", "id"),
)

# Append-only. In force at an instant is the highest version whose `effective_from` has passed, so
# that no later version changes what held in the past. Version 1 is the installation's own.
configuration_versions = Table(
    "configuration_versions",
    metadata,
    Column("version", Integer, nullable=False, autoincrement=False),
    Column("settings", JSONB, nullable=False),
    Column("changed", JSONB, nullable=False),  # {"name": [before, after]}
    Column("author_id", BigInteger),
    Column("reason", Text, nullable=False),
    instant("created_at"),
    instant("effective_from"),
    PrimaryKeyConstraint("version", name="configuration_versions_pkey"),
    CheckConstraint("version >= 1", name="configuration_versions_from_one"),
    CheckConstraint("(version = 1) = (author_id IS NULL)", name="configuration_versions_author"),
    CheckConstraint(
        "version = 1 OR effective_from >= created_at + interval '5 minutes'",
        name="configuration_versions_ahead",
    ),
)

# Coins moved by hand: proposed by one, approved by another, applied by a worker.
adjustments = Table(
    "adjustments",
    metadata,
    bucket(),
    Column("id", Uuid, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("direction", Text, nullable=False),
    Column("amount_micro", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("proposer_id", BigInteger, nullable=False),
    Column("key", Text, nullable=False),
    instant("proposed_at"),
    instant("expires_at"),
    Column("decider_id", BigInteger),
    instant("decided_at", nullable=True),
    Column("note", Text),
    instant("applied_at", nullable=True),
    Column("failure", Text),
    PrimaryKeyConstraint("bucket", "id", name="adjustments_pkey"),
    of_user("adjustments"),
    UniqueConstraint("bucket", "proposer_id", "key", name="adjustments_key"),
    one_of("adjustments", "direction", "CREDIT", "DEBIT"),
    one_of("adjustments", "status", "PROPOSED", "APPROVED", "REJECTED", "APPLIED", "REFUSED"),
    CheckConstraint("amount_micro BETWEEN 1 AND 1000000000000", name="adjustments_amount_range"),
    CheckConstraint("expires_at > proposed_at", name="adjustments_expiry"),
    CheckConstraint("(status = 'PROPOSED') = (decided_at IS NULL)", name="adjustments_decided"),
    CheckConstraint(
        "(decided_at IS NULL) = (decider_id IS NULL)", name="adjustments_decider_named"
    ),
    # Four eyes, neither pair the wallet's owner's. One's own proposal may be withdrawn.
    CheckConstraint(
        "status IN ('PROPOSED', 'REJECTED') OR decider_id <> proposer_id",
        name="adjustments_four_eyes",
    ),
    CheckConstraint("proposer_id <> user_id", name="adjustments_not_ones_own"),
    CheckConstraint("decider_id <> user_id", name="adjustments_not_for_oneself"),
    CheckConstraint(
        "status IN ('PROPOSED', 'REJECTED') OR decided_at < expires_at",
        name="adjustments_approved_in_time",
    ),
    CheckConstraint("(status = 'APPLIED') = (applied_at IS NOT NULL)", name="adjustments_applied"),
    CheckConstraint("(status = 'REFUSED') = (failure IS NOT NULL)", name="adjustments_refused"),
    Index("adjustments_proposed_idx", "bucket", "proposed_at", "id"),
    Index("adjustments_user_idx", "bucket", "user_id", "proposed_at"),
)
