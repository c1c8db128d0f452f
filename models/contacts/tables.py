"""Changes of an e-mail address or a phone number, with the way back (decision 0044)."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)

from models.base.columns import (
    DELETED,
    STAFF,
    bucket,
    instant,
    metadata,
    naming,
    of_people,
    of_user,
    one_of,
    sealed,
)

# While one of these, the change may still take effect, or be taken back: one at a time.
_OPEN = "status IN ('REQUESTED', 'PROPOSED', 'WAITING', 'APPLIED')"

# Addresses are sealed as the user's own column is, so that taking effect is a copy; they are kept
# while the change is open. Identities and mailboxes are blind indexes, to be given up by.
contact_changes = Table(
    "contact_changes",
    metadata,
    bucket(),
    Column("id", Uuid, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("new_email", Text),
    Column("new_phone", Text),
    Column("old_email", Text),
    Column("old_phone", Text),
    Column("new_identity", Text),
    Column("new_mailbox", Text),
    Column("old_identity", Text),
    Column("old_mailbox", Text),
    Column("sign_in_id", Uuid),  # the one that stays when it takes effect
    instant("requested_at"),
    instant("effective_at", nullable=True),
    instant("applied_at", nullable=True),
    instant("back_until", nullable=True),
    instant("ended_at", nullable=True),
    naming("proposer_id", STAFF, nullable=True),
    Column("reason", Text),
    naming("decider_id", STAFF, nullable=True),
    instant("decided_at", nullable=True),
    Column("note", Text),
    PrimaryKeyConstraint("bucket", "id", name="contact_changes_pkey"),
    of_user("contact_changes"),
    one_of("contact_changes", "kind", "email", "phone"),
    one_of(
        "contact_changes",
        "status",
        "REQUESTED",
        "PROPOSED",
        "WAITING",
        "APPLIED",
        "FINISHED",
        "CANCELLED",
        "REVERTED",
        "EXPIRED",
        "REJECTED",
    ),
    CheckConstraint(
        f"({_OPEN}) = (COALESCE(new_email, new_phone) IS NOT NULL)",
        name="contact_changes_kept_while_open",
    ),
    CheckConstraint(f"({_OPEN}) = (ended_at IS NULL)", name="contact_changes_ended"),
    CheckConstraint(
        "status NOT IN ('WAITING', 'APPLIED') OR effective_at IS NOT NULL",
        name="contact_changes_effective",
    ),
    CheckConstraint(
        "status <> 'APPLIED' OR applied_at IS NOT NULL AND back_until IS NOT NULL",
        name="contact_changes_applied",
    ),
    CheckConstraint(
        "(decided_at IS NULL) = (decider_id IS NULL)", name="contact_changes_decider_named"
    ),
    # Four eyes, neither pair the account's owner's. One's own proposal may be withdrawn.
    CheckConstraint(
        "proposer_id IS NULL OR decider_id <> proposer_id OR status = 'REJECTED'",
        name="contact_changes_four_eyes",
    ),
    CheckConstraint("proposer_id <> user_id", name="contact_changes_not_ones_own"),
    CheckConstraint("decider_id <> user_id", name="contact_changes_not_for_oneself"),
    Index(
        "contact_changes_open",
        "bucket",
        "user_id",
        unique=True,
        postgresql_where=text(_OPEN),
    ),
    # What has ended and was not yet left to others.
    Index(
        "contact_changes_unreleased",
        "bucket",
        "user_id",
        postgresql_where=text("ended_at IS NOT NULL AND new_identity IS NOT NULL"),
    ),
    Index("contact_changes_requested_idx", "bucket", "requested_at", "id"),
    Index("contact_changes_user_idx", "bucket", "user_id", "requested_at"),
    info=of_people(DELETED) | sealed("new_email", "new_phone", "old_email", "old_phone"),
)
