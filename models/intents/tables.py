"""What was asked for, what became of it, what it brings for others and asks of the outside."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from models.base.columns import (
    CHURNING,
    DELETED,
    OURS,
    bucket,
    instant,
    metadata,
    of_people,
    of_user,
    one_of,
)

follow_ups = Table(
    "follow_ups",
    metadata,
    bucket(),
    Column("id", Uuid, nullable=False),
    Column("target_bucket", SmallInteger, nullable=False),
    Column("entries", JSONB, nullable=False),
    instant("due_at"),
    PrimaryKeyConstraint("bucket", "id", name="follow_ups_pkey"),
    CheckConstraint("target_bucket BETWEEN 0 AND 63", name="follow_ups_target_range"),
    Index("follow_ups_due", "bucket", "due_at"),
    postgresql_with=CHURNING,
)

# While one is called or asked about, `due_at` is when its worker counts as dead. `attempts` is
# raised by whoever takes it: what an earlier one finds out too late is not written any more.
errands = Table(
    "errands",
    metadata,
    bucket(),
    Column("id", Uuid, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    instant("created_at"),
    instant("due_at"),
    Column("attempts", SmallInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("error", Text),
    PrimaryKeyConstraint("bucket", "id", name="errands_pkey"),
    of_user("errands"),
    one_of("errands", "status", "WAITING", "CALLED", "UNKNOWN", "FAILED"),
    Index(
        "errands_due",
        "bucket",
        "kind",
        "due_at",
        postgresql_where=text("status <> 'FAILED'"),
    ),
    Index("errands_dead", "bucket", "created_at", postgresql_where=text("status = 'FAILED'")),
    Index("errands_user_idx", "bucket", "user_id"),
    info=of_people(DELETED, {"error": OURS}),
    postgresql_with=CHURNING,
)

intents = Table(
    "intents",
    metadata,
    bucket(),
    Column("id", Uuid, nullable=False),
    Column("group_number", SmallInteger, nullable=False),
    Column("user_id", BigInteger),
    Column("kind", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("body_hash", LargeBinary, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("evidence", JSONB, nullable=False),
    instant("recorded_at"),
    instant("due_at"),
    instant("ring_at"),
    Column("attempts", SmallInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("outcome", JSONB),
    Column("error", Text),
    instant("applied_at", nullable=True),
    PrimaryKeyConstraint("bucket", "id", name="intents_pkey"),
    UniqueConstraint("bucket", "origin", "key", name="intents_origin_key"),
    one_of("intents", "status", "RECORDED", "APPLIED", "REJECTED", "FAILED"),
    CheckConstraint(
        "(status IN ('APPLIED', 'REJECTED')) = (outcome IS NOT NULL)", name="intents_outcome"
    ),
    CheckConstraint(
        "(status = 'RECORDED') = (applied_at IS NULL)", name="intents_done_has_instant"
    ),
    CheckConstraint("group_number BETWEEN 0 AND 10", name="intents_group_number_range"),
    Index(
        "intents_due",
        "bucket",
        "recorded_at",
        "id",
        postgresql_where=text("status = 'RECORDED' AND group_number > 0"),
    ),
    Index(
        "intents_upkeep",
        "bucket",
        "recorded_at",
        "id",
        postgresql_where=text("status = 'RECORDED' AND group_number = 0"),
    ),
    Index(
        "intents_ring",
        "bucket",
        "ring_at",
        postgresql_where=text("status = 'RECORDED'"),
    ),
    Index(
        "intents_retried",
        "bucket",
        "user_id",
        postgresql_where=text("status = 'RECORDED' AND attempts > 0"),
    ),
    Index("intents_dead", "bucket", "recorded_at", postgresql_where=text("status = 'FAILED'")),
    Index("intents_prune", "bucket", "applied_at", postgresql_where=text("applied_at IS NOT NULL")),
    postgresql_with=CHURNING,
    info=of_people("evidence = '{}'", {"body_hash": OURS, "ring_at": OURS, "error": OURS}),
)
