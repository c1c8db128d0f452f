"""Events of ad networks, claimed for one view each."""

import sqlalchemy as sa
from alembic import op

from models.migrations.helpers import distribute_by

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """None is claimed yet: what was recorded before is known within its bucket, as it was."""
    op.create_table(
        "ad_events",
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("view_id", sa.Uuid(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("network", "event_id", name="ad_events_pkey"),
    )
    distribute_by("ad_events", "event_id")
    op.create_index("ad_events_claimed_idx", "ad_events", ["claimed_at"])
