"""What migrations share: distribution for Citus, and triggers (decision 0009).

`reference` and `distribute` do nothing on plain PostgreSQL, and nothing to a database that grew up
there and is not spread yet.
"""

from alembic import op

from models.base.shards import GROUND, has_ground
from models.schema.citus import Place, laid


def reference(table: str) -> None:
    """Copy a small shared table to every node."""
    _lay(Place(table))


def distribute(table: str) -> None:
    """Spread a user-owned table by bucket, beside all the others."""
    _lay(Place(table, "bucket", GROUND))


def distribute_by(table: str, column: str) -> None:
    """Spread a table that is keyed by a value of its own."""
    _lay(Place(table, column))


def append_only(table: str) -> None:
    """Forbid changing or removing rows: by privilege, and for owners by trigger.

    The owner keeps the UPDATE privilege: foreign key checks lock rows with it.
    """
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM PUBLIC")
    op.execute(f"REVOKE DELETE, TRUNCATE ON {table} FROM CURRENT_USER")
    op.execute(
        f"""
        CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '{table} is append-only'
                USING ERRCODE = 'integrity_constraint_violation';
        END $$
        """
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_append_only()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
    )


def _lay(place: Place) -> None:
    if has_ground(op.get_bind()):
        op.execute(laid(place))
