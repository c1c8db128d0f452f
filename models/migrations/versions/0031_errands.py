"""What is asked of somebody outside; notifications need not say any more what phones are told."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from models.base.columns import CHURNING
from models.migrations.helpers import distribute

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What the release before has yet to tell is left to it: it still runs (decision 0054)."""
    op.create_table(
        "errands",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("bucket", "id", name="errands_pkey"),
        sa.ForeignKeyConstraint(
            ["bucket", "user_id"], ["users.bucket", "users.id"], name="errands_user_id_fkey"
        ),
        sa.CheckConstraint(
            "status IN ('WAITING', 'CALLED', 'UNKNOWN', 'FAILED')", name="errands_status_known"
        ),
        postgresql_with=CHURNING,
    )
    distribute("errands")
    op.create_index(
        "errands_due",
        "errands",
        ["bucket", "kind", "due_at"],
        postgresql_where=sa.text("status <> 'FAILED'"),
    )
    op.create_index(
        "errands_dead",
        "errands",
        ["bucket", "created_at"],
        postgresql_where=sa.text("status = 'FAILED'"),
    )
    op.create_index("errands_user_idx", "errands", ["bucket", "user_id"])
    op.alter_column("notifications", "push_attempts", server_default="0")
