"""Counts of requests, and alerts (decision 0032)."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from models.base.columns import instant, metadata, one_of

# What all web processes answered in five minutes.
request_counts = Table(
    "request_counts",
    metadata,
    instant("slot"),
    Column("name", Text, nullable=False),
    Column("value", BigInteger, nullable=False),
    PrimaryKeyConstraint("slot", "name", name="request_counts_pkey"),
    postgresql_with={"fillfactor": "50"},
)

# What only happened, and does not last, is resolved when it opens.
alerts = Table(
    "alerts",
    metadata,
    Column("key", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("figures", JSONB, nullable=False),
    instant("opened_at"),
    instant("resolved_at", nullable=True),
    instant("opened_sent_at", nullable=True),
    instant("resolved_sent_at", nullable=True),
    PrimaryKeyConstraint("key", "opened_at", name="alerts_pkey"),
    one_of("alerts", "severity", "CRITICAL", "WARNING"),
    CheckConstraint("resolved_at >= opened_at", name="alerts_times"),
    CheckConstraint(
        "resolved_sent_at IS NULL OR resolved_at IS NOT NULL", name="alerts_sent_when_over"
    ),
)
Index("alerts_open", alerts.c.key, unique=True, postgresql_where=text("resolved_at IS NULL"))
