"""What administrators do: the trail, versions of the configuration, staff, coins by hand."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from models.base.columns import (
    KEPT,
    STAFF,
    bucket,
    instant,
    metadata,
    naming,
    of_people,
    of_user,
    one_of,
)

# Append-only. In force at an instant is the highest version whose `effective_from` has passed, so
# that no later version changes what held in the past. Version 1 is the installation's own.
configuration_versions = Table(
    "configuration_versions",
    metadata,
    Column("version", Integer, nullable=False, autoincrement=False),
    Column("settings", JSONB, nullable=False),
    Column("changed", JSONB, nullable=False),  # {"name": [before, after]}
    naming("author_id", STAFF, nullable=True),
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

# Everybody with a role that may approve, on every node. `line` leads from whom the command line
# named to the member, each proposed by the one before.
staff = Table(
    "staff",
    metadata,
    naming("user_id", STAFF),
    Column("role", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    naming("granted_by", STAFF, nullable=True),
    naming("approved_by", STAFF, nullable=True),
    instant("granted_at"),
    naming("line", STAFF, of=ARRAY(BigInteger)),
    instant("suspended_until", nullable=True),
    PrimaryKeyConstraint("user_id", name="staff_pkey"),
    one_of("staff", "role", "admin", "superadmin"),
    CheckConstraint("line[cardinality(line)] = user_id", name="staff_line_ends_here"),
    CheckConstraint("(granted_by IS NULL) = (cardinality(line) = 1)", name="staff_line_begins"),
    CheckConstraint("granted_by = ANY(line)", name="staff_line_of_granter"),
    CheckConstraint("granted_by <> user_id", name="staff_not_by_oneself"),
    CheckConstraint("approved_by <> granted_by", name="staff_by_two"),
    CheckConstraint("approved_by IS NULL OR granted_by IS NOT NULL", name="staff_proposed_first"),
)

# A role that may approve, proposed by one and approved by another.
role_proposals = Table(
    "role_proposals",
    metadata,
    bucket(),
    Column("id", Uuid, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("role", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("status", Text, nullable=False),
    naming("proposer_id", STAFF),
    instant("proposed_at"),
    instant("expires_at"),
    naming("decider_id", STAFF, nullable=True),
    instant("decided_at", nullable=True),
    Column("note", Text),
    Column("failure", Text),
    PrimaryKeyConstraint("bucket", "id", name="role_proposals_pkey"),
    of_user("role_proposals"),
    one_of("role_proposals", "role", "admin", "superadmin"),
    one_of("role_proposals", "status", "PROPOSED", "GRANTED", "REJECTED", "LAPSED"),
    CheckConstraint("expires_at > proposed_at", name="role_proposals_expiry"),
    CheckConstraint(
        "(status IN ('PROPOSED', 'LAPSED')) = (decided_at IS NULL)", name="role_proposals_decided"
    ),
    CheckConstraint(
        "(decided_at IS NULL) = (decider_id IS NULL)", name="role_proposals_decider_named"
    ),
    CheckConstraint("(status = 'LAPSED') = (failure IS NOT NULL)", name="role_proposals_lapsed"),
    CheckConstraint(
        "status <> 'GRANTED' OR decider_id <> proposer_id", name="role_proposals_four_eyes"
    ),
    CheckConstraint("proposer_id <> user_id", name="role_proposals_not_ones_own"),
    CheckConstraint("decider_id <> user_id", name="role_proposals_not_for_oneself"),
    CheckConstraint(
        "status <> 'GRANTED' OR decided_at < expires_at", name="role_proposals_approved_in_time"
    ),
    Index(
        "role_proposals_one_open",
        "bucket",
        "user_id",
        unique=True,
        postgresql_where=text("status = 'PROPOSED'"),
    ),
    Index("role_proposals_proposed_idx", "bucket", "proposed_at", "id"),
    info=of_people(KEPT),
)

# A change of what is paid, on every node: proposed by one, made when another approves it. NULL as
# the decider of what was decided is the operator's command line.
pay_proposals = Table(
    "pay_proposals",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("changes", JSONB, nullable=False),  # {"name": [before, after]}
    Column("reason", Text, nullable=False),
    Column("status", Text, nullable=False),
    naming("proposer_id", STAFF),
    instant("proposed_at"),
    instant("expires_at"),
    naming("decider_id", STAFF, nullable=True),
    instant("decided_at", nullable=True),
    Column("note", Text),
    Column("failure", Text),
    PrimaryKeyConstraint("id", name="pay_proposals_pkey"),
    one_of("pay_proposals", "kind", "configuration", "task_type", "video"),
    one_of("pay_proposals", "status", "PROPOSED", "APPROVED", "REJECTED", "LAPSED"),
    CheckConstraint("expires_at > proposed_at", name="pay_proposals_expiry"),
    CheckConstraint(
        "(status IN ('PROPOSED', 'LAPSED')) = (decided_at IS NULL)", name="pay_proposals_decided"
    ),
    CheckConstraint(
        "decider_id IS NULL OR decided_at IS NOT NULL", name="pay_proposals_decider_named"
    ),
    CheckConstraint("(status = 'LAPSED') = (failure IS NOT NULL)", name="pay_proposals_lapsed"),
    CheckConstraint(
        "status <> 'APPROVED' OR decider_id IS NULL OR decider_id <> proposer_id",
        name="pay_proposals_four_eyes",
    ),
    CheckConstraint(
        "status <> 'APPROVED' OR decided_at < expires_at", name="pay_proposals_approved_in_time"
    ),
    Index(
        "pay_proposals_one_open",
        "kind",
        "subject",
        unique=True,
        postgresql_where=text("status = 'PROPOSED'"),
    ),
    Index("pay_proposals_proposed_idx", "proposed_at", "id"),
)

# What was credited by hand on a UTC day, over all wallets: counted when it is approved.
credits_by_hand = Table(
    "credits_by_hand",
    metadata,
    Column("day", Date, nullable=False),
    Column("amount_micro", BigInteger, nullable=False),
    PrimaryKeyConstraint("day", name="credits_by_hand_pkey"),
    CheckConstraint("amount_micro BETWEEN 1 AND 10000000000", name="credits_by_hand_range"),
)

# Coins moved by hand: proposed by one, approved by another, applied by a worker.
ADJUSTMENT_STATUSES = ("PROPOSED", "LAPSED", "APPROVED", "REJECTED", "APPLIED", "REFUSED")
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
    naming("proposer_id", STAFF),
    Column("key", Text, nullable=False),
    instant("proposed_at"),
    instant("expires_at"),
    naming("decider_id", STAFF, nullable=True),
    instant("decided_at", nullable=True),
    Column("note", Text),
    instant("applied_at", nullable=True),
    Column("failure", Text),
    PrimaryKeyConstraint("bucket", "id", name="adjustments_pkey"),
    of_user("adjustments"),
    UniqueConstraint("bucket", "proposer_id", "key", name="adjustments_key"),
    one_of("adjustments", "direction", "CREDIT", "DEBIT"),
    one_of("adjustments", "status", *ADJUSTMENT_STATUSES),
    CheckConstraint("amount_micro BETWEEN 1 AND 1000000000000", name="adjustments_amount_range"),
    CheckConstraint("expires_at > proposed_at", name="adjustments_expiry"),
    CheckConstraint(
        "(status IN ('PROPOSED', 'LAPSED')) = (decided_at IS NULL)", name="adjustments_decided"
    ),
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
    CheckConstraint(
        "(status IN ('REFUSED', 'LAPSED')) = (failure IS NOT NULL)", name="adjustments_refused"
    ),
    Index("adjustments_proposed_idx", "bucket", "proposed_at", "id"),
    Index("adjustments_user_idx", "bucket", "user_id", "proposed_at"),
    Index(
        "adjustments_open",
        "bucket",
        "proposed_at",
        postgresql_where=text("status = 'PROPOSED'"),
    ),
    Index(
        "adjustments_applied_idx",
        "bucket",
        "applied_at",
        postgresql_where=text("status = 'APPLIED'"),
    ),
    info=of_people(KEPT),
)
