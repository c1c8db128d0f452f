"""The figures of all web processes, for Prometheus."""

from typing import Any

from litestar import Request, Response, Router, get
from litestar.di import NamedDependency

from api.web_base.admission import ALWAYS
from api.web_base.documentation import problems
from api.web_base.limits import UNLIMITED
from api.web_base.permissions import PUBLIC
from api.web_base.problems import not_found, unauthorized
from api.web_base.services import Services
from runtime.telemetry.endpoint import may_read


@get("/metrics", summary="Figures for Prometheus", responses=problems(401, 404))
async def metrics(
    request: Request[Any, Any, Any], services: NamedDependency[Services]
) -> Response[bytes]:
    """Whoever has TWTC_METRICS_TOKEN may read them; without one they are not there."""
    token = services.config.telemetry.metrics_token
    if not token:
        raise not_found("page")
    if not may_read(token, request.headers.get("authorization", "")):
        raise unauthorized("Send the token of TWTC_METRICS_TOKEN as a bearer token.")
    body, media_type = services.siblings.expose(request.headers.get("accept", ""))
    headers = {"Cache-Control": "no-store"}
    return Response(body, media_type=media_type, headers=headers)


handlers: list[Any] = [metrics]
router = Router("/", route_handlers=handlers, tags=["operations"], opt=PUBLIC | UNLIMITED | ALWAYS)
