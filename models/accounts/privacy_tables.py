"""What people have agreed to, and who is to be forgotten (decision 0025)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)

from models.base.columns import DELETED, KEPT, bucket, instant, metadata, of_people, of_user, one_of

# Every change is a row: what holds is the latest.
consents = Table(
    "consents",
    metadata,
    bucket(),
    Column("user_id", BigInteger, nullable=False),
    Column("purpose", Text, nullable=False),
    instant("changed_at"),
    Column("granted", Boolean, nullable=False),
    Column("policy_version", SmallInteger, nullable=False),
    PrimaryKeyConstraint("bucket", "user_id", "purpose", "changed_at", name="consents_pkey"),
    of_user("consents"),
    one_of("consents", "purpose", "TRACKING", "MARKETING"),
    info=of_people(DELETED),
)

erasures = Table(
    "erasures",
    metadata,
    bucket(),
    Column("user_id", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    instant("requested_at"),
    instant("erased_at", nullable=True),
    PrimaryKeyConstraint("bucket", "user_id", name="erasures_pkey"),
    of_user("erasures"),
    one_of("erasures", "reason", "REQUESTED", "INACTIVE"),
    Index("erasures_due", "bucket", "requested_at", postgresql_where=text("erased_at IS NULL")),
    info=of_people(KEPT),
)
