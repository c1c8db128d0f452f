"""Requests whose bodies are refused as bad requests, whatever is wrong with them."""

from typing import Any

from litestar import Request
from litestar.exceptions import SerializationException


class JSONRequest(Request[Any, Any, Any]):
    """A request whose body may not even be text."""

    async def json(self) -> Any:
        """The body, decoded. msgspec has errors of its own for JSON, but not for these two."""
        try:
            return await super().json()
        except (UnicodeDecodeError, RecursionError) as error:
            raise SerializationException(str(error)) from error
