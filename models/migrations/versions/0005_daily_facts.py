"""The figures of each day, and who was active on it."""

import sqlalchemy as sa
from alembic import op

from models.migrations.helpers import distribute, reference

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Figures are few and shared; days of activity are the users'."""
    op.create_table(
        "daily_facts",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("day", "name", "label", name="daily_facts_pkey"),
    )
    reference("daily_facts")
    op.create_table(
        "active_days",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "day", "user_id", name="active_days_pkey"),
    )
    distribute("active_days")
    op.create_index("transactions_created_idx", "transactions", ["bucket", "created_at"])
    op.create_index("mining_sessions_requested_idx", "mining_sessions", ["bucket", "requested_at"])
    op.create_index("boosts_day_idx", "boosts", ["bucket", "day"])
    op.create_index("users_created_idx", "users", ["bucket", "created_at"])
