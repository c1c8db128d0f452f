"""How people sign in: codes, second factors, and the sign-ins of their devices (decision 0027)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from models.base.columns import (
    DELETED,
    ENTRANCE,
    bucket,
    instant,
    metadata,
    of_people,
    of_user,
    one_of,
    sealed,
)

# One per device: a family of refresh tokens, each the successor of another.
sign_ins = Table(
    "sign_ins",
    metadata,
    bucket(),
    Column("id", Uuid, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("user_agent", Text, nullable=False),
    Column("ip_address", Text),
    instant("created_at"),
    instant("seen_at"),
    instant("expires_at"),
    instant("revoked_at", nullable=True),
    PrimaryKeyConstraint("bucket", "id", name="sign_ins_pkey"),
    of_user("sign_ins"),
    Index("sign_ins_user_idx", "bucket", "user_id"),
    Index("sign_ins_expiry", "bucket", "expires_at"),
    info=of_people(DELETED),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    bucket(),
    Column("token_hash", LargeBinary, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("family_id", Uuid, nullable=False),
    instant("created_at"),
    instant("expires_at"),
    instant("rotated_at", nullable=True),
    PrimaryKeyConstraint("bucket", "token_hash", name="refresh_tokens_pkey"),
    of_user("refresh_tokens"),
    Index("refresh_tokens_family_idx", "bucket", "family_id"),
    Index("refresh_tokens_expiry", "bucket", "expires_at"),
    info=of_people(DELETED, {"token_hash": ENTRANCE}),
)

# Guesses at passwords and codes, by what they are at and where they are made, or over all.
guesses = Table(
    "guesses",
    metadata,
    Column("key", LargeBinary, nullable=False),  # a keyed digest
    Column("made", Integer, nullable=False),
    instant("since"),
    PrimaryKeyConstraint("key", name="guesses_pkey"),
    CheckConstraint("made >= 0", name="guesses_made_not_negative"),
    Index("guesses_since_idx", "since"),
)

# Six digits that were sent, one per purpose; the next takes the place of the one before.
codes = Table(
    "codes",
    metadata,
    bucket(),
    Column("user_id", BigInteger, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("code_hash", LargeBinary, nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    instant("sent_at"),
    instant("expires_at"),
    PrimaryKeyConstraint("bucket", "user_id", "purpose", name="codes_pkey"),
    of_user("codes"),
    one_of("codes", "purpose", "VERIFY", "RESET", "SIGN_IN", "NEW_ADDRESS", "OLD_ADDRESS"),
    CheckConstraint("attempts >= 0", name="codes_attempts_not_negative"),
    info=of_people(DELETED, {"code_hash": ENTRANCE}),
)

second_factors = Table(
    "second_factors",
    metadata,
    bucket(),
    Column("user_id", BigInteger, nullable=False),
    Column("totp_secret", Text),
    instant("totp_confirmed_at", nullable=True),
    Column("totp_last_step", BigInteger, nullable=False),
    Column("sends_codes", Boolean, nullable=False),
    Column("failures", SmallInteger, nullable=False),
    instant("locked_until", nullable=True),
    PrimaryKeyConstraint("bucket", "user_id", name="second_factors_pkey"),
    of_user("second_factors"),
    CheckConstraint(
        "totp_confirmed_at IS NULL OR totp_secret IS NOT NULL", name="second_factors_totp_whole"
    ),
    info=of_people(DELETED, {"totp_secret": ENTRANCE}) | sealed("totp_secret"),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    bucket(),
    Column("user_id", BigInteger, nullable=False),
    Column("code_hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("bucket", "user_id", "code_hash", name="recovery_codes_pkey"),
    of_user("recovery_codes"),
    info=of_people(DELETED, {"code_hash": ENTRANCE}),
)
