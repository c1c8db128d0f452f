"""Every error is an RFC 9457 problem with a stable `type`; docs/problems.md lists them all."""

import logging
from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import Send
from msgspec import Struct

from engine.core.outcome import Reason, Rejected
from models.base.db import DATABASE_ERRORS, is_retryable

log = logging.getLogger(__name__)

TYPE_PREFIX = "urn:twtc:problem:"
MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5


class Problem(Struct, frozen=True, omit_defaults=True):
    """RFC 9457, section 3, and our extensions: when to come back, and what was wrong where."""

    type: str
    title: str
    status: int
    detail: str
    retry_at: datetime | None = None
    opens_at: datetime | None = None
    reason: str | None = None
    errors: list[dict[str, str]] = []


class ProblemError(Exception):
    """Raised by handlers; answered as its problem."""

    def __init__(
        self,
        slug: str,
        title: str,
        status: int,
        detail: str,
        headers: dict[str, str] | None = None,
        retry_at: datetime | None = None,
    ) -> None:
        super().__init__(detail)
        self.problem = Problem(TYPE_PREFIX + slug, title, status, detail, retry_at)
        self.headers = headers or {}


_TITLES = {
    Reason.ACCOUNT_DISABLED: "Account disabled",
    Reason.VERIFICATION_REQUIRED: "Address not verified",
    Reason.WINDOW_CLOSED: "Window closed",
    Reason.ALREADY_MINING: "Already mining",
    Reason.AD_IN_PROGRESS: "Ad in progress",
    Reason.AD_UNAVAILABLE: "No ad available",
    Reason.AD_NOT_STARTED: "Ad not started",
    Reason.AD_TOO_SHORT: "Ad not watched to its end",
    Reason.AD_EXPIRED: "Ad expired",
    Reason.AD_MISMATCH: "Another ad than the one served",
    Reason.VIEW_CLOSED: "Ad view closed",
    Reason.VIEW_UNKNOWN: "No such ad view",
    Reason.NOT_MINING: "Not mining",
    Reason.SESSION_ENDS: "Session ends before",
    Reason.VIDEO_UNKNOWN: "No such video",
    Reason.VIDEO_USED: "Video used today",
    Reason.BOOSTS_USED_UP: "No boost left today",
    Reason.DURATION_UNKNOWN: "Length of the video not known",
    Reason.BOOST_UNKNOWN: "No such boost",
    Reason.BOOST_CLOSED: "Boost closed",
    Reason.WATCH_INCOMPLETE: "Video not watched",
    Reason.QUESTION_NOT_ASKED: "Question not fetched",
    Reason.VIDEO_WATCHED: "Video watched",
    Reason.ANSWER_LATE: "Answer too late",
    Reason.TASK_UNKNOWN: "No such task",
    Reason.TASK_LOCKED: "Task locked",
    Reason.TASK_CLOSED: "Task closed",
    Reason.TASK_NOT_STARTED: "Task not started",
    Reason.TASK_OF_ANOTHER_KIND: "Task of another kind",
    Reason.READ_TOO_SHORT: "Article not read to its end",
    Reason.DAY_CLOSED: "Day closed",
    Reason.ADJUSTMENT_REFUSED: "Adjustment refused",
    Reason.NOT_SPENDABLE: "More than can be spent",
    Reason.SENT_TO_SELF: "Sent to oneself",
    Reason.COOLDOWN: "Too much at once",
    Reason.CAPTCHA_REQUIRED: "CAPTCHA required",
    Reason.REAUTHENTICATION_REQUIRED: "Sign in again",
    Reason.SUSPENDED: "Account suspended",
}
_OPENS = frozenset({Reason.WINDOW_CLOSED, Reason.ALREADY_MINING})


def refusal(rejected: Rejected) -> Problem:
    """The problem of an intent that the rules refused: what it was, and when to come back."""
    reason = rejected.reason
    return Problem(
        type=TYPE_PREFIX + reason.value.lower().replace("_", "-"),
        title=_TITLES[reason],
        status=409,
        detail=rejected.detail,
        retry_at=rejected.retry_at,
        opens_at=rejected.retry_at if reason in _OPENS else None,
        reason=reason.value,
    )


def held(rejected: Rejected) -> ProblemError:
    """403: the account has to do something first, or to wait; as a refused intent says it."""
    known = refusal(rejected)
    slug = known.type.removeprefix(TYPE_PREFIX)
    return ProblemError(slug, known.title, 403, known.detail)


def suspended(until: datetime, detail: str) -> ProblemError:
    """409 for what has to wait until a suspension ends."""
    title = _TITLES[Reason.SUSPENDED]
    return ProblemError("suspended", title, 409, detail, retry_at=until)


def unauthorized(
    detail: str = "Sign in and send the access token as a bearer token.",
) -> ProblemError:
    """401, with the challenge that RFC 9110 asks for."""
    challenge = {"WWW-Authenticate": 'Bearer realm="twtc"'}
    return ProblemError("unauthorized", "Not signed in", 401, detail, challenge)


def rate_limited(name: str, headers: dict[str, str]) -> ProblemError:
    """429: asked too often; the headers say how long to wait."""
    detail = f"Too many requests by the limit {name!r}. Wait for the seconds of Retry-After."
    return ProblemError("rate-limited", "Too many requests", 429, detail, headers)


def wrong_code() -> ProblemError:
    """422, whatever is wrong with it: the digits, its age, or its attempts."""
    return ProblemError(
        "code-wrong", "Wrong code", 422, "This code is wrong, used or too old. Ask for another one."
    )


def forbidden(permission: str = "") -> ProblemError:
    """403 for who is signed in but may not."""
    needed = f" It needs the permission {permission}." if permission else ""
    return ProblemError("forbidden", "Not allowed", 403, f"Your role may not do this.{needed}")


def verification_required() -> ProblemError:
    """403: the address was never proved to be one's own."""
    return ProblemError(
        "verification-required",
        "Address not verified",
        403,
        "Send the code from our message to /v1/auth/verify first, or ask for another one.",
    )


def wrong_password() -> ProblemError:
    """403 for a signed-in user whose password does not fit."""
    return ProblemError("password-wrong", "Wrong password", 403, "The password is wrong.")


def not_found(what: str) -> ProblemError:
    """404, also for what belongs to somebody else."""
    return ProblemError("not-found", "Not found", 404, f"There is no such {what}.")


def bad_request(detail: str) -> ProblemError:
    """400 for what cannot be understood."""
    return ProblemError("bad-request", "Bad request", 400, detail)


def bad_field(name: str, message: str) -> ValidationException:
    """400 for a body whose form is right and one of whose fields cannot be; says which, and why."""
    return ValidationException(extra=[{"message": message, "key": name, "source": "body"}])


def body_too_large() -> ProblemError:
    """413, before any of it was read where its length is announced."""
    return ProblemError("body-too-large", "Body too large", 413, "Send at most 16 KiB.")


_BY_STATUS = {
    400: ("bad-request", "Bad request"),
    401: ("unauthorized", "Not signed in"),
    403: ("forbidden", "Not allowed"),
    404: ("not-found", "Not found"),
    405: ("method-not-allowed", "Method not allowed"),
    413: ("body-too-large", "Body too large"),
}


def _answer(problem: Problem, headers: dict[str, str] | None = None) -> Response[bytes]:
    return Response(
        msgspec.json.encode(problem),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


async def send_problem(error: ProblemError, send: Send) -> None:
    """Answer without the framework, which would cost more than the refusal saves."""
    body = msgspec.json.encode(error.problem)
    headers = {"Content-Type": MEDIA_TYPE, "Content-Length": str(len(body)), **error.headers}
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    status = error.problem.status
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def on_problem(request: Request[Any, Any, Any], error: ProblemError) -> Response[bytes]:
    """Answer a problem raised by a handler."""
    return _answer(error.problem, error.headers)


def on_http_exception(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Answer what the framework refuses: routes, methods, bodies, parameters."""
    if error.status_code >= 500:
        return on_exception(request, error)
    slug, title = _BY_STATUS.get(error.status_code, ("bad-request", "Bad request"))
    errors: list[dict[str, str]] = []
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        errors = [
            {str(key): str(value) for key, value in item.items()}
            for item in error.extra
            if isinstance(item, dict)
        ]
    problem = Problem(
        TYPE_PREFIX + slug, title, error.status_code, _detail(request, error), errors=errors
    )
    return _answer(problem, dict(error.headers or {}))


def _detail(request: Request[Any, Any, Any], error: HTTPException) -> str:
    if error.status_code == 404:
        return f"There is nothing at {request.scope['path']}."
    if isinstance(error, ValidationException):
        return "The request does not have the form that the API documents."
    return error.detail


def on_database_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """PostgreSQL is away or busy: nothing was written, try again. Anything else is a bug."""
    if not is_retryable(error):
        return on_exception(request, error)
    request.app.state.services.counts.now["database_away"] += 1
    return _unavailable(error)


def on_exception(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """A bug: logged with its trace, answered without one."""
    log.error("unexpected error at %s", request.scope["path"], exc_info=error)
    problem = Problem(
        TYPE_PREFIX + "internal",
        "Internal error",
        500,
        "Something broke on our side. It is logged.",
    )
    return _answer(problem)


def _unavailable(error: Exception) -> Response[bytes]:
    log.warning("answered 503: %s", type(error).__name__)
    problem = Problem(
        TYPE_PREFIX + "unavailable",
        "Temporarily unavailable",
        503,
        "The service is starting or busy. Send the same request again; the key makes it safe.",
    )
    return _answer(problem, {"Retry-After": str(RETRY_AFTER_SECONDS)})


HANDLERS: dict[Any, Any] = {
    ProblemError: on_problem,
    HTTPException: on_http_exception,
    **dict.fromkeys(DATABASE_ERRORS, on_database_error),
    Exception: on_exception,
}
