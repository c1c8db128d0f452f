"""Measures of accounts' days, models, and scores."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from models.migrations.helpers import distribute, reference

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody is scored before the first night."""
    op.create_table(
        "account_days",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("measures", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "user_id", "day", name="account_days_pkey"),
        sa.ForeignKeyConstraint(
            ["bucket", "user_id"], ["users.bucket", "users.id"], name="account_days_user_id_fkey"
        ),
    )
    distribute("account_days")
    op.create_index("account_days_day_idx", "account_days", ["bucket", "day"])
    op.create_table(
        "anomaly_scores",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("score", sa.SmallInteger(), nullable=False),
        sa.Column("band", sa.Text(), nullable=False),
        sa.Column("reasons", JSONB(), nullable=False),
        sa.Column("model_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "user_id", "day", name="anomaly_scores_pkey"),
        sa.ForeignKeyConstraint(
            ["bucket", "user_id"], ["users.bucket", "users.id"], name="anomaly_scores_user_id_fkey"
        ),
        sa.CheckConstraint(
            "band IN ('NORMAL', 'MONITOR', 'REVIEW', 'SUSPEND')", name="anomaly_scores_band_known"
        ),
        sa.CheckConstraint("score BETWEEN 0 AND 100", name="anomaly_scores_range"),
    )
    distribute("anomaly_scores")
    op.create_index("anomaly_scores_day_idx", "anomaly_scores", ["bucket", "day"])
    op.create_table(
        "anomaly_models",
        sa.Column("version", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("artefact", JSONB(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("trained_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version", name="anomaly_models_pkey"),
    )
    reference("anomaly_models")
