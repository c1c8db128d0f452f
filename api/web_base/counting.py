"""Counting what is answered: for the alerts (decision 0032) and the figures (decision 0036)."""

import logging
from bisect import bisect_left
from collections.abc import Awaitable
from time import perf_counter

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from runtime.telemetry import traces
from runtime.telemetry.context import Subject, request_id, set_subject
from runtime.telemetry.logs import ACCESS
from runtime.telemetry.meter import Spread, meter
from runtime.telemetry.metrics import HTTP_SECONDS

log = logging.getLogger(ACCESS)

SIGN_INS = frozenset({"/v1/auth/login", "/v1/auth/mfa"})
POLL = "/v1/mining/status"
# Asked all the time, by phones or by machines: neither lines nor spans.
FREQUENT = frozenset({POLL, "/v1/events", "/healthz", "/readyz", "/metrics"})
_REFUSED = frozenset({401, 429})
_BOUNDS = HTTP_SECONDS.bounds
_spreads: dict[tuple[str, str, int], Spread] = {}


def begin(app: ASGIApp) -> ASGIApp:
    """Middleware: remember when a request arrived, and that what follows is about it."""

    # Not a coroutine of its own: the poll would pay for it.
    def middleware(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        subject: Subject = scope  # type: ignore[assignment]
        set_subject(subject)
        subject["twtc_began"] = perf_counter()
        return app(scope, receive, send)

    return middleware


def traced(app: ASGIApp) -> ASGIApp:
    """Middleware, if there are traces: a span for a request."""

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        spans = traces.active()
        if spans is None or scope["path_template"] in FREQUENT:
            await app(scope, receive, send)
            return
        with spans.request(scope):  # type: ignore[arg-type]
            await app(scope, receive, send)

    return middleware


def leave_unsaid(scope: Scope) -> None:
    """Write no line about a request: somebody tells of all of its kind."""
    scope["twtc_is_unsaid"] = True  # type: ignore[typeddict-unknown-key]


async def count_answer(message: Message, scope: Scope) -> None:
    """Count an answer and its time; name its request, unless it is the poll's, in a hurry."""
    if message["type"] != "http.response.start":
        return
    subject: Subject = scope  # type: ignore[assignment]
    status: int = message["status"]
    # As an item: the attribute of the same name is looked up the long way.
    subject["litestar_app"].state["services"].counts.now["requests"] += 1
    try:
        route, seconds = subject["path_template"], perf_counter() - subject["twtc_began"]
        key = route, subject["method"], status
    except KeyError:  # not routed, by a path or a method that anybody may have made up
        route, seconds, key = "unknown", 0.0, ("unknown", "any", status)
    spread = _spreads.get(key) or _spread(*key)
    spread.counts[bisect_left(_BOUNDS, seconds)] += 1
    spread.total += seconds
    if status >= 400 or route != POLL:
        _finish(message, subject, route, seconds)


def _spread(route: str, method: str, status: int) -> Spread:
    spread = meter.spread(HTTP_SECONDS, route, method, str(status))
    _spreads[route, method, status] = spread
    return spread


def _finish(message: Message, subject: Subject, route: str, seconds: float) -> None:
    """What everything but an answered poll gets: its id, and a line if it changed something."""
    name = (b"x-request-id", request_id(subject).encode())
    message["headers"] = [*message["headers"], name]  # type: ignore[typeddict-item, typeddict-unknown-key]
    status: int = message["status"]  # type: ignore[typeddict-item]
    subject["twtc_status"] = status
    counted = subject["litestar_app"].state["services"].counts.now
    if status >= 500:
        counted["server_errors"] += 1
    elif status in _REFUSED and subject["path"] in SIGN_INS:
        counted["failed_sign_ins"] += 1
    if "twtc_is_unsaid" in subject:
        return
    if status >= 500 or subject["method"] not in ("GET", "HEAD", "OPTIONS"):
        ids = {"status": status, "ms": round(seconds * 1000, 1)}
        level = logging.WARNING if status >= 500 else logging.INFO
        log.log(level, "%s %s", subject["method"], route, extra={"ids": ids})
