"""Whose money a wallet's coins are: the tables. The next revision fills them."""

import sqlalchemy as sa
from alembic import op

from models.migrations.helpers import distribute

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What is there counts as posted, what a worker of the release before adds does not."""
    op.add_column(
        "transactions",
        sa.Column("asset", sa.Text(), nullable=False, server_default=sa.text("'TWTC'")),
    )
    op.add_column(
        "transactions",
        sa.Column("part", sa.SmallInteger(), nullable=False, server_default=sa.text("0")),
    )
    op.add_column(
        "transactions",
        sa.Column("is_posted", sa.Boolean(), nullable=False, server_default=sa.text("true")),
    )
    op.alter_column("transactions", "is_posted", server_default=sa.text("false"))
    op.create_unique_constraint(
        "transactions_part_key", "transactions", ["bucket", "reference", "part"]
    )
    op.drop_constraint("transactions_reference_key", "transactions", type_="unique")
    op.create_index(
        "transactions_unposted_idx",
        "transactions",
        ["bucket", "user_id"],
        postgresql_where=sa.text("NOT is_posted"),
    )
    op.add_column("ad_views", sa.Column("funding", sa.Text(), nullable=True))
    op.create_table(
        "wallet_funds",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("funding", sa.Text(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("earned", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "user_id", "funding", name="wallet_funds_pkey"),
        sa.ForeignKeyConstraint(
            ["bucket", "user_id"], ["users.bucket", "users.id"], name="wallet_funds_user_id_fkey"
        ),
        sa.CheckConstraint("balance >= 0", name="wallet_funds_never_negative"),
        postgresql_with={"fillfactor": "75"},
    )
    distribute("wallet_funds")
    op.create_table(
        "entry_parts",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("funding", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "bucket", "user_id", "entry_id", "funding", name="entry_parts_pkey"
        ),
        sa.ForeignKeyConstraint(
            ["bucket", "entry_id"],
            ["transactions.bucket", "transactions.id"],
            name="entry_parts_entry_fkey",
        ),
        sa.CheckConstraint("amount > 0", name="entry_parts_amount_positive"),
    )
    distribute("entry_parts")
