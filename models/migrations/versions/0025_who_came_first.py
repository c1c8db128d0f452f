"""When an account was first seen on a device."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Whoever is known was there before whoever comes."""
    op.add_column("fingerprints", sa.Column("came_at", sa.DateTime(timezone=True), nullable=True))
