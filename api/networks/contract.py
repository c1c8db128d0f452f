"""What every ad network's verifier takes and answers. Outcomes are values, never exceptions."""

import hmac
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

import msgspec
from msgspec import Struct

from api.web_base.problems import MEDIA_TYPE, TYPE_PREFIX, Problem

NONCE = re.compile(r"[A-Za-z0-9_-]{22,128}")

AdUnits = Callable[[str], Awaitable[Collection[str]]]
"""The ad units of the named network whose callbacks are accepted."""


class CallbackRequest(Struct, frozen=True):
    """The HTTP request as it came: the query not decoded, header names in lower case."""

    method: str
    raw_query: bytes
    headers: Mapping[str, str]
    body: bytes


class Answer(Struct, frozen=True):
    """What to answer the network with. `headers` come on top of the content type."""

    status: int
    body: bytes
    content_type: str
    headers: Mapping[str, str] = {}


ACCEPTED = Answer(200, b'{"status":"accepted"}', "application/json")


class VerifiedCallback(Struct, frozen=True):
    """A genuine proof that an ad was watched.

    `event_id` is unique within `network` and makes the effect single; `nonce` is ours, handed out
    when the ad was served. `seconds` is how long the ad was shown, where the network says so.
    `facts` are for the log: no rule may depend on them. `answer` is what the network expects once
    the callback is recorded; `answer_again` for one that was already.
    """

    network: str
    event_id: str
    nonce: str
    ad_unit: str | None
    occurred_at: datetime
    facts: dict[str, str]
    seconds: int | None = None
    answer: Answer = ACCEPTED
    answer_again: Answer | None = None


class Refusal(StrEnum):
    """Why a callback was not accepted."""

    METHOD = "METHOD"
    MALFORMED = "MALFORMED"
    SIGNATURE = "SIGNATURE"
    KEYS_UNAVAILABLE = "KEYS_UNAVAILABLE"
    STALE = "STALE"
    FUTURE = "FUTURE"
    UNIT_UNKNOWN = "UNIT_UNKNOWN"
    NONCE_MISSING = "NONCE_MISSING"
    SECONDS_MISSING = "SECONDS_MISSING"


class Refused(Struct, frozen=True):
    """Nothing may be stored; answer the network with `answer`."""

    reason: Refusal
    answer: Answer


class Network(Protocol):
    """One ad network's signed callback."""

    name: str

    async def verify(
        self, request: CallbackRequest, now: datetime
    ) -> VerifiedCallback | Refused: ...


_PROBLEMS = {
    Refusal.METHOD: ("method-not-allowed", "Method not allowed", 405, "Use the method in Allow."),
    Refusal.MALFORMED: (
        "callback-malformed",
        "Callback malformed",
        400,
        "The callback does not have the form that this network documents.",
    ),
    Refusal.SIGNATURE: (
        "callback-signature",
        "Callback not genuine",
        403,
        "The signature is missing or wrong.",
    ),
    Refusal.KEYS_UNAVAILABLE: (
        "unavailable",
        "Temporarily unavailable",
        503,
        "The network's keys cannot be fetched. Send the same callback again.",
    ),
}


def matches(given: str, expected: Iterable[str | bytes]) -> bool:
    """Whether it is one of them. All are compared, so that the time taken does not tell which."""
    candidates = [each.encode() if isinstance(each, str) else each for each in expected]
    fits = [hmac.compare_digest(given.encode(), candidate) for candidate in candidates]
    return any(fits)


def refuse_problem(reason: Refusal, headers: Mapping[str, str] | None = None) -> Refused:
    """Refuse what is not genuine (4xx), or cannot be checked yet (503, with its Retry-After)."""
    slug, title, status, detail = _PROBLEMS[reason]
    problem = Problem(TYPE_PREFIX + slug, title, status, detail, reason=reason.value)
    return Refused(reason, Answer(status, msgspec.json.encode(problem), MEDIA_TYPE, headers or {}))


def refuse_method(allowed: str) -> Refused:
    """Refuse any other method than the one that the network uses."""
    return refuse_problem(Refusal.METHOD, {"Allow": allowed})


def untimely(
    occurred_at: datetime, now: datetime, *, age_max: timedelta, skew_max: timedelta
) -> Refusal | None:
    """Why a genuine callback is too early or too late, or None."""
    if occurred_at - now > skew_max:
        return Refusal.FUTURE
    return Refusal.STALE if now - occurred_at > age_max else None


def refuse_policy(reason: Refusal) -> Refused:
    """Refuse a genuine callback with 200, since sending it again could not help."""
    body = msgspec.json.encode({"status": "refused", "reason": reason.value})
    return Refused(reason, Answer(200, body, "application/json"))
