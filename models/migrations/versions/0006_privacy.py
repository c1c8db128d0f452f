"""Consents, and accounts that are closed and forgotten."""

import sqlalchemy as sa
from alembic import op

from models.migrations.helpers import distribute

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody has closed an account or opted out so far."""
    op.add_column("users", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "users",
        sa.Column(
            "tracking_opt_out", sa.Boolean(), nullable=False, server_default=sa.text("false")
        ),
    )
    op.drop_constraint("users_reachable", "users")
    op.create_check_constraint(
        "users_reachable",
        "users",
        "email IS NOT NULL OR phone IS NOT NULL OR closed_at IS NOT NULL",
    )
    op.create_check_constraint(
        "users_closed_is_inactive", "users", "closed_at IS NULL OR NOT is_active"
    )
    op.create_table(
        "consents",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("policy_version", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "user_id", "purpose", "changed_at", name="consents_pkey"),
        sa.CheckConstraint("purpose IN ('TRACKING', 'MARKETING')", name="consents_purpose_known"),
        sa.ForeignKeyConstraint(
            ["bucket", "user_id"], ["users.bucket", "users.id"], name="consents_user_id_fkey"
        ),
    )
    distribute("consents")
    op.create_table(
        "erasures",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("bucket", "user_id", name="erasures_pkey"),
        sa.CheckConstraint("reason IN ('REQUESTED', 'INACTIVE')", name="erasures_reason_known"),
        sa.ForeignKeyConstraint(
            ["bucket", "user_id"], ["users.bucket", "users.id"], name="erasures_user_id_fkey"
        ),
    )
    distribute("erasures")
    op.create_index(
        "erasures_due",
        "erasures",
        ["bucket", "requested_at"],
        postgresql_where=sa.text("erased_at IS NULL"),
    )
    op.create_index("ad_views_user_idx", "ad_views", ["bucket", "user_id", "served_at"])
