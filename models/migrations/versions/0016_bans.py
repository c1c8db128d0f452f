"""What closed accounts were held by, for as long as the hold would have lasted."""

import sqlalchemy as sa
from alembic import op

from models.migrations.helpers import distribute_by

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody who closed an account before is remembered."""
    op.create_table(
        "bans",
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hold", sa.Text(), nullable=True),
        sa.Column("hold_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("value", "user_id", name="bans_pkey"),
        sa.CheckConstraint("level BETWEEN 0 AND 4", name="bans_level_range"),
        sa.CheckConstraint("(hold IS NULL) = (hold_until IS NULL)", name="bans_hold_ends"),
    )
    distribute_by("bans", "value")
    op.create_index("bans_expiry", "bans", ["expires_at"])
