"""What accounts did, in figures, and how much that looks like a program (decision 0031)."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from models.base.columns import DELETED, bucket, instant, metadata, of_people, of_user, one_of

# Kept for a week: what a score looks back on.
account_days = Table(
    "account_days",
    metadata,
    bucket(),
    Column("day", Date, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("measures", JSONB, nullable=False),
    PrimaryKeyConstraint("bucket", "user_id", "day", name="account_days_pkey"),
    of_user("account_days"),
    Index("account_days_day_idx", "bucket", "day"),
    info=of_people(DELETED),
)

anomaly_scores = Table(
    "anomaly_scores",
    metadata,
    bucket(),
    Column("day", Date, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("score", SmallInteger, nullable=False),
    Column("band", Text, nullable=False),
    Column("reasons", JSONB, nullable=False),
    Column("model_version", Integer, nullable=False),
    PrimaryKeyConstraint("bucket", "user_id", "day", name="anomaly_scores_pkey"),
    of_user("anomaly_scores"),
    one_of("anomaly_scores", "band", "NORMAL", "MONITOR", "REVIEW", "SUSPEND"),
    CheckConstraint("score BETWEEN 0 AND 100", name="anomaly_scores_range"),
    Index("anomaly_scores_day_idx", "bucket", "day"),
    info=of_people(DELETED),
)

anomaly_models = Table(
    "anomaly_models",
    metadata,
    Column("version", Integer, nullable=False, autoincrement=False),
    Column("artefact", JSONB, nullable=False),
    Column("people", Integer, nullable=False),  # of the installation itself that it learned from
    instant("trained_at"),
    PrimaryKeyConstraint("version", name="anomaly_models_pkey"),
)
