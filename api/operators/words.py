"""What operators' routes have in common: whom something is done to, and why."""

from typing import Annotated

from litestar.params import PathParameter
from msgspec import Struct

from engine.core.text import prose

Reason = Annotated[str, prose(500, 3)]
# Ids are signed 64-bit integers in the database.
UserId = Annotated[int, PathParameter(ge=1, le=2**63 - 1)]


class WhyBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Why this is done; it is kept in the trail."""

    reason: Reason
