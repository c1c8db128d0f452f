"""Reference tables: small, shared by all buckets."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from models.base.columns import FREED, instant, metadata, naming, one_of

settings = Table(
    "settings",
    metadata,
    Column("name", Text, nullable=False),
    Column("value", JSONB, nullable=False),
    instant("updated_at"),
    PrimaryKeyConstraint("name", name="settings_pkey"),
)

user_groups = Table(
    "user_groups",
    metadata,
    Column("group_number", SmallInteger, nullable=False, autoincrement=False),
    Column("mining_schedule", JSONB, nullable=False),
    instant("created_at"),
    instant("updated_at"),
    PrimaryKeyConstraint("group_number", name="user_groups_pkey"),
    CheckConstraint("group_number BETWEEN 1 AND 10", name="user_groups_number_range"),
)

ads = Table(
    "ads",
    metadata,
    Column("id", Integer, nullable=False, autoincrement=False),
    Column("network", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("former_units", JSONB, nullable=False),  # whose callbacks may still be on their way
    Column("type", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("min_seconds", SmallInteger, nullable=False),
    Column("proof", Text, nullable=False),
    Column("weight", SmallInteger, nullable=False),
    Column("fallback_rank", SmallInteger, nullable=False),
    Column("requests_per_minute", Integer),  # NULL: as many as there are
    Column("revenue_micro_usd", BigInteger, nullable=False),
    Column("is_active", Boolean, nullable=False),
    PrimaryKeyConstraint("id", name="ads_pkey"),
    UniqueConstraint("network", "unit", name="ads_network_unit_key"),
    CheckConstraint("min_seconds BETWEEN 1 AND 600", name="ads_min_seconds_range"),
    CheckConstraint("weight >= 0", name="ads_weight_range"),
    one_of("ads", "type", "VIDEO", "INTERSTITIAL", "REWARDED"),
    CheckConstraint("requests_per_minute > 0", name="ads_requests_range"),
    CheckConstraint("revenue_micro_usd >= 0", name="ads_revenue_range"),
    one_of("ads", "purpose", "MINING", "TASK"),
    one_of("ads", "proof", "CLIENT_TIMED", "NETWORK_SIGNED", "BOTH"),
)

# How many requests of a capped unit a minute has had, over all buckets.
ad_requests = Table(
    "ad_requests",
    metadata,
    Column("ad_id", Integer, nullable=False),
    instant("minute"),
    Column("granted", Integer, nullable=False),
    PrimaryKeyConstraint("ad_id", "minute", name="ad_requests_pkey"),
    CheckConstraint("granted >= 0", name="ad_requests_range"),
)

days = Table(
    "days",
    metadata,
    Column("day", Date, nullable=False),
    Column("catalogue", JSONB, nullable=False),
    instant("opened_at"),
    PrimaryKeyConstraint("day", name="days_pkey"),
)

# What must be unique over all users has its own table, keyed by that value (decision 0009).
identities = Table(
    "identities",
    metadata,
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),  # a blind index
    naming("user_id", FREED),
    instant("created_at"),
    PrimaryKeyConstraint("kind", "value", name="identities_pkey"),
    one_of("identities", "kind", "email", "phone"),
    Index("identities_user_idx", "user_id"),
)

# Beside the addresses the mailboxes that they reach: one account each (decision 0044).
mailboxes = Table(
    "mailboxes",
    metadata,
    Column("value", Text, nullable=False),  # a blind index
    naming("user_id", FREED),
    instant("claimed_at"),
    PrimaryKeyConstraint("value", name="mailboxes_pkey"),
    Index("mailboxes_user_idx", "user_id"),
)

# A phone that changes hands must not tell its former owner's news: whose a token is now.
device_owners = Table(
    "device_owners",
    metadata,
    Column("id", LargeBinary, nullable=False),  # SHA-256 of the token
    naming("user_id", FREED),
    instant("claimed_at"),
    PrimaryKeyConstraint("id", name="device_owners_pkey"),
)
