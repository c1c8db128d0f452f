"""Who is about to register, and codes for addresses that may be nobody's.

Neither belongs to a user, so that neither tells whether there is one; each is keyed by a value of
its own. Both are good for an hour at most, and deleted
within the next.
"""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)

from models.base.columns import BRIEF, instant, metadata, naming, one_of

registrations = Table(
    "registrations",
    metadata,
    Column("id", LargeBinary, nullable=False),  # SHA-256 of the ticket
    Column("kind", Text, nullable=False),
    Column("identity", Text, nullable=False),  # a blind index
    Column("address", Text, nullable=False),  # sealed
    Column("password_hash", Text, nullable=False),
    Column("language", Text, nullable=False),
    naming("referred_by", BRIEF, nullable=True),
    Column("attempts", SmallInteger, nullable=False),
    Column("messages", SmallInteger, nullable=False),
    instant("expires_at"),
    # Of the account that it became, for who lost the answer.
    naming("user_id", BRIEF, nullable=True),
    Column("code_hash", LargeBinary),
    PrimaryKeyConstraint("id", name="registrations_pkey"),
    one_of("registrations", "kind", "email", "phone"),
    one_of("registrations", "language", "en", "ar"),
    CheckConstraint("attempts >= 0", name="registrations_attempts_not_negative"),
    CheckConstraint("messages >= 0", name="registrations_messages_not_negative"),
    CheckConstraint(
        "(user_id IS NULL) = (code_hash IS NULL)", name="registrations_confirmed_by_a_code"
    ),
    Index("registrations_expiry", "expires_at"),
)

address_codes = Table(
    "address_codes",
    metadata,
    Column("value", Text, nullable=False),  # a blind index
    Column("purpose", Text, nullable=False),
    Column("code_hash", LargeBinary, nullable=False),
    Column("attempts", SmallInteger, nullable=False),  # counted by the release before alone
    instant("sent_at"),
    instant("expires_at"),
    PrimaryKeyConstraint("value", "purpose", name="address_codes_pkey"),
    one_of("address_codes", "purpose", "REGISTER", "RESET"),
    CheckConstraint("attempts >= 0", name="address_codes_attempts_not_negative"),
    Index("address_codes_expiry", "expires_at"),
)
