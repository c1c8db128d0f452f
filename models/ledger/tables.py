"""Wallets, the ledger, and whose money coins are."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from models.base.columns import KEPT, bucket, instant, metadata, of_people, of_user, one_of

wallets = Table(
    "wallets",
    metadata,
    bucket(),
    Column("user_id", BigInteger, nullable=False),
    Column("balance", BigInteger, nullable=False),
    Column("settled_balance", BigInteger, nullable=False),
    Column("total_withdrawn", BigInteger, nullable=False),
    Column("total_earned", BigInteger, Computed("balance + total_withdrawn", persisted=True)),
    instant("updated_at"),
    PrimaryKeyConstraint("bucket", "user_id", name="wallets_pkey"),
    of_user("wallets"),
    CheckConstraint("settled_balance >= 0", name="wallets_never_negative"),
    CheckConstraint("balance >= settled_balance", name="wallets_accrual_not_negative"),
    CheckConstraint("total_withdrawn >= 0", name="wallets_withdrawn_not_negative"),
    # Half-full pages leave room for the new row version of a tick: no index is touched.
    postgresql_with={"fillfactor": "50"},
    info=of_people(KEPT),
)


transactions = Table(
    "transactions",
    metadata,
    bucket(),
    Column("id", Uuid, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("from_account", Text, nullable=False),
    Column("to_account", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("reference", Text, nullable=False),
    Column("funding", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("metadata", JSONB, nullable=False),
    instant("created_at"),
    Column("asset", Text, nullable=False, server_default=text("'TWTC'")),
    # Of a transfer of several fundings, counted from 0: a repeat meets the first.
    Column("part", SmallInteger, nullable=False, server_default=text("0")),
    # Whether it is in `wallet_funds`. Not so what a worker of the release before writes.
    Column("is_posted", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("bucket", "id", name="transactions_pkey"),
    UniqueConstraint("bucket", "reference", "part", name="transactions_part_key"),
    ForeignKeyConstraint(
        ["bucket", "user_id"],
        ["wallets.bucket", "wallets.user_id"],
        name="transactions_wallet_fkey",
    ),
    CheckConstraint("amount > 0", name="transactions_amount_positive"),
    CheckConstraint("from_account <> to_account", name="transactions_two_accounts"),
    one_of(
        *("transactions", "type", "MINING", "BOOST", "TASK", "BONUS", "WITHDRAWAL", "ADJUSTMENT"),
        "TRANSFER",
    ),
    CheckConstraint(
        "(type = 'ADJUSTMENT') = ('treasury:adjustment' IN (from_account, to_account))",
        name="transactions_adjustment_accounts",
    ),
    CheckConstraint(
        "(type = 'TRANSFER') = ('transit:out' IN (from_account, to_account))",
        name="transactions_transfer_accounts",
    ),
    Index("transactions_created_idx", "bucket", "created_at"),
    Index(
        "transactions_by_hand_idx",
        "bucket",
        "created_at",
        postgresql_where=text("type IN ('WITHDRAWAL', 'ADJUSTMENT')"),
    ),
    Index(
        "transactions_between_idx",
        "bucket",
        "created_at",
        postgresql_where=text("type = 'TRANSFER'"),
    ),
    Index("transactions_user_idx", "bucket", "user_id", "created_at", "id"),
    Index(
        "transactions_unposted_idx",
        "bucket",
        "user_id",
        postgresql_where=text("NOT is_posted"),
    ),
    info=of_people(KEPT),
)


# Whose money a wallet's settled coins are, and what of each has been earned (decision 52).
wallet_funds = Table(
    "wallet_funds",
    metadata,
    bucket(),
    Column("user_id", BigInteger, nullable=False),
    Column("funding", Text, nullable=False),
    Column("balance", BigInteger, nullable=False),
    Column("earned", BigInteger, nullable=False),
    PrimaryKeyConstraint("bucket", "user_id", "funding", name="wallet_funds_pkey"),
    of_user("wallet_funds"),
    CheckConstraint("balance >= 0", name="wallet_funds_never_negative"),
    postgresql_with={"fillfactor": "75"},
    info=of_people(KEPT),
)


# What stands for a row of the ledger that names no funding, or that the door did not write.
entry_parts = Table(
    "entry_parts",
    metadata,
    bucket(),
    Column("user_id", BigInteger, nullable=False),
    Column("entry_id", Uuid, nullable=False),
    Column("funding", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    PrimaryKeyConstraint("bucket", "user_id", "entry_id", "funding", name="entry_parts_pkey"),
    ForeignKeyConstraint(
        ["bucket", "entry_id"],
        ["transactions.bucket", "transactions.id"],
        name="entry_parts_entry_fkey",
    ),
    CheckConstraint("amount > 0", name="entry_parts_amount_positive"),
    info=of_people(KEPT),
)


# What left a wallet on a day of its allowance: until its account is proven, so much and no more.
spent_days = Table(
    "spent_days",
    metadata,
    bucket(),
    Column("user_id", BigInteger, nullable=False),
    Column("day", Date, nullable=False),
    Column("amount_micro", BigInteger, nullable=False),
    PrimaryKeyConstraint("bucket", "user_id", "day", name="spent_days_pkey"),
    of_user("spent_days"),
    CheckConstraint("amount_micro > 0", name="spent_days_amount_positive"),
    info=of_people(KEPT),
)
