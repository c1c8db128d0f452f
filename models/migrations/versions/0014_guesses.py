"""Guesses, counted over all networks and processes."""

import sqlalchemy as sa
from alembic import op

from models.migrations.helpers import distribute_by

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Second factors were locked by columns of their own, which nothing reads any more."""
    op.create_table(
        "guesses",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("made", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name="guesses_pkey"),
        sa.CheckConstraint("made >= 0", name="guesses_made_not_negative"),
    )
    distribute_by("guesses", "key")
    op.create_index("guesses_since_idx", "guesses", ["since"])
