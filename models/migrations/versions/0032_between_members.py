"""Coins go from one member to another: the ledger's rows of that kind.

Rows that are there were checked by the constraint before, so none is read while the lock is held;
the next revision reads them.
"""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One more type, and the account that it is tied to."""
    op.drop_constraint("transactions_type_known", "transactions", type_="check")
    op.create_check_constraint(
        "transactions_type_known",
        "transactions",
        "type IN ('MINING', 'BOOST', 'TASK', 'BONUS', 'WITHDRAWAL', 'ADJUSTMENT', 'TRANSFER')",
        postgresql_not_valid=True,
    )
    op.create_check_constraint(
        "transactions_transfer_accounts",
        "transactions",
        "(type = 'TRANSFER') = ('transit:out' IN (from_account, to_account))",
        postgresql_not_valid=True,
    )
