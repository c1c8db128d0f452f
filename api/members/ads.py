"""Ad views as the client reports them, and the networks' signed callbacks."""

import logging
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID

from litestar import HttpMethod, Request, Response, Router, post, route
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, PathParameter
from msgspec import Meta, Struct

from api.intake.submit import IntentView, asks, record_and_ring, submit
from api.networks import Answer, CallbackRequest, VerifiedCallback
from api.web_base.documentation import problems
from api.web_base.evidence import evidence
from api.web_base.limits import UNLIMITED
from api.web_base.permissions import MEMBER, PUBLIC
from api.web_base.problems import ProblemError, not_found
from api.web_base.services import Services
from engine.ads.actions import CompleteView, ConfirmView, FailView, StartView
from engine.ads.state import decode_nonce
from engine.core.text import LINE
from models.ads.events import claim_event, suspect_event
from models.base.encoding import encode
from models.intents.record import Wish
from runtime.clock import utcnow

log = logging.getLogger(__name__)


NetworkName = Annotated[str, PathParameter(pattern=LINE)]


class EmptyBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing: the view is named in the path."""


class FailBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Why the ad could not be shown, in the client's words."""

    cause: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[ -~]+\Z")] = "NOT_SHOWN"


@post(
    "/views/{view_id:uuid}/started",
    status_code=202,
    summary="The ad began to play",
    opt=asks(StartView),
)
async def started(
    view_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    data: JSONBody[EmptyBody | None] = None,
) -> Response[IntentView]:
    """The server's clock for this view runs from here."""
    return await submit(request, services, user_id, StartView(view_id), view_id)


@post(
    "/views/{view_id:uuid}/completed",
    status_code=202,
    summary="The ad was watched",
    opt=asks(CompleteView),
)
async def completed(
    view_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    data: JSONBody[EmptyBody | None] = None,
) -> Response[IntentView]:
    """The session begins once the ad is proved: by our clock, and by its network's callback."""
    return await submit(request, services, user_id, CompleteView(view_id), view_id)


@post(
    "/views/{view_id:uuid}/failed",
    status_code=202,
    summary="The ad could not be shown",
    opt=asks(FailView),
)
async def failed(
    view_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    data: JSONBody[FailBody | None] = None,
) -> Response[IntentView]:
    """Applied, the result holds another ad; after three, the session is given up."""
    cause = (data or FailBody()).cause
    return await submit(request, services, user_id, FailView(view_id, cause), view_id)


@route(
    "/callbacks/{network:str}",
    http_method=[HttpMethod.GET, HttpMethod.POST],
    summary="A network's proof that an ad was watched",
    responses=problems(403, 413),
    opt=PUBLIC | UNLIMITED,  # networks call for many people, from few addresses
)
async def callback(
    network: NetworkName, request: Request[Any, Any, Any], services: NamedDependency[Services]
) -> Response[bytes]:
    """Verified by the network's signature; answered as the network expects."""
    verifier = services.networks.get(network)
    if verifier is None:
        raise not_found("ad network")
    arrived_at = utcnow()
    verdict = await verifier.verify(
        CallbackRequest(
            method=request.method,
            raw_query=request.scope["query_string"],
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await request.body(),
        ),
        arrived_at,
    )
    if not isinstance(verdict, VerifiedCallback):
        log.warning("callback of %s refused: %s", network, verdict.reason)
        return _respond(verdict.answer)
    is_new = await _record_callback(request, services, verdict, arrived_at)
    return _respond(verdict.answer if is_new else verdict.answer_again or verdict.answer)


async def _record_callback(
    request: Request[Any, Any, Any],
    services: Services,
    proof: VerifiedCallback,
    arrived_at: datetime,
) -> bool:
    """Record a verified callback once, as of its arrival; what names no view of ours is logged.

    Return False for one that was recorded before.
    """
    named = decode_nonce(proof.nonce)
    if named is None:
        log.warning("callback of %s carries no nonce of ours", proof.network)
        return True
    view_id, user_id = named
    claimed = await claim_event(
        services.database, proof.network, proof.event_id, view_id, arrived_at
    )
    if claimed != view_id:
        log.warning("callback of %s: its event was for another view", proof.network)
        details = {"network": proof.network, "event_id": proof.event_id, "first_view_id": claimed}
        where = evidence(request)
        await suspect_event(services.database, user_id, details, view_id, where, arrived_at)
        return True
    action = ConfirmView(view_id, proof.network, proof.event_id, proof.ad_unit, proof.seconds)
    wish = Wish(
        user_id=user_id,
        action=action,
        origin="network:" + proof.network,
        key=proof.event_id,
        body_hash=sha256(encode(action).encode()).digest(),
        recorded_at=arrived_at,
        evidence=evidence(request),
        view_id=view_id,
    )
    try:
        return (await record_and_ring(services, wish)).is_new
    except ProblemError as error:
        # A duplicate event with other contents, or a view that is not there: answered like the
        # first, since a repeat could not change it.
        log.warning("callback of %s has no effect: %s", proof.network, error.problem.type)
        return True


def _respond(answer: Answer) -> Response[bytes]:
    return Response(
        answer.body,
        status_code=answer.status,
        media_type=answer.content_type,
        headers={"Cache-Control": "no-store"} | dict(answer.headers),
    )


handlers: list[Any] = [started, completed, failed, callback]
router = Router(
    "/v1/ads", route_handlers=handlers, tags=["ads"], security=[{"bearer": []}], opt=MEMBER
)
