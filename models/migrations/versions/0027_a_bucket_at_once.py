"""All that is due in a bucket is claimed at once, whatever its group; upkeep by itself."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The table is pruned every day, so that its indexes are made in moments."""
    op.drop_index("intents_due", "intents")
    op.create_index(
        "intents_due",
        "intents",
        ["bucket", "recorded_at", "id"],
        postgresql_where=sa.text("status = 'RECORDED' AND group_number > 0"),
    )
    op.create_index(
        "intents_upkeep",
        "intents",
        ["bucket", "recorded_at", "id"],
        postgresql_where=sa.text("status = 'RECORDED' AND group_number = 0"),
    )
