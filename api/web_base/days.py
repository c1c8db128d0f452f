"""Days as they stand in an address: of our time, and of the calendar (engine.core.text)."""

from datetime import date
from typing import Any

import msgspec

from api.web_base.problems import bad_request
from engine.core.text import DAY, read_day

# What a parameter says of itself: the framework can bound no date, only a text.
OF_DAY: Any = {"pattern": DAY, "schema_extra": {"format": "date"}}


def day_of(text: str) -> date:
    """The day. Raise ProblemError (400) for one that no calendar has."""
    try:
        return read_day(text)
    except msgspec.ValidationError:
        raise bad_request(f"There is no day {text}.") from None
