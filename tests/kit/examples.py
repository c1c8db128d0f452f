"""Examples for the OpenAPI document, from what tests ask and are answered.

`RECORD_EXAMPLES=1 ./run test -n0 tests/test_x.py` adds what api/examples.json lacks. Read it
over before it is committed; a test compares them with the document from then on.
"""

import os
from typing import Any

import httpx
import msgspec

from api.web_base.documentation import EXAMPLES_FILE
from api.web_base.problems import MEDIA_TYPE, TYPE_PREFIX

IS_RECORDING = bool(os.environ.get("RECORD_EXAMPLES"))
ITEMS_MAX = 2
TOKEN = "eyJhbGciOiJIUzI1NiJ9.e30.an-example"  # none that was ever good for anything
_HIDDEN = {"access_token", "refresh_token", "ticket"}


def record(operation: str, answer: httpx.Response) -> None:
    """Keep a request and its answer, if there is no example of the like."""
    known: dict[str, Any] = msgspec.json.decode(EXAMPLES_FILE.read_bytes())
    status, kind = str(answer.status_code), answer.headers.get("content-type", "")
    if kind.startswith(MEDIA_TYPE):
        problem = answer.json()
        known["problems"].setdefault(problem["type"].removeprefix(TYPE_PREFIX), shortened(problem))
    elif status < "300" and answer.content:
        said = answer.json() if kind.startswith("application/json") else answer.text
        known["responses"].setdefault(operation, {}).setdefault(
            status, {"example": shortened(said)}
        )
    sent = answer.request.content
    if status < "300" and sent and answer.request.headers["content-type"] == "application/json":
        known["requests"].setdefault(operation, shortened(msgspec.json.decode(sent)))
    written = msgspec.json.format(msgspec.json.encode(known, order="sorted"), indent=1)
    EXAMPLES_FILE.write_bytes(written + b"\n")


def shortened(value: Any) -> Any:
    """The same with short lists and no token."""
    if isinstance(value, dict):
        return {
            name: TOKEN if name in _HIDDEN and isinstance(each, str) else shortened(each)
            for name, each in value.items()
        }
    return [shortened(each) for each in value[:ITEMS_MAX]] if isinstance(value, list) else value
