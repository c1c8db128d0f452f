"""Blind answers that an account gave lately."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """None is counted yet."""
    op.add_column("fraud_trails", sa.Column("blind_count", sa.SmallInteger(), nullable=True))
    op.add_column("fraud_trails", sa.Column("blind_at", sa.DateTime(timezone=True), nullable=True))
