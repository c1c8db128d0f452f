"""Where a request came from."""

from typing import Any

from litestar import Request

from api.web_base.client_ip import client_ip
from engine.core.evidence import Evidence
from runtime.telemetry.context import request_id


def evidence(request: Request[Any, Any, Any]) -> Evidence:
    """Where a request came from; it travels with the intent."""
    return Evidence(
        ip=client_ip(request.scope, request.app.state.config.trusted_proxies),
        user_agent=request.headers.get("user-agent", "")[:500],
        request_id=request_id(request.scope),  # type: ignore[arg-type]
    )
