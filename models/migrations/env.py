"""Alembic's environment: runs on the connection that models.schema.migrate hands over."""

from typing import Any

from alembic import context

from models.tables import metadata


def _include_name(name: str | None, type_: str, parents: Any) -> bool:
    return type_ != "table" or name in metadata.tables or name == "alembic_version"


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_name=_include_name,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
