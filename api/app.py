"""The application: `create_app` for servers and tests, `app` for `granian api.app:app`."""

from typing import Any

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from api.auth import provide_access, provide_user_id
from api.counting import count_answer
from api.documentation import describe
from api.limits import LimitsMiddleware
from api.permissions import PUBLIC, check_routes, provide_actor
from api.problems import HANDLERS
from api.requests import JSONRequest
from api.routes import (
    admin,
    ads,
    auth,
    boosts,
    health,
    me,
    mfa,
    mining,
    phones,
    privacy,
    sign_ins,
    standing,
    tasks,
    verification,
    videos,
)
from api.services import lifespan, provide_services
from models.config import Config, load_config

BODY_BYTES_MAX = 16 * 1024


def create_app(config: Config) -> Litestar:
    """An application that opens its connections when it starts, not before."""
    app = Litestar(
        route_handlers=[
            auth.router,
            verification.router,
            mfa.router,
            sign_ins.router,
            me.router,
            mining.router,
            ads.router,
            boosts.router,
            tasks.router,
            videos.router,
            phones.router,
            privacy.router,
            standing.router,
            health.router,
            admin.router,
        ],
        state=State({"config": config}),
        lifespan=[lifespan],
        dependencies={
            "services": Provide(provide_services, sync_to_thread=False),
            "user_id": Provide(provide_user_id),
            "actor": Provide(provide_actor),
            "access": Provide(provide_access),
        },
        exception_handlers=HANDLERS,
        middleware=[LimitsMiddleware()],
        before_send=[count_answer],
        request_class=JSONRequest,
        request_max_body_size=BODY_BYTES_MAX,
        openapi_config=_documentation(),
        logging_config=None,
        debug=False,
    )
    check_routes(app)
    describe(app.openapi_schema)
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
        render_plugins=[SwaggerRenderPlugin()],
        openapi_router=Router("/docs", route_handlers=[], opt=PUBLIC, include_in_schema=False),
    )


def __getattr__(name: str) -> Any:
    # Made on first use, so that importing create_app needs no environment.
    if name == "app":
        application = create_app(load_config(signs=True))
        globals()["app"] = application
        return application
    raise AttributeError(name)
