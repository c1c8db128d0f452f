"""What a piece of work is about: for its log lines, and for what it records.

Nothing is worked out before somebody asks: most requests leave no line.
"""

import random
import re
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

# An ASGI scope, or a worker's notes.
Subject = MutableMapping[str, Any]

_about: ContextVar[Subject | None] = ContextVar("about", default=None)
_NOTES, _REQUEST_ID = "twtc_notes", "twtc_request_id"
_GIVEN_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
# W3C Trace Context, 3.2.2: version, trace id, parent id, flags.
_TRACEPARENT = re.compile(rb"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

set_subject = _about.set


@contextmanager
def about(**fields: Any) -> Iterator[dict[str, Any]]:
    """Work on something; what is noted meanwhile is in the yielded notes, also after an error."""
    notes = dict(fields)
    token = _about.set({_NOTES: notes})
    try:
        yield notes
    finally:
        _about.reset(token)


def note(**fields: Any) -> None:
    """Say more about the work in hand: ids, nothing of a person."""
    subject = _about.get()
    if subject is not None:
        subject.setdefault(_NOTES, {}).update(fields)


def notes() -> dict[str, Any]:
    """What is known about the work in hand, for a log line."""
    subject = _about.get()
    if subject is None:
        return {}
    known: dict[str, Any] = subject.get(_NOTES, {})
    return {"request_id": request_id(subject), **known} if "headers" in subject else known


def request_id(scope: Subject) -> str:
    """What a request is called: as its sender says, by its trace, or by a name of ours."""
    known: str | None = scope.get(_REQUEST_ID)
    if known is None:
        known = scope[_REQUEST_ID] = _read_id(scope)
    return known


def _read_id(scope: Subject) -> str:
    name = b""
    for header, value in scope["headers"]:
        if header == b"x-request-id" and _GIVEN_ID.fullmatch(value):
            return str(value, "ascii")
        if header == b"traceparent" and (traced := _TRACEPARENT.fullmatch(value)):
            name = traced[1]
    # A name, not a secret: it need not wait for the system's randomness.
    return str(name, "ascii") or f"{random.getrandbits(128):032x}"


def header_of(scope: Subject, wanted: bytes) -> str:
    """A request's header, or nothing."""
    return next((text.decode("latin-1") for name, text in scope["headers"] if name == wanted), "")
