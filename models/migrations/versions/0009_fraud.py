"""Holds of accounts, trails of what they do, fingerprints of devices, lists of addresses."""

import sqlalchemy as sa
from alembic import op

from models.migrations.helpers import distribute, distribute_by, reference

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody is held."""
    op.add_column("users", sa.Column("hold", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("hold_until", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        "users_hold_known",
        "users",
        "hold IN ('COOLDOWN', 'CAPTCHA', 'VERIFICATION', 'REAUTHENTICATION', 'SUSPENDED')",
    )
    op.create_check_constraint("users_hold_ends", "users", "(hold IS NULL) = (hold_until IS NULL)")
    op.create_index(
        "fraud_logs_serious",
        "fraud_logs",
        ["bucket", "created_at", "id"],
        postgresql_where=sa.text("severity IN ('HIGH', 'CRITICAL')"),
    )
    _create_trails()
    op.create_table(
        "fingerprints",
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", "user_id", name="fingerprints_pkey"),
    )
    distribute_by("fingerprints", "fingerprint")
    op.create_index("fingerprints_user_idx", "fingerprints", ["user_id"])
    op.create_index("fingerprints_seen_idx", "fingerprints", ["seen_at"])
    op.create_table(
        "ip_lists",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("networks", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", name="ip_lists_pkey"),
        sa.CheckConstraint(
            "kind IN ('VPN', 'DATACENTRE', 'TOR', 'BANNED')", name="ip_lists_kind_known"
        ),
    )
    reference("ip_lists")


def _create_trails() -> None:
    instants = ("raised_at", "acted_at", "seen_at", "placed_at", "trusted_until")
    op.create_table(
        "fraud_trails",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        *(sa.Column(name, sa.DateTime(timezone=True), nullable=True) for name in instants),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("ip_address", sa.Text(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("bucket", "user_id", name="fraud_trails_pkey"),
        sa.ForeignKeyConstraint(
            ["bucket", "user_id"], ["users.bucket", "users.id"], name="fraud_trails_user_id_fkey"
        ),
        sa.CheckConstraint("level BETWEEN 0 AND 4", name="fraud_trails_level_range"),
        sa.CheckConstraint(
            "(latitude IS NULL) = (longitude IS NULL) AND (latitude IS NULL) = (placed_at IS NULL)",
            name="fraud_trails_place_whole",
        ),
        postgresql_with={"fillfactor": "75"},
    )
    distribute("fraud_trails")
