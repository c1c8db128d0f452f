"""Which phones were told of a notification, while others wait."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody counts as told: what waits is tried once more for all."""
    op.add_column("notifications", sa.Column("push_told", sa.LargeBinary(), nullable=True))
