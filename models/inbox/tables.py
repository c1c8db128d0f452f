"""What members are told, and the phones on which."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from models.base.columns import (
    DELETED,
    ENTRANCE,
    bucket,
    instant,
    metadata,
    of_people,
    of_user,
    one_of,
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
    # Of the release before, which told phones by these; now an errand does (decision 0054).
    instant("push_due_at", nullable=True),
    Column("push_attempts", SmallInteger, nullable=False, server_default=text("0")),
    Column("push_told", LargeBinary),
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
