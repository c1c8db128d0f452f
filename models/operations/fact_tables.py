"""The figures of each day (decision 0024)."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from models.base.columns import KEPT, bucket, instant, metadata, of_people

daily_facts = Table(
    "daily_facts",
    metadata,
    Column("day", Date, nullable=False),
    Column("name", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("value", BigInteger, nullable=False),
    instant("computed_at"),
    PrimaryKeyConstraint("day", "name", "label", name="daily_facts_pkey"),
)

# Who did anything on a day. It outlives the intents and the logs, and a user's deletion.
active_days = Table(
    "active_days",
    metadata,
    bucket(),
    Column("day", Date, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    PrimaryKeyConstraint("bucket", "day", "user_id", name="active_days_pkey"),
    Index("active_days_user_idx", "bucket", "user_id", "day"),
    info=of_people(KEPT),
)
