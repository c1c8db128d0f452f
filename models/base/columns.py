"""What the tables' columns and constraints are made of."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    MetaData,
    SmallInteger,
    Table,
)

metadata = MetaData()


def all_tables() -> list[Table]:
    """Every table there is, each after those that it refers to."""
    assert metadata.info.get("is_whole"), "models/tables.py gathers them"
    return metadata.sorted_tables


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
# Why a column goes on naming a member when they are forgotten.
STAFF = "says who of the staff answers for it"
FREED = "is given up when they are forgotten"
BRIEF = "is gone before they can be forgotten"
NUMBER = "is a bare number, which leads to nobody once they are forgotten"


def of_people(erasure: str, withheld: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What a table of people's rows says of itself (`Table.info`): for erasure and for export."""
    return {"erasure": erasure, "withheld": withheld or {}}


def sealed(*columns: str) -> dict[str, Any]:
    """Columns of sealed texts (`runtime.pii`); each is bound to its field and its row's user."""
    return {"sealed": columns}


def sealed_columns(table: Table) -> tuple[str, ...]:
    """Which of a table's columns hold sealed texts."""
    columns: tuple[str, ...] = table.info.get("sealed", ())
    return columns


class Partitioned(Struct, frozen=True):
    """A table in partitions of a day, or else of a month, by one of its columns.

    `ahead` and `kept` count periods beside the present one.
    """

    table: str
    column: str
    is_daily: bool
    ahead: int
    kept: int

    def start(self, day: date, periods: int = 0) -> date:
        """The first day of the period that lies `periods` after that of `day`."""
        return day + timedelta(days=periods) if self.is_daily else _month(day, periods)

    def name(self, start: date) -> str:
        """The partition of the period that begins then."""
        return f"{self.table}_{start:%Y_%m_%d}" if self.is_daily else f"{self.table}_{start:%Y_%m}"

    def start_of(self, name: str) -> date:
        """The first day of a partition of that name."""
        written = name.removeprefix(f"{self.table}_").replace("_", "-")
        return date.fromisoformat(written if self.is_daily else f"{written}-01")

    @property
    def pattern(self) -> str:
        """What the names of its partitions look like, as a regular expression."""
        return f"^{self.table}_[0-9]{{4}}_[0-9]{{2}}{'_[0-9]{2}' if self.is_daily else ''}$"

    def bounds(self, start: date) -> tuple[str, str]:
        """The half-open period that begins then, as SQL."""
        midnight = "" if self.is_daily else " 00:00:00+00"
        return f"'{start}{midnight}'", f"'{self.start(start, 1)}{midnight}'"


def partitioned(
    table: str, column: str, *, is_daily: bool, ahead: int, kept: int
) -> dict[str, Any]:
    """What a table in partitions says of itself."""
    return {"partitioned": Partitioned(table, column, is_daily, ahead, kept)}


def partitioned_tables() -> list[Partitioned]:
    """All tables in partitions."""
    return [table.info["partitioned"] for table in all_tables() if "partitioned" in table.info]


def naming(name: str, why: str, *, nullable: bool = False, of: Any = BigInteger) -> Column[Any]:
    """A column that names a member in a row that is not theirs; and why it stays as it is when they
    are forgotten."""
    return Column(name, of, nullable=nullable, autoincrement=False, info={"naming": why})


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


def _month(day: date, ahead: int) -> date:
    """The first day of the month `ahead` months after that of `day`."""
    months = day.year * 12 + day.month - 1 + ahead
    return date(months // 12, months % 12 + 1, 1)
