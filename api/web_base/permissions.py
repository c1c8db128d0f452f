"""Who may call which route: declared by every route, enforced here and nowhere else.

A route says `opt=PUBLIC`, `opt=MEMBER` or `opt=needs(Permission.…)`, itself or by its router. One
that says nothing, or is not guarded as it says, keeps the application from starting (decision
0028).
"""

from collections.abc import Iterator
from typing import Any

from litestar import Litestar, Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.routes import HTTPRoute

from api.web_base.evidence import evidence
from api.web_base.problems import ProblemError, forbidden, held, unauthorized
from api.web_base.services import Services
from api.web_base.tokens import access_of
from engine.admin.permissions import Permission, may
from engine.fraud.holds import refuse_held
from engine.fraud.levels import WHO_ACTS, held_at
from models.admin.roles import read_caller, read_role
from models.base.trail import Actor
from runtime.clock import utcnow

_PUBLIC, _MEMBER = "public", "member"
PUBLIC = {"permission": _PUBLIC}
MEMBER = {"permission": _MEMBER}
# By one of these dependencies a member's route has verified the token before it runs.
_SIGNED_IN = frozenset({"user_id", "access"})


class OpenRouteError(RuntimeError):
    """A route does not say who may call it, or is not guarded as it says."""


def needs(permission: Permission) -> dict[str, Any]:
    """The declaration of a route that not every member may call."""
    return {"permission": permission}


async def enforce(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """The guard of privileged routes: standing and sign-in are read from the database every time.

    Raise ProblemError: 401 without a valid token of a sign-in that lasts, 403 without the
    permission, or while it is in doubt who acts.
    """
    needed = handler.opt.get("permission")
    if connection.scope.get("method") == "OPTIONS":
        return  # the framework's own answer: which methods there are
    if not isinstance(needed, Permission):
        raise forbidden()
    services: Services = connection.app.state.services
    access, now = access_of(services, connection.headers.get("authorization", "")), utcnow()
    caller = await read_caller(services.database, access.user_id, access.sign_in_id, now)
    if caller is None:
        raise unauthorized("This account no longer exists.")
    if not caller.is_active:
        raise ProblemError("account-disabled", "Account disabled", 403, "This account is disabled.")
    if not may(caller.role, needed):
        raise forbidden(needed)
    if not caller.is_signed_in:
        raise unauthorized("This sign-in has ended. Sign in again.")
    hold = held_at(caller.alert, now)
    if hold in WHO_ACTS:
        raise held(refuse_held(hold, caller.alert.hold_until))
    connection.scope["twtc_role"] = (access.user_id, caller.role)  # type: ignore[typeddict-unknown-key]


async def has_higher_limits(services: Services, user_id: int) -> bool:
    """Whether somebody who reached a limit may ask more often."""
    role = await read_role(services.database, user_id)
    return role is not None and may(role, Permission.HIGHER_LIMITS)


async def provide_actor(request: Request[Any, Any, Any]) -> Actor:
    """Who does something privileged, and from where, as a dependency of guarded handlers."""
    user_id, role = request.scope["twtc_role"]  # type: ignore[typeddict-item]
    return Actor(user_id, role, evidence(request).ip)


def handlers_of(app: Litestar) -> Iterator[tuple[str, str, BaseRouteHandler]]:
    """Every (path, method, handler) that the application answers, but for automatic OPTIONS."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                for method in sorted(handler.http_methods - {"OPTIONS"}):
                    yield route.path_format, method, handler
        else:
            yield route.path_format, "any", route.route_handler


def is_public(handler: BaseRouteHandler) -> bool:
    """Whether anybody may call it."""
    return bool(handler.opt.get("permission") == _PUBLIC)


def check_routes(app: Litestar) -> None:
    """Raise OpenRouteError for a route that does not say who may call it, or does not keep it."""
    for path, method, handler in handlers_of(app):
        needed, name = handler.opt.get("permission"), f"{method} {path}"
        if isinstance(needed, Permission):
            if enforce not in _guards(handler):
                raise OpenRouteError(f"{name} needs {needed}, but is not guarded")
        elif needed == _MEMBER:
            if not _SIGNED_IN & handler.parsed_fn_signature.parameters.keys():
                raise OpenRouteError(f"{name} is for members, but does not ask who is signed in")
        elif not is_public(handler):
            raise OpenRouteError(f"{name} does not say who may call it")


def _guards(handler: BaseRouteHandler) -> list[Any]:
    return [guard for layer in handler.ownership_layers for guard in layer.guards or ()]
