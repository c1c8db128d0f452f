"""What strangers type, by its form. A text has no control characters, a day is of our time.

PostgreSQL stores no NUL, a line break in a name breaks whatever shows it, and arithmetic with the
first and the last of all days leaves the calendar. So every field of a request says one of these,
or a pattern of its own; a test reads them all.
"""

from datetime import date, datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

LINE = r"^[^\x00-\x1f\x7f-\x9f]*\Z"
PROSE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*\Z"
SLUG = r"^[a-z0-9]+(?:-[a-z0-9]+)*\Z"
COUNTRY = r"^[A-Z]{2}\Z"
DAY = r"^20[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])\Z"
FIRST_YEAR, LAST_YEAR = 2000, 2099
_days = msgspec.json.Decoder(date)

Country = Annotated[str, Meta(pattern=COUNTRY)]


def line(most: int, least: int = 0) -> Meta:
    """Some characters on one line."""
    return Meta(pattern=LINE, min_length=least, max_length=most)


def prose(most: int, least: int = 0) -> Meta:
    """Some characters on as many lines as one likes."""
    return Meta(pattern=PROSE, min_length=least, max_length=most)


def read_day(text: str) -> date:
    """The day of a text of the form DAY. Raise msgspec.ValidationError if no calendar has it."""
    return _days.decode(f'"{text}"')


class Dated(Struct, frozen=True):
    """Its instants have an offset from UTC, and they and its days are of our time."""

    def __post_init__(self) -> None:
        """Raise ValueError for any other."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, datetime) and value.tzinfo is None:
                raise ValueError(f"`{name}` needs its offset from UTC")
            if isinstance(value, date) and not FIRST_YEAR <= value.year <= LAST_YEAR:
                raise ValueError(f"`{name}` must be of the years {FIRST_YEAR} to {LAST_YEAR}")
