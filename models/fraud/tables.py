"""What is remembered against fraud: trails, fingerprints of devices, lists of addresses."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from models.base.columns import (
    DELETED,
    FREED,
    NUMBER,
    bucket,
    instant,
    metadata,
    naming,
    of_people,
    of_user,
    one_of,
)

# One row a user, written with every batch: room on the page, and no index but the key.
fraud_trails = Table(
    "fraud_trails",
    metadata,
    bucket(),
    Column("user_id", BigInteger, nullable=False),
    Column("level", SmallInteger, nullable=False),
    instant("raised_at", nullable=True),
    instant("acted_at", nullable=True),
    instant("seen_at", nullable=True),
    Column("session_id", Uuid),
    Column("ip_address", Text),
    Column("latitude", Float),
    Column("longitude", Float),
    instant("placed_at", nullable=True),
    instant("trusted_until", nullable=True),
    Column("blind_count", SmallInteger),  # wrong answers that nobody can have read
    instant("blind_at", nullable=True),
    PrimaryKeyConstraint("bucket", "user_id", name="fraud_trails_pkey"),
    of_user("fraud_trails"),
    CheckConstraint("level BETWEEN 0 AND 4", name="fraud_trails_level_range"),
    CheckConstraint(
        "(latitude IS NULL) = (longitude IS NULL) AND (latitude IS NULL) = (placed_at IS NULL)",
        name="fraud_trails_place_whole",
    ),
    postgresql_with={"fillfactor": "75"},
    info=of_people(DELETED),
)

# Which accounts a device has been seen with: unique over all users, so keyed by its own value.
fingerprints = Table(
    "fingerprints",
    metadata,
    Column("fingerprint", LargeBinary, nullable=False),
    naming("user_id", FREED),
    instant("seen_at"),
    instant("flagged_at", nullable=True),
    instant("came_at", nullable=True),  # of before it was kept: first
    PrimaryKeyConstraint("fingerprint", "user_id", name="fingerprints_pkey"),
    Index("fingerprints_user_idx", "user_id"),
    Index("fingerprints_seen_idx", "seen_at"),
)

# What a closed account was held by, found by what its owner would come back with.
bans = Table(
    "bans",
    metadata,
    Column("value", Text, nullable=False),  # a blind index of a mailbox or number, or a device
    naming("user_id", NUMBER),
    Column("level", SmallInteger, nullable=False),
    instant("raised_at", nullable=True),
    Column("hold", Text),
    instant("hold_until", nullable=True),
    instant("expires_at"),
    PrimaryKeyConstraint("value", "user_id", name="bans_pkey"),
    CheckConstraint("level BETWEEN 0 AND 4", name="bans_level_range"),
    CheckConstraint("(hold IS NULL) = (hold_until IS NULL)", name="bans_hold_ends"),
    Index("bans_expiry", "expires_at"),
)

ip_lists = Table(
    "ip_lists",
    metadata,
    Column("kind", Text, nullable=False),
    Column("networks", Text, nullable=False),  # one a line
    Column("source", Text, nullable=False),
    instant("fetched_at"),
    PrimaryKeyConstraint("kind", name="ip_lists_pkey"),
    one_of("ip_lists", "kind", "VPN", "DATACENTRE", "TOR", "BANNED"),
)
