"""Registrations under way, and codes by address."""

import sqlalchemy as sa
from alembic import op

from models.migrations.helpers import distribute_by

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Accounts that the release before makes go on to be verified as it does."""
    op.create_table(
        "registrations",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("referred_by", sa.BigInteger()),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("messages", sa.SmallInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.BigInteger()),
        sa.Column("code_hash", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name="registrations_pkey"),
        sa.CheckConstraint("kind IN ('email', 'phone')", name="registrations_kind_known"),
        sa.CheckConstraint("language IN ('en', 'ar')", name="registrations_language_known"),
        sa.CheckConstraint("attempts >= 0", name="registrations_attempts_not_negative"),
        sa.CheckConstraint("messages >= 0", name="registrations_messages_not_negative"),
        sa.CheckConstraint(
            "(user_id IS NULL) = (code_hash IS NULL)", name="registrations_confirmed_by_a_code"
        ),
    )
    distribute_by("registrations", "id")
    op.create_index("registrations_expiry", "registrations", ["expires_at"])
    op.create_table(
        "address_codes",
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("value", "purpose", name="address_codes_pkey"),
        sa.CheckConstraint("purpose IN ('REGISTER', 'RESET')", name="address_codes_purpose_known"),
        sa.CheckConstraint("attempts >= 0", name="address_codes_attempts_not_negative"),
    )
    distribute_by("address_codes", "value")
    op.create_index("address_codes_expiry", "address_codes", ["expires_at"])
