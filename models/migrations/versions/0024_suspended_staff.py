"""Until when somebody of the staff is suspended."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Who is suspended is so as staff, too."""
    op.add_column("staff", sa.Column("suspended_until", sa.DateTime(timezone=True), nullable=True))
    connection = op.get_bind()
    suspended = connection.execute(
        sa.text(
            "SELECT id, hold_until FROM users"
            " WHERE role IN ('admin', 'superadmin') AND hold = 'SUSPENDED'"
        )
    ).all()
    for person in suspended:
        connection.execute(
            sa.text("UPDATE staff SET suspended_until = :until WHERE user_id = :user_id"),
            {"user_id": person.id, "until": person.hold_until},
        )
