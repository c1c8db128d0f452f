"""The staff and their lines, roles proposed and approved, and what is credited by hand a day."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from models.migrations.helpers import distribute, reference

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Who has a role that approves keeps it, in the line that the trail tells of."""
    _create_staff()
    _fill_staff()
    _create_proposals()
    op.create_table(
        "credits_by_hand",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount_micro", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", name="credits_by_hand_pkey"),
        sa.CheckConstraint("amount_micro BETWEEN 1 AND 10000000000", name="credits_by_hand_range"),
    )
    reference("credits_by_hand")
    for name, rule in _ADJUSTMENT_RULES.items():
        op.drop_constraint(name, "adjustments")
        op.create_check_constraint(name, "adjustments", rule)
    op.create_index(
        "adjustments_open",
        "adjustments",
        ["bucket", "proposed_at"],
        postgresql_where=sa.text("status = 'PROPOSED'"),
    )
    op.create_index(
        "adjustments_applied_idx",
        "adjustments",
        ["bucket", "applied_at"],
        postgresql_where=sa.text("status = 'APPLIED'"),
    )


def _create_staff() -> None:
    op.create_table(
        "staff",
        sa.Column("user_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("granted_by", sa.BigInteger(), nullable=True),
        sa.Column("approved_by", sa.BigInteger(), nullable=True),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("line", ARRAY(sa.BigInteger()), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="staff_pkey"),
        *(sa.CheckConstraint(rule, name=f"staff_{name}") for name, rule in _STAFF_RULES.items()),
    )
    reference("staff")


def _fill_staff() -> None:
    connection = op.get_bind()
    people = connection.execute(
        sa.text(
            "SELECT id, role, is_active, created_at FROM users"
            " WHERE role IN ('admin', 'superadmin')"
        )
    ).all()
    granted = connection.execute(
        sa.text(
            "SELECT subject_id, actor_id, created_at FROM admin_log"
            " WHERE action = 'user.role' AND subject_kind = 'user'"
            " AND after ->> 'role' IN ('admin', 'superadmin') ORDER BY created_at, id"
        )
    ).all()
    last = {int(row.subject_id): row for row in granted}
    for person in people:
        line = _line(person.id, last)
        grant = last.get(person.id)
        connection.execute(
            sa.text(
                "INSERT INTO staff (user_id, role, is_active, granted_by, granted_at, line)"
                " VALUES (:user_id, :role, :is_active, :granted_by, :granted_at,"
                " CAST(:line AS bigint[]))"
            ),
            {
                "user_id": person.id,
                "role": person.role,
                "is_active": person.is_active,
                "granted_by": line[-2] if len(line) > 1 else None,
                "granted_at": grant.created_at if grant else person.created_at,
                "line": line,
            },
        )


def _line(user_id: int, last: Mapping[int, Any]) -> Sequence[int]:
    """From whom the command line named to the user, by who gave the last role to whom."""
    line = [user_id]
    while (grant := last.get(line[0])) and grant.actor_id and grant.actor_id not in line:
        line.insert(0, grant.actor_id)
    return line


def _create_proposals() -> None:
    op.create_table(
        "role_proposals",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("proposer_id", sa.BigInteger(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decider_id", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("bucket", "id", name="role_proposals_pkey"),
        sa.ForeignKeyConstraint(
            ["bucket", "user_id"], ["users.bucket", "users.id"], name="role_proposals_user_id_fkey"
        ),
        *(
            sa.CheckConstraint(rule, name=f"role_proposals_{name}")
            for name, rule in _PROPOSAL_RULES.items()
        ),
    )
    distribute("role_proposals")
    op.create_index(
        "role_proposals_one_open",
        "role_proposals",
        ["bucket", "user_id"],
        unique=True,
        postgresql_where=sa.text("status = 'PROPOSED'"),
    )
    op.create_index(
        "role_proposals_proposed_idx", "role_proposals", ["bucket", "proposed_at", "id"]
    )


_STAFF_RULES = {
    "role_known": "role IN ('admin', 'superadmin')",
    "line_ends_here": "line[cardinality(line)] = user_id",
    "line_begins": "(granted_by IS NULL) = (cardinality(line) = 1)",
    "line_of_granter": "granted_by = ANY(line)",
    "not_by_oneself": "granted_by <> user_id",
    "by_two": "approved_by <> granted_by",
    "proposed_first": "approved_by IS NULL OR granted_by IS NOT NULL",
}
_PROPOSAL_RULES = {
    "role_known": "role IN ('admin', 'superadmin')",
    "status_known": "status IN ('PROPOSED', 'GRANTED', 'REJECTED', 'LAPSED')",
    "expiry": "expires_at > proposed_at",
    "decided": "(status IN ('PROPOSED', 'LAPSED')) = (decided_at IS NULL)",
    "decider_named": "(decided_at IS NULL) = (decider_id IS NULL)",
    "lapsed": "(status = 'LAPSED') = (failure IS NOT NULL)",
    "four_eyes": "status <> 'GRANTED' OR decider_id <> proposer_id",
    "not_ones_own": "proposer_id <> user_id",
    "not_for_oneself": "decider_id <> user_id",
    "approved_in_time": "status <> 'GRANTED' OR decided_at < expires_at",
}
_ADJUSTMENT_RULES = {
    "adjustments_status_known": (
        "status IN ('PROPOSED', 'LAPSED', 'APPROVED', 'REJECTED', 'APPLIED', 'REFUSED')"
    ),
    "adjustments_decided": "(status IN ('PROPOSED', 'LAPSED')) = (decided_at IS NULL)",
    "adjustments_refused": "(status IN ('REFUSED', 'LAPSED')) = (failure IS NOT NULL)",
}
