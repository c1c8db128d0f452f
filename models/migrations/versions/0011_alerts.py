"""Counts of requests, alerts, and an index of what leaves wallets."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from models.migrations.helpers import reference

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is wrong yet."""
    op.create_table(
        "request_counts",
        sa.Column("slot", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("slot", "name", name="request_counts_pkey"),
        postgresql_with={"fillfactor": "50"},
    )
    reference("request_counts")
    op.create_table(
        "alerts",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("figures", JSONB(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.Column(name, sa.DateTime(timezone=True), nullable=True)
            for name in ("resolved_at", "opened_sent_at", "resolved_sent_at")
        ),
        sa.PrimaryKeyConstraint("key", "opened_at", name="alerts_pkey"),
        sa.CheckConstraint("severity IN ('CRITICAL', 'WARNING')", name="alerts_severity_known"),
        sa.CheckConstraint("resolved_at >= opened_at", name="alerts_times"),
        sa.CheckConstraint(
            "resolved_sent_at IS NULL OR resolved_at IS NOT NULL", name="alerts_sent_when_over"
        ),
    )
    reference("alerts")
    op.create_index(
        "alerts_open",
        "alerts",
        ["key"],
        unique=True,
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_index(
        "transactions_by_hand_idx",
        "transactions",
        ["bucket", "created_at"],
        postgresql_where=sa.text("type IN ('WITHDRAWAL', 'ADJUSTMENT')"),
    )
