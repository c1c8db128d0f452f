"""The ledger's rows of before, held against the constraints of the revision before.

Nobody who writes waits for it: neither for the rows to be read, nor for the index.
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Validated; and an index of what goes between members, which is empty as yet."""
    for name in ("transactions_type_known", "transactions_transfer_accounts"):
        op.execute(f"ALTER TABLE transactions VALIDATE CONSTRAINT {name}")
    with op.get_context().autocommit_block():
        # What was interrupted is there, and of no use.
        op.drop_index(
            "transactions_between_idx",
            "transactions",
            if_exists=True,
            postgresql_concurrently=True,
        )
        op.create_index(
            "transactions_between_idx",
            "transactions",
            ["bucket", "created_at"],
            postgresql_where=sa.text("type = 'TRANSFER'"),
            postgresql_concurrently=True,
        )
