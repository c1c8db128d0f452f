"""Verified addresses, profiles, codes, second factors, and the sign-ins of devices."""

import sqlalchemy as sa
from alembic import op

from models.migrations.helpers import distribute

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Whoever is here already counts as verified. Addresses are sealed by `twtc release`."""
    _describe_users()
    op.create_index("identities_user_idx", "identities", ["user_id"])
    op.create_table(
        "sign_ins",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("ip_address", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("bucket", "id", name="sign_ins_pkey"),
        _of_user("sign_ins"),
    )
    distribute("sign_ins")
    op.execute(
        """
        INSERT INTO sign_ins (bucket, id, user_id, user_agent, created_at, seen_at, expires_at,
                              revoked_at)
        SELECT bucket, family_id, user_id, '', min(created_at), max(created_at), max(expires_at),
               min(revoked_at)
        FROM refresh_tokens GROUP BY bucket, family_id, user_id
        """
    )
    op.drop_column("refresh_tokens", "revoked_at")
    op.create_index("sign_ins_user_idx", "sign_ins", ["bucket", "user_id"])
    op.create_index("sign_ins_expiry", "sign_ins", ["bucket", "expires_at"])
    _create_factors()


def _describe_users() -> None:
    op.add_column("users", sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("users", sa.Column("display_name", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("country", sa.Text(), nullable=True))
    op.add_column(
        "users",
        sa.Column("language", sa.Text(), nullable=False, server_default=sa.text("'en'")),
    )
    op.add_column("users", sa.Column("referred_by", sa.BigInteger(), nullable=True))
    op.execute("UPDATE users SET verified_at = created_at")
    op.create_check_constraint("users_country_iso", "users", "country ~ '^[A-Z]{2}$'")
    op.create_check_constraint("users_not_referred_by_self", "users", "referred_by <> id")
    op.create_check_constraint("users_language_known", "users", "language IN ('en', 'ar')")


def _create_factors() -> None:
    op.create_table(
        "codes",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "user_id", "purpose", name="codes_pkey"),
        _of_user("codes"),
        sa.CheckConstraint("purpose IN ('VERIFY', 'RESET', 'SIGN_IN')", name="codes_purpose_known"),
        sa.CheckConstraint("attempts >= 0", name="codes_attempts_not_negative"),
    )
    distribute("codes")
    op.create_table(
        "second_factors",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("totp_secret", sa.Text(), nullable=True),
        sa.Column("totp_confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("totp_last_step", sa.BigInteger(), nullable=False),
        sa.Column("sends_codes", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.SmallInteger(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("bucket", "user_id", name="second_factors_pkey"),
        _of_user("second_factors"),
        sa.CheckConstraint(
            "totp_confirmed_at IS NULL OR totp_secret IS NOT NULL", name="second_factors_totp_whole"
        ),
    )
    distribute("second_factors")
    op.create_table(
        "recovery_codes",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "user_id", "code_hash", name="recovery_codes_pkey"),
        _of_user("recovery_codes"),
    )
    distribute("recovery_codes")


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["bucket", "user_id"], ["users.bucket", "users.id"], name=f"{table}_user_id_fkey"
    )
