"""What an intent of one member brings for another."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from models.base.columns import CHURNING
from models.migrations.helpers import distribute

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is under way yet."""
    op.create_table(
        "follow_ups",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("target_bucket", sa.SmallInteger(), nullable=False),
        sa.Column("entries", JSONB(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "id", name="follow_ups_pkey"),
        sa.CheckConstraint("target_bucket BETWEEN 0 AND 63", name="follow_ups_target_range"),
        postgresql_with=CHURNING,
    )
    distribute("follow_ups")
    op.create_index("follow_ups_due", "follow_ups", ["bucket", "due_at"])
