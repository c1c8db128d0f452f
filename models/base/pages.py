from datetime import UTC, datetime
from uuid import UUID

from msgspec import Struct


class Cursor(Struct, frozen=True):
    """Where a page begins: strictly before this row."""

    at: datetime
    id: UUID


# Later than any row: the same statement, and its index condition, for the first page.
FIRST_PAGE = Cursor(datetime(9999, 12, 31, tzinfo=UTC), UUID(int=2**128 - 1))
