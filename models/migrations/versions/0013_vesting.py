"""What left a wallet on a day; the days of a user's activity by user."""

import sqlalchemy as sa
from alembic import op

from models.migrations.helpers import distribute

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing has left any wallet yet."""
    op.create_table(
        "spent_days",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount_micro", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "user_id", "day", name="spent_days_pkey"),
        sa.ForeignKeyConstraint(
            ["bucket", "user_id"], ["users.bucket", "users.id"], name="spent_days_user_id_fkey"
        ),
        sa.CheckConstraint("amount_micro > 0", name="spent_days_amount_positive"),
    )
    distribute("spent_days")
    op.create_index("active_days_user_idx", "active_days", ["bucket", "user_id", "day"])
