"""Cursors: opaque, and stable while new rows arrive."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from litestar.params import QueryParameter

from api.web_base.problems import bad_request
from engine.core.timeline import instant, micros
from models.base.db import Row
from models.base.pages import Cursor

PAGE_SIZE_MAX = 100
_LATEST_US = 253_402_300_799_999_999  # the last instant of the year 9999

Limit = Annotated[
    int, QueryParameter(name="limit", ge=1, le=PAGE_SIZE_MAX, description="Rows on a page.")
]
After = Annotated[
    str | None,
    QueryParameter(
        name="cursor",
        pattern=r"^[A-Za-z0-9_=-]{1,200}\Z",
        description="`next_cursor` of the page before.",
    ),
]


def encode_cursor(page: Sequence[Row], limit: int, at: str) -> str | None:
    """The cursor of the page that follows, or None if this was the last."""
    if len(page) < limit:
        return None
    last = page[-1]
    packed: bytes = micros(getattr(last, at)).to_bytes(8, "big") + last.id.bytes
    return urlsafe_b64encode(packed).decode()


def decode_cursor(cursor: str | None) -> Cursor | None:
    """Where to go on. Raise ProblemError (400) for what is not one of our cursors."""
    if cursor is None:
        return None
    try:
        raw = urlsafe_b64decode(cursor.encode("ascii"))
    except ValueError:
        raw = b""
    us = int.from_bytes(raw[:8], "big")
    if len(raw) != 24 or us > _LATEST_US:
        raise bad_request("This cursor is not one of ours.")
    return Cursor(instant(us), UUID(bytes=raw[8:]))
