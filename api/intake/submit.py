"""Recording intents: Idempotency-Key in; 202 and a Location out, or the outcome if it is there.

A request is acknowledged only after its intent is committed. The bell rings after that; if it
cannot, the relay does.
"""

import asyncio
import re
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response
from msgspec import Struct
from msgspec.structs import replace

from api.identity.devices import DEVICE_HEADER, read_device
from api.intake.watch_token import seal
from api.networks.house import House, page_url
from api.web_base.evidence import evidence
from api.web_base.problems import (
    Problem,
    ProblemError,
    bad_request,
    held,
    not_found,
    refusal,
    verification_required,
)
from api.web_base.services import Services
from api.web_base.tokens import access_of
from engine.ads.state import Ad, ShowsAd
from engine.boosts.actions import StartBoost
from engine.boosts.state import BoostResult
from engine.boosts.watching import begin_watch
from engine.core.action import Action, kind_of
from engine.core.evidence import Evidence
from engine.core.outcome import Applied, Rejected, Result
from engine.core.piece import Piece
from engine.fraud.holds import refuse_held
from engine.fraud.levels import Hold
from models.base.encoding import encode
from models.intents.outcomes import Unread, read_outcome
from models.intents.record import (
    HeldError,
    KeyReusedError,
    NothingToActOnError,
    Recorded,
    UnverifiedError,
    Wish,
    find,
    record,
)
from runtime.clock import utcnow
from runtime.telemetry.context import note
from runtime.telemetry.traces import recording

WAIT_SECONDS_MAX = 10
_WAIT_STEP_SECONDS = 0.03
_WAIT_STEP_SECONDS_MAX = 0.25
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
# RFC 7240, section 2: names are read in any case, and values may be quoted.
_WAIT = re.compile(r"wait\s*=\s*(\"?)([0-9]{1,6})\1", re.ASCII | re.IGNORECASE)


class IntentView(Struct, frozen=True):
    """An intent as its sender sees it: RECORDED, then APPLIED with a result or REJECTED with a
    problem. FAILED means a fault on our side; it is kept and looked at."""

    id: UUID
    kind: str
    status: str
    recorded_at: datetime
    applied_at: datetime | None
    result: dict[str, Any] | None
    problem: Problem | None


def asks(action: type[Action]) -> dict[str, Any]:
    """`opt=` of a route that submits such an intent: the document says what it brings."""
    return {"asks": action}


async def submit(
    request: Request[Any, Any, Any],
    services: Services,
    user_id: int,
    action: Action,
    view_id: UUID | None = None,
) -> Response[IntentView]:
    """Record what a user asks for, and answer 202, or 200 if the outcome is known."""
    key = idempotency_key(request)
    wish = Wish(
        user_id=user_id,
        action=action,
        origin="user:" + str(user_id),
        key=key,
        body_hash=sha256(encode(action).encode()).digest(),
        recorded_at=utcnow(),
        evidence=own_evidence(request, services, user_id),
        view_id=view_id,
        is_own=True,
    )
    recorded = await record_and_ring(services, wish)
    waited = wait_seconds(request) if services.admission.may_wait() else 0
    if recorded.status == "RECORDED" and waited:
        with services.admission.pausing():
            recorded = await _await_outcome(services, user_id, recorded, waited)
    return answer(services, recorded, waited)


async def record_and_ring(services: Services, wish: Wish) -> Recorded:
    """Commit a wish, then ring for it. Raise ProblemError for a reused key or a foreign view."""
    try:
        with recording(kind_of(wish.action)) as traceparent:
            wish = replace(wish, evidence=replace(wish.evidence, traceparent=traceparent))
            recorded = await record(services.database, wish)
    except KeyReusedError:
        raise ProblemError(
            "idempotency-key-reused",
            "Idempotency-Key reused",
            422,
            "This key was used for another request. Send a new one.",
        ) from None
    except UnverifiedError:
        raise verification_required() from None
    except HeldError as error:
        raise held(refuse_held(Hold(error.hold), error.until)) from None
    except NothingToActOnError:
        raise not_found("ad view" if wish.view_id else "account") from None
    note(intent_id=recorded.id, user_id=wish.user_id)
    if recorded.is_new:
        await services.bells.ring(Piece(recorded.group_number, recorded.bucket))
    return recorded


def idempotency_key(request: Request[Any, Any, Any]) -> str:
    """The request's Idempotency-Key. Raise ProblemError (400) without a proper one."""
    key = request.headers.get("idempotency-key")
    if key is None:
        raise ProblemError(
            "idempotency-key-missing",
            "Idempotency-Key missing",
            400,
            "Send an Idempotency-Key header: a new random value per action, kept for its retries.",
        )
    if not _KEY.fullmatch(key):
        raise bad_request("Idempotency-Key must be 1 to 255 visible ASCII characters.")
    return key


def own_evidence(request: Request[Any, Any, Any], services: Services, user_id: int) -> Evidence:
    """Evidence of a signed-in user's request: also the sign-in, and the device if it is known."""
    access = access_of(services, request.headers.get("authorization", ""))
    device = read_device(services.config.secret, user_id, request.headers.get(DEVICE_HEADER, ""))
    return replace(evidence(request), session=access.sign_in_id, device=device)


def wait_seconds(request: Request[Any, Any, Any]) -> int:
    """Seconds of `Prefer: wait=N` (RFC 7240, section 4.3), bounded; 0 if it is absent."""
    preferences = request.headers.get("prefer", "").split(",")
    for preference in preferences:
        # A preference may have parameters, of which none is known here.
        match = _WAIT.fullmatch(preference.partition(";")[0].strip())
        if match:  # of several the first counts
            return min(int(match[2]), WAIT_SECONDS_MAX)
    return 0


async def _await_outcome(
    services: Services, user_id: int, recorded: Recorded, seconds: int
) -> Recorded:
    """Look at every change of the user's status, and now and then, until the time is up.

    A refusal changes no status, and changes are not heard while Redis is away.
    """
    loop = asyncio.get_running_loop()
    deadline, step = loop.time() + seconds, _WAIT_STEP_SECONDS
    with services.held.watch(user_id) as changed:
        while recorded.status == "RECORDED" and loop.time() < deadline:
            with suppress(TimeoutError):
                async with asyncio.timeout(step):
                    await changed.wait()
            changed.clear()
            step = min(step * 1.5, _WAIT_STEP_SECONDS_MAX)
            recorded = await find(services.database, user_id, recorded.id) or recorded
    return recorded


def answer(services: Services, recorded: Recorded, waited: int = 0) -> Response[IntentView]:
    """The intent with its Location: 200 when it is done, 202 while it is not."""
    headers = {"Location": f"/v1/intents/{recorded.id}", "Cache-Control": "private, no-store"}
    if waited:
        headers["Preference-Applied"] = f"wait={waited}"
    status = 202 if recorded.status == "RECORDED" else 200
    return Response(show(services, recorded), status_code=status, headers=headers)


def show(services: Services, recorded: Recorded) -> IntentView:
    """An intent's public form."""
    result: dict[str, Any] | None = None
    problem: Problem | None = None
    match recorded.outcome and read_outcome(recorded.kind, recorded.outcome):
        case Applied(brought):
            result = msgspec.to_builtins(_complete(services, recorded.kind, brought))
        case Unread(result):
            pass
        case Rejected() as rejected:
            problem = refusal(rejected)
    return IntentView(
        id=recorded.id,
        kind=recorded.kind,
        status=recorded.status,
        recorded_at=recorded.recorded_at,
        applied_at=recorded.applied_at,
        result=result,
        problem=problem,
    )


def _complete(services: Services, kind: str, result: Result) -> Result:
    """A result with what this server adds to it: an ad's page, a watch's token."""
    if isinstance(result, ShowsAd) and isinstance(result.ad, Ad):
        return replace(result, ad=with_page(services, result.ad))
    if isinstance(result, BoostResult) and kind == kind_of(StartBoost):
        return replace(result, watch_token=_first_token(services, result))
    return result


def with_page(services: Services, ad: Ad) -> Ad:
    """An ad with the page that shows it, where its network has one."""
    if ad.network != House.name:
        return replace(ad, page_url=None)
    config = services.config
    shown = (ad.unit, ad.nonce, ad.min_seconds)
    return replace(ad, page_url=page_url(config.partner_url, *shown, config.house_secrets))


def _first_token(services: Services, boost: BoostResult) -> str:
    """The token for a watch's first beat: a function of its start, however often it is read."""
    begun = begin_watch(boost.boost_id, boost.duration_seconds, boost.started_at)
    return seal(services.config.secret, begun)
