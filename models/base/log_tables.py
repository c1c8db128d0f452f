"""What happened and what looked wrong; partitioned by month (decision 0016)."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.schema import SchemaItem

from models.base.columns import (
    STAFF,
    bucket,
    instant,
    metadata,
    naming,
    of_people,
    one_of,
    partitioned,
)


def _log_table(name: str, erasure: str, *columns: SchemaItem) -> Table:
    return Table(
        name,
        metadata,
        bucket(),
        Column("id", Uuid, nullable=False),
        Column("user_id", BigInteger, nullable=False),
        *columns,
        Column("ip_address", Text),
        instant("created_at"),
        PrimaryKeyConstraint("bucket", "created_at", "id", name=f"{name}_pkey"),
        Index(f"{name}_user_idx", "bucket", "user_id", "created_at"),
        info=of_people(erasure) | partitioned(name, "created_at", is_daily=False, ahead=3, kept=6),
        postgresql_partition_by="RANGE (created_at)",
    )


activity_logs = _log_table(
    "activity_logs",
    "ip_address = NULL, user_agent = NULL",
    Column("action", Text, nullable=False),
    Column("resource_type", Text, nullable=False),
    Column("resource_id", Uuid, nullable=False),
    Column("metadata", JSONB, nullable=False),
    Column("user_agent", Text),
)

fraud_logs = _log_table(
    "fraud_logs",
    "ip_address = NULL, device_fingerprint = NULL",
    Column("event_type", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("details", JSONB, nullable=False),
    Column("device_fingerprint", Text),
    one_of("fraud_logs", "severity", "LOW", "MEDIUM", "HIGH", "CRITICAL"),
)

Index(
    "fraud_logs_serious",
    fraud_logs.c.bucket,
    fraud_logs.c.created_at,
    fraud_logs.c.id,
    postgresql_where=text("severity IN ('HIGH', 'CRITICAL')"),
)


# Append-only. `actor_id` is NULL for the operator's command line.
admin_log = Table(
    "admin_log",
    metadata,
    bucket(),
    Column("id", Uuid, nullable=False),
    naming("actor_id", STAFF, nullable=True),
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
