"""What migrations share: distribution for Citus, and triggers (decision 0009).

On plain PostgreSQL `reference` and `distribute` do nothing.
"""

from alembic import op
from sqlalchemy import text


def reference(table: str) -> None:
    """Copy a small shared table to every node."""
    if _has_citus():
        op.execute(text("SELECT create_reference_table(:t)").bindparams(t=table))


def distribute(table: str) -> None:
    """Spread a user-owned table by bucket, beside all the others."""
    if _has_citus():
        beside = "default" if table == "users" else "users"
        op.execute(
            text(
                "SELECT create_distributed_table(:t, 'bucket', colocate_with => :beside)"
            ).bindparams(t=table, beside=beside)
        )


def distribute_by(table: str, column: str) -> None:
    """Spread a table that is keyed by a value of its own."""
    if _has_citus():
        op.execute(
            text(
                "SELECT create_distributed_table(:t, :column, colocate_with => 'none')"
            ).bindparams(t=table, column=column)
        )


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


def _has_citus() -> bool:
    found = op.get_bind().execute(text("SELECT 1 FROM pg_extension WHERE extname = 'citus'"))
    return found.first() is not None
