"""The application: `create_app` for servers and tests, `app` for the process (`python -m api`)."""

import os

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from api.domains import ROUTERS
from api.web_base import pages
from api.web_base.admission import AdmissionMiddleware
from api.web_base.counting import begin, count_answer, traced
from api.web_base.documentation import describe
from api.web_base.gate import BODY_BYTES_MAX, Gate, plainly_named
from api.web_base.limits import LimitsMiddleware
from api.web_base.permissions import PUBLIC, check_routes, provide_actor
from api.web_base.problems import HANDLERS
from api.web_base.requests import JSONRequest
from api.web_base.services import lifespan, provide_services
from api.web_base.tokens import provide_access, provide_user_id
from runtime.environment import Config, load_config
from runtime.telemetry import traces
from runtime.telemetry.logs import set_up_logs


def create_app(config: Config) -> Litestar:
    """An application that opens its connections when it starts, not before."""
    app = Litestar(
        route_handlers=[*ROUTERS, *pages.routers],
        state=State({"config": config}),
        lifespan=[lifespan],
        dependencies={
            "services": Provide(provide_services, sync_to_thread=False),
            "user_id": Provide(provide_user_id),
            "actor": Provide(provide_actor),
            "access": Provide(provide_access),
        },
        exception_handlers=HANDLERS,
        middleware=[
            begin,
            *([traced] if traces.active() else []),
            plainly_named,
            AdmissionMiddleware(),
            LimitsMiddleware(),
        ],
        before_send=[count_answer],
        request_class=JSONRequest,
        request_max_body_size=BODY_BYTES_MAX,
        openapi_config=_documentation(),
        logging_config=None,
        debug=False,
    )
    check_routes(app)
    describe(app)
    app.asgi_handler = Gate(app.asgi_handler)
    return app


def _documentation() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="TWTC Engine",
        version="1",
        path="/docs",
        description="Attention in, coins out. Amounts are decimal strings of TWTC, instants "
        "RFC 3339 in UTC; errors are RFC 9457 problems.",
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")
            }
        ),
        render_plugins=[
            SwaggerRenderPlugin(
                js_url="/swagger/swagger-ui-bundle.js",
                css_url="/swagger/swagger-ui.css",
                standalone_preset_js_url="/swagger/preset.js",
                favicon='<link rel="icon" href="/app/icon.svg">',
            )
        ],
        openapi_router=Router(
            "/docs",
            route_handlers=[],
            opt=PUBLIC,
            include_in_schema=False,
            response_headers=pages.HEADERS | {"Content-Security-Policy": pages.DOCUMENT_POLICY},
        ),
    )


def create_from_environment() -> Litestar:
    """The application of a process that serves it."""
    config = load_config(signs=True)
    set_up_logs("web", config.telemetry.logs)
    traces.set_up_traces("web", os.environ)
    return create_app(config)
