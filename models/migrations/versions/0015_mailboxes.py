"""Which account owns a mailbox: a table keyed by the mailbox, beside the identities."""

import sqlalchemy as sa
from alembic import op

from models.migrations.helpers import distribute_by

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody owns one yet: `twtc release` fills the table, since only it has the keys."""
    op.create_table(
        "mailboxes",
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("value", name="mailboxes_pkey"),
    )
    distribute_by("mailboxes", "value")
    op.create_index("mailboxes_user_idx", "mailboxes", ["user_id"])
