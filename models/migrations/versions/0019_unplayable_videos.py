"""An index of the boosts whose video a player could not show."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Few rows: what is looked for every ten minutes must not be looked for in all of them."""
    op.create_index(
        "boosts_unplayable",
        "boosts",
        ["bucket", "failed_at"],
        postgresql_where=sa.text("failure = 'UNPLAYABLE'"),
    )
