"""Changes of e-mail addresses and phone numbers, and the codes that they ask for."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from models.migrations.helpers import distribute

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_OPEN = "status IN ('REQUESTED', 'PROPOSED', 'WAITING', 'APPLIED')"
_RULES = {
    "kind_known": "kind IN ('email', 'phone')",
    "status_known": "status IN ('REQUESTED', 'PROPOSED', 'WAITING', 'APPLIED', 'FINISHED', 'CANCELLED', 'REVERTED', 'EXPIRED', 'REJECTED')",
    "kept_while_open": f"({_OPEN}) = (COALESCE(new_email, new_phone) IS NOT NULL)",
    "ended": f"({_OPEN}) = (ended_at IS NULL)",
    "effective": "status NOT IN ('WAITING', 'APPLIED') OR effective_at IS NOT NULL",
    "applied": "status <> 'APPLIED' OR applied_at IS NOT NULL AND back_until IS NOT NULL",
    "decider_named": "(decided_at IS NULL) = (decider_id IS NULL)",
    "four_eyes": "proposer_id IS NULL OR decider_id <> proposer_id OR status = 'REJECTED'",
    "not_ones_own": "proposer_id <> user_id",
    "not_for_oneself": "decider_id <> user_id",
}


def upgrade() -> None:
    """Nobody is changing anything yet. An older release sends no code for it."""
    op.drop_constraint("codes_purpose_known", "codes", type_="check")
    op.create_check_constraint(
        "codes_purpose_known",
        "codes",
        "purpose IN ('VERIFY', 'RESET', 'SIGN_IN', 'NEW_ADDRESS', 'OLD_ADDRESS')",
    )
    op.create_table(
        "contact_changes",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("kind", "status")),
        *(
            sa.Column(f"{age}_{name}", sa.Text(), nullable=True)
            for age, name in (
                *(("new", "email"), ("new", "phone"), ("old", "email"), ("old", "phone")),
                *(("new", "identity"), ("new", "mailbox"), ("old", "identity"), ("old", "mailbox")),
            )
        ),
        sa.Column("sign_in_id", sa.Uuid(), nullable=True),
        _instant("requested_at", nullable=False),
        *(_instant(name) for name in ("effective_at", "applied_at", "back_until", "ended_at")),
        sa.Column("proposer_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decider_id", sa.BigInteger(), nullable=True),
        _instant("decided_at"),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("bucket", "id", name="contact_changes_pkey"),
        sa.ForeignKeyConstraint(
            ["bucket", "user_id"],
            ["users.bucket", "users.id"],
            name="contact_changes_user_id_fkey",
        ),
        *(
            sa.CheckConstraint(rule, name=f"contact_changes_{name}")
            for name, rule in _RULES.items()
        ),
    )
    distribute("contact_changes")
    op.create_index(
        "contact_changes_open",
        "contact_changes",
        ["bucket", "user_id"],
        unique=True,
        postgresql_where=sa.text(_OPEN),
    )
    op.create_index(
        "contact_changes_unreleased",
        "contact_changes",
        ["bucket", "user_id"],
        postgresql_where=sa.text("ended_at IS NOT NULL AND new_identity IS NOT NULL"),
    )
    op.create_index(
        "contact_changes_requested_idx", "contact_changes", ["bucket", "requested_at", "id"]
    )
    op.create_index(
        "contact_changes_user_idx", "contact_changes", ["bucket", "user_id", "requested_at"]
    )


def _instant(name: str, *, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
