"""Phones, and which notifications they have yet to be told."""

import sqlalchemy as sa
from alembic import op

from models.migrations.helpers import distribute, distribute_by

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What was noted so far is told to nobody: there was no phone to tell."""
    op.create_table(
        "device_owners",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="device_owners_pkey"),
    )
    distribute_by("device_owners", "id")
    op.create_table(
        "devices",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "id", name="devices_pkey"),
        sa.CheckConstraint("platform IN ('ANDROID', 'IOS', 'WEB')", name="devices_platform_known"),
        sa.CheckConstraint("language IN ('en', 'ar')", name="devices_language_known"),
        sa.ForeignKeyConstraint(
            ["bucket", "user_id"], ["users.bucket", "users.id"], name="devices_user_id_fkey"
        ),
    )
    distribute("devices")
    op.create_index("devices_user_idx", "devices", ["bucket", "user_id"])
    op.add_column(
        "notifications", sa.Column("push_due_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "notifications",
        sa.Column("push_attempts", sa.SmallInteger(), nullable=False, server_default="0"),
    )
    op.alter_column("notifications", "push_attempts", server_default=None)
    op.create_index(
        "notifications_push_due",
        "notifications",
        ["bucket", "push_due_at"],
        postgresql_where=sa.text("push_due_at IS NOT NULL"),
    )
    op.create_index("notifications_created_idx", "notifications", ["bucket", "created_at"])
