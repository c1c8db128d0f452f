"""When an account was flagged for a device; an index of the trail by whom it is about."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody counts as flagged yet: who was, is flagged once more."""
    op.add_column(
        "fingerprints", sa.Column("flagged_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_index(
        "admin_log_subject_idx", "admin_log", ["bucket", "subject_id", "created_at", "id"]
    )
