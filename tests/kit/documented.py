"""Every answer that any test gets must be one that the OpenAPI document names."""

import re
from functools import cache
from typing import Any

import httpx
import msgspec
from litestar import Litestar

from api.app import create_app
from runtime.environment import Config
from tests.kit import examples


@cache
def application() -> Litestar:
    """The application, to be read and not to be run."""
    return create_app(Config("", "", "redis://", b"", (), ""))


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document of the application."""
    written = msgspec.json.encode(application().openapi_schema.to_schema())
    read: dict[str, Any] = msgspec.json.decode(written)
    return read


@cache
def _patterns() -> list[tuple[re.Pattern[str], str, dict[str, Any]]]:
    return [
        (re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)), path, operations)
        for path, operations in document()["paths"].items()
    ]


async def assert_is_documented(answer: httpx.Response) -> None:
    """Raise AssertionError for a status that the document does not name for this operation."""
    path, method = answer.request.url.path, answer.request.method.lower()
    for pattern, named, operations in _patterns():
        if pattern.fullmatch(path) and method in operations:
            documented = operations[method]["responses"]
            assert str(answer.status_code) in documented, (
                f"{method} {path} answered {answer.status_code}, which is not documented"
            )
            if examples.IS_RECORDING:
                await answer.aread()
                examples.record(f"{method.upper()} {named}", answer)
