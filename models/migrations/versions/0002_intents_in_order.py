"""Intents of one user keep their order while one is tried again; rings in the order of their time.

And the next user gets a number beyond all ids there are (decision 0009).
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The table is pruned every day, so that its indexes are made in moments."""
    op.drop_index("intents_ring", "intents")
    op.create_index(
        "intents_ring",
        "intents",
        ["bucket", "ring_at"],
        postgresql_where=sa.text("status = 'RECORDED'"),
    )
    op.create_index(
        "intents_retried",
        "intents",
        ["bucket", "user_id"],
        postgresql_where=sa.text("status = 'RECORDED' AND attempts > 0"),
    )
    # Ids were the sequence's numbers once; engine.core.timeline.user_id_of maps 4096 numbers at a time.
    op.execute("""
        SELECT setval('user_ids', (taken.id / 4096 + 1) * 4096)
        FROM (SELECT max(user_id) AS id FROM identities) AS taken WHERE taken.id IS NOT NULL
    """)
