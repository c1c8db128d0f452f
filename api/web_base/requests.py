"""Requests whose bodies are refused as bad requests, whatever is wrong with them.

A body must say that it is JSON. A page elsewhere can send a form with such a body in a member's
browser, which would sign them in as somebody else; but not with this content type.
"""

from typing import Any

from litestar import Request
from litestar.exceptions import SerializationException


class JSONRequest(Request[Any, Any, Any]):
    """A request whose body may not even be text."""

    async def json(self) -> Any:
        """The body, decoded. msgspec has errors of its own for JSON, but not for these two."""
        if self.content_type[0] != "application/json":
            raise SerializationException("Send the body with Content-Type: application/json.")
        try:
            return await super().json()
        except (UnicodeDecodeError, RecursionError) as error:
            raise SerializationException(str(error)) from error
