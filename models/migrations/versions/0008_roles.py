"""Roles, the trail of what administrators do, versions of the configuration, adjustments."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from models.migrations.helpers import append_only, distribute, reference

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Everybody is a user; boosts of a day may be more than three; the ledger knows adjustments."""
    op.add_column("users", sa.Column("role", sa.Text(), nullable=False, server_default="user"))
    op.create_check_constraint(
        "users_role_known", "users", "role IN ('user', 'vip', 'moderator', 'admin', 'superadmin')"
    )
    op.create_index(
        "users_with_role",
        "users",
        ["bucket", "role", "id"],
        postgresql_where=sa.text("role <> 'user'"),
    )
    op.drop_constraint("boosts_three_a_day", "boosts", type_="check")
    op.create_check_constraint("boosts_slot_range", "boosts", "slot BETWEEN 1 AND 20")
    op.drop_constraint("transactions_type_known", "transactions", type_="check")
    op.create_check_constraint(
        "transactions_type_known",
        "transactions",
        "type IN ('MINING', 'BOOST', 'TASK', 'BONUS', 'WITHDRAWAL', 'ADJUSTMENT')",
    )
    op.create_check_constraint(
        "transactions_adjustment_accounts",
        "transactions",
        "(type = 'ADJUSTMENT') = ('treasury:adjustment' IN (from_account, to_account))",
    )
    _create_admin_log()
    _create_configuration()
    _create_adjustments()


def _instant(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _create_admin_log() -> None:
    op.create_table(
        "admin_log",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_role", sa.Text(), nullable=False),
        sa.Column("ip_address", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("before", JSONB(), nullable=False),
        sa.Column("after", JSONB(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        _instant("created_at"),
        sa.PrimaryKeyConstraint("bucket", "id", name="admin_log_pkey"),
    )
    distribute("admin_log")
    op.create_index("admin_log_created_idx", "admin_log", ["bucket", "created_at", "id"])
    append_only("admin_log")


def _create_configuration() -> None:
    op.create_table(
        "configuration_versions",
        sa.Column("version", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("settings", JSONB(), nullable=False),
        sa.Column("changed", JSONB(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        _instant("created_at"),
        _instant("effective_from"),
        sa.PrimaryKeyConstraint("version", name="configuration_versions_pkey"),
        sa.CheckConstraint("version >= 1", name="configuration_versions_from_one"),
        sa.CheckConstraint(
            "(version = 1) = (author_id IS NULL)", name="configuration_versions_author"
        ),
        sa.CheckConstraint(
            "version = 1 OR effective_from >= created_at + interval '5 minutes'",
            name="configuration_versions_ahead",
        ),
    )
    reference("configuration_versions")
    append_only("configuration_versions")


def _create_adjustments() -> None:
    op.create_table(
        "adjustments",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("amount_micro", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("proposer_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        _instant("proposed_at"),
        _instant("expires_at"),
        sa.Column("decider_id", sa.BigInteger(), nullable=True),
        _instant("decided_at", nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        _instant("applied_at", nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("bucket", "id", name="adjustments_pkey"),
        sa.ForeignKeyConstraint(
            ["bucket", "user_id"], ["users.bucket", "users.id"], name="adjustments_user_id_fkey"
        ),
        sa.UniqueConstraint("bucket", "proposer_id", "key", name="adjustments_key"),
        *(
            sa.CheckConstraint(rule, name=f"adjustments_{name}")
            for name, rule in _ADJUSTMENT_RULES.items()
        ),
    )
    distribute("adjustments")
    op.create_index("adjustments_proposed_idx", "adjustments", ["bucket", "proposed_at", "id"])
    op.create_index("adjustments_user_idx", "adjustments", ["bucket", "user_id", "proposed_at"])


_ADJUSTMENT_RULES = {
    "direction_known": "direction IN ('CREDIT', 'DEBIT')",
    "status_known": "status IN ('PROPOSED', 'APPROVED', 'REJECTED', 'APPLIED', 'REFUSED')",
    "amount_range": "amount_micro BETWEEN 1 AND 1000000000000",
    "expiry": "expires_at > proposed_at",
    "decided": "(status = 'PROPOSED') = (decided_at IS NULL)",
    "decider_named": "(decided_at IS NULL) = (decider_id IS NULL)",
    "four_eyes": "status IN ('PROPOSED', 'REJECTED') OR decider_id <> proposer_id",
    "not_ones_own": "proposer_id <> user_id",
    "not_for_oneself": "decider_id <> user_id",
    "approved_in_time": "status IN ('PROPOSED', 'REJECTED') OR decided_at < expires_at",
    "applied": "(status = 'APPLIED') = (applied_at IS NOT NULL)",
    "refused": "(status = 'REFUSED') = (failure IS NOT NULL)",
}
