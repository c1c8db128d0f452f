"""Who people are."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)

from models.base.columns import (
    ENTRANCE,
    NUMBER,
    bucket,
    instant,
    metadata,
    naming,
    of_people,
    one_of,
    sealed,
)

users = Table(
    "users",
    metadata,
    bucket(),
    Column("id", BigInteger, nullable=False, autoincrement=False),
    Column("group_number", SmallInteger, nullable=False),
    Column("email", Text),
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
    naming("referred_by", NUMBER, nullable=True),
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
        "email = NULL, phone = NULL, password_hash = '', display_name = NULL, country = NULL, "
        "referred_by = NULL",
        {"password_hash": ENTRANCE},
    )
    | sealed("email", "phone", "display_name"),
)
