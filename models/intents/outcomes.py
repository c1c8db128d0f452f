"""What became of an intent, as it is stored: by this release, an older or a newer one.

The kind says what an outcome's result is, so nothing stored names its type.
"""

from contextlib import suppress
from typing import Any

import msgspec
from msgspec import Raw, Struct, ValidationError

from engine.core.action import kind_of
from engine.core.outcome import Applied, Outcome, Rejected
from engine.domains import ACTIONS, results_of


class Unread(Struct, frozen=True):
    """The intent took effect; what it brought is not in a form that this release knows."""

    result: dict[str, Any]


class _Applied(Struct, frozen=True, tag_field="status", tag="APPLIED"):
    result: Raw


_stored = msgspec.json.Decoder(_Applied | Rejected)
_results = {
    kind_of(action): tuple(msgspec.json.Decoder(result) for result in results_of(action))
    for action in ACTIONS
}


def read_outcome(kind: str, stored: str) -> Outcome | Unread:
    """The outcome of an intent of this kind. Fields that this release does not know are left out.

    Raise msgspec.ValidationError for what is no outcome at all.
    """
    outcome: _Applied | Rejected = _stored.decode(stored)
    if isinstance(outcome, Rejected):
        return outcome
    for decoder in _results.get(kind, ()):
        with suppress(ValidationError):
            return Applied(decoder.decode(outcome.result))
    return Unread(msgspec.json.decode(outcome.result))
