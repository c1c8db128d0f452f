"""What is paid is changed by two people."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from models.migrations.helpers import reference

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is proposed yet."""
    op.create_table(
        "pay_proposals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("payload", JSONB(), nullable=False),
        sa.Column("changes", JSONB(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("proposer_id", sa.BigInteger(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decider_id", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pay_proposals_pkey"),
        *(sa.CheckConstraint(rule, name=f"pay_proposals_{name}") for name, rule in _RULES.items()),
    )
    reference("pay_proposals")
    op.create_index(
        "pay_proposals_one_open",
        "pay_proposals",
        ["kind", "subject"],
        unique=True,
        postgresql_where=sa.text("status = 'PROPOSED'"),
    )
    op.create_index("pay_proposals_proposed_idx", "pay_proposals", ["proposed_at", "id"])


_RULES = {
    "kind_known": "kind IN ('configuration', 'task_type', 'video')",
    "status_known": "status IN ('PROPOSED', 'APPROVED', 'REJECTED', 'LAPSED')",
    "expiry": "expires_at > proposed_at",
    "decided": "(status IN ('PROPOSED', 'LAPSED')) = (decided_at IS NULL)",
    "decider_named": "decider_id IS NULL OR decided_at IS NOT NULL",
    "lapsed": "(status = 'LAPSED') = (failure IS NOT NULL)",
    "four_eyes": "status <> 'APPROVED' OR decider_id IS NULL OR decider_id <> proposer_id",
    "approved_in_time": "status <> 'APPROVED' OR decided_at < expires_at",
}
