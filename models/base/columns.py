"""What the tables' columns and constraints are made of."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    MetaData,
    SmallInteger,
)

metadata = MetaData()

# Vacuum by what changed, not by a share of a table that grows for years: the partial indexes of
# what is still open keep dead entries where every scan begins.
CHURNING = {
    "autovacuum_vacuum_scale_factor": "0",
    "autovacuum_vacuum_threshold": "50000",
    "autovacuum_analyze_scale_factor": "0.02",
}


# What becomes of a person's rows when they are forgotten; or the assignments of an UPDATE.
DELETED = "DELETED"
KEPT = "KEPT"  # the ledger, and what it pays for: nothing in it tells who the person was
# Why a column is left out when people are told what is kept about them.
ENTRANCE = "lets whoever reads it act for you"
OURS = "is about our work, not about you"


def of_people(erasure: str, withheld: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What a table of people's rows says of itself (`Table.info`): for erasure and for export."""
    return {"erasure": erasure, "withheld": withheld or {}}


def instant(name: str, *, nullable: bool = False) -> Column[Any]:
    """A timestamptz, written by us."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


def bucket() -> Column[Any]:
    """The piece of the data a row lives in: user id modulo 64."""
    return Column("bucket", SmallInteger, nullable=False)


def of_user(table: str, column: str = "user_id") -> ForeignKeyConstraint:
    """A foreign key to the user, within the bucket."""
    return ForeignKeyConstraint(
        ["bucket", column], ["users.bucket", "users.id"], name=f"{table}_{column}_fkey"
    )


def one_of(table: str, column: str, *values: str) -> CheckConstraint:
    """Only these values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{table}_{column}_known")
