"""Who people are and what they own."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from models.base.columns import (
    DELETED,
    ENTRANCE,
    KEPT,
    bucket,
    instant,
    metadata,
    of_people,
    of_user,
    one_of,
)

users = Table(
    "users",
    metadata,
    bucket(),
    Column("id", BigInteger, nullable=False, autoincrement=False),
    Column("group_number", SmallInteger, nullable=False),
    Column("email", Text),  # sealed, like phone and display_name
    Column("phone", Text),
    Column("password_hash", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("role", Text, nullable=False, server_default="user"),
    Column("version", BigInteger, nullable=False),
    instant("created_at"),
    instant("last_login_at", nullable=True),
    instant("closed_at", nullable=True),
    # When its owner has proved to read what is sent to its address; nothing is earned before.
    instant("verified_at", nullable=True),
    Column("display_name", Text),
    Column("country", Text),
    Column("language", Text, nullable=False, server_default=text("'en'")),
    Column("referred_by", BigInteger),
    # No features of devices and addresses are computed for whoever said so.
    Column("tracking_opt_out", Boolean, nullable=False, server_default=text("false")),
    Column("hold", Text),  # what keeps it from starting anything, until then
    instant("hold_until", nullable=True),
    PrimaryKeyConstraint("bucket", "id", name="users_pkey"),
    CheckConstraint("bucket = id % 64", name="users_bucket_of_id"),
    CheckConstraint("group_number BETWEEN 1 AND 10", name="users_group_number_range"),
    one_of("users", "role", "user", "vip", "moderator", "admin", "superadmin"),
    Index("users_with_role", "bucket", "role", "id", postgresql_where=text("role <> 'user'")),
    CheckConstraint(
        "email IS NOT NULL OR phone IS NOT NULL OR closed_at IS NOT NULL", name="users_reachable"
    ),
    CheckConstraint("closed_at IS NULL OR NOT is_active", name="users_closed_is_inactive"),
    CheckConstraint("country ~ '^[A-Z]{2}$'", name="users_country_iso"),
    CheckConstraint("referred_by <> id", name="users_not_referred_by_self"),
    one_of("users", "language", "en", "ar"),
    one_of(
        "users",
        "hold",
        "COOLDOWN",
        "CAPTCHA",
        "VERIFICATION",
        "REAUTHENTICATION",
        "SUSPENDED",
    ),
    CheckConstraint("(hold IS NULL) = (hold_until IS NULL)", name="users_hold_ends"),
    Index("users_created_idx", "bucket", "created_at"),
    Index("users_group_number_idx", "bucket", "group_number", "id"),
    # Room on the page for the next version, so that counting a change touches no index.
    postgresql_with={"fillfactor": "75"},
    info=of_people(
        "email = NULL, phone = NULL, password_hash = '', display_name = NULL, country = NULL",
        {"password_hash": ENTRANCE},
    ),
)

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
    # Of a transfer that takes coins of several fundings, counted from 0: a repeat meets the first.
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
    one_of("transactions", "type", "MINING", "BOOST", "TASK", "BONUS", "WITHDRAWAL", "ADJUSTMENT"),
    CheckConstraint(
        "(type = 'ADJUSTMENT') = ('treasury:adjustment' IN (from_account, to_account))",
        name="transactions_adjustment_accounts",
    ),
    Index("transactions_created_idx", "bucket", "created_at"),
    Index(
        "transactions_by_hand_idx",
        "bucket",
        "created_at",
        postgresql_where=text("type IN ('WITHDRAWAL', 'ADJUSTMENT')"),
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

# What left a wallet on a UTC day: until its account is proven, so much and no more (decision 0047).
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

group_sizes = Table(
    "group_sizes",
    metadata,
    bucket(),
    Column("group_number", SmallInteger, nullable=False),
    Column("member_count", BigInteger, nullable=False),
    PrimaryKeyConstraint("bucket", "group_number", name="group_sizes_pkey"),
    CheckConstraint("member_count >= 0", name="group_sizes_not_negative"),
)

notifications = Table(
    "notifications",
    metadata,
    bucket(),
    Column("id", Uuid, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("params", JSONB, nullable=False),
    instant("created_at"),
    instant("read_at", nullable=True),
    instant("push_due_at", nullable=True),  # NULL: no phone to tell, or told
    Column("push_attempts", SmallInteger, nullable=False),
    Column("push_told", LargeBinary),  # the ids of the phones that were told, one after the other
    PrimaryKeyConstraint("bucket", "id", name="notifications_pkey"),
    of_user("notifications"),
    Index("notifications_user_idx", "bucket", "user_id", "created_at", "id"),
    Index(
        "notifications_push_due",
        "bucket",
        "push_due_at",
        postgresql_where=text("push_due_at IS NOT NULL"),
    ),
    Index("notifications_created_idx", "bucket", "created_at"),
    info=of_people(DELETED),
)

devices = Table(
    "devices",
    metadata,
    bucket(),
    Column("id", LargeBinary, nullable=False),  # SHA-256 of the token
    Column("user_id", BigInteger, nullable=False),
    Column("token", Text, nullable=False),
    Column("platform", Text, nullable=False),
    Column("language", Text, nullable=False),
    instant("seen_at"),
    PrimaryKeyConstraint("bucket", "id", name="devices_pkey"),
    of_user("devices"),
    one_of("devices", "platform", "ANDROID", "IOS", "WEB"),
    one_of("devices", "language", "en", "ar"),
    Index("devices_user_idx", "bucket", "user_id"),
    info=of_people(DELETED, {"token": ENTRANCE}),
)
