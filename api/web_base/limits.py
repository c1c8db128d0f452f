"""How often somebody may ask (blueprint, "Security"; decision 0029).

Who is signed in counts by themselves, whoever else shares their address; others count by their
address and the networks around it. A route's `opt["limits"]` names what else it counts against. The
poll counts in its own process, since a question to Redis would cost more than its answer.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.web_base.client_ip import client_ip, networks_of
from api.web_base.permissions import has_higher_limits, is_public
from api.web_base.problems import ProblemError, rate_limited
from api.web_base.services import Services
from api.web_base.tokens import signed_in
from engine.admin.configuration import Configuration
from engine.core.limit import Limit
from runtime.clock import utcnow
from runtime.limiter import Count, Limiter, Standing

RefusedBy = Callable[[dict[str, str]], ProblemError]
UNLIMITED = {"is_unlimited": True}
VIP_FACTOR = 3


class LimitsMiddleware(ASGIMiddleware):
    """Counts every request of a route that is not UNLIMITED, and says how the counts stand."""

    scopes = (ScopeType.HTTP,)
    exclude_opt_key = "is_unlimited"

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Refuse with 429, or pass on; either with RateLimit headers."""
        services: Services = scope["litestar_app"].state.services
        if not services.config.has_limits:
            await next_app(scope, receive, send)
            return
        handler = scope["route_handler"]
        settings = await services.configurations.at(utcnow())
        # A public route asks nobody's token: with one it would be no less a stranger's request.
        user_id = None if is_public(handler) else _user_of(scope)
        standings = [
            await _take_all(services.limiter, counts)
            for counts in counts_of(scope, settings, handler.opt.get("limits", ()), user_id)
        ]
        refused = [standing for standing in standings if not standing.is_allowed]
        if refused and user_id is not None and await has_higher_limits(services, user_id):
            standings = [await _take_more(services.limiter, s) for s in standings]
            refused = [standing for standing in standings if not standing.is_allowed]
        if refused:
            raise _refusal(refused)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_encoded(headers_of(standings))]
            await send(message)

        await next_app(scope, receive, send_with_headers)


def counts_of(
    scope: Scope, settings: Configuration, names: Sequence[str], user_id: int | None
) -> list[list[Count]]:
    """What a request counts against, by limit: its member or its address, and what its route names.

    Of one limit the narrowest network comes first.
    """
    if user_id is None:
        wanted = ("address", *(name for name in names if name == "registrations"))
        return [_by_network(scope, name, settings.limits[name]) for name in wanted]
    return [[Count(name, settings.limits[name], str(user_id))] for name in ("member", *names)]


def _by_network(scope: Scope, name: str, limit: Limit) -> list[Count]:
    proxies = scope["litestar_app"].state.services.config.trusted_proxies
    return [
        Count(name, Limit(limit.quota * factor, limit.window_seconds), network)
        for network, factor in networks_of(client_ip(scope, proxies))
    ]


async def _take_all(limiter: Limiter, counts: Sequence[Count]) -> Standing:
    """How the tightest of these stands. What one refuses, wider ones are not asked for: nobody
    uses up what their neighbours have."""
    standings: list[Standing] = []
    for count in counts:
        standings.append(await limiter.take(count))
        if not standings[-1].is_allowed:
            break
    return min(standings, key=lambda standing: (standing.is_allowed, standing.remaining))


async def check_poll(scope: Scope, services: Services, user_id: int | None) -> None:
    """Count a poll in this process. Raise ProblemError (429)."""
    limits = (await services.configurations.at(utcnow())).limits
    if user_id is None:
        counts = _by_network(scope, "address", limits["address"])
    else:
        counts = [Count("member", limits["member"], str(user_id))]
    for count in counts:
        seconds = services.tally.take(count.limit, count.key)
        if seconds:
            raise _refusal([Standing(count, False, 0, seconds)])


async def _take_more(limiter: Limiter, standing: Standing) -> Standing:
    """Count once more, by a limit of its own for who may ask more often."""
    if standing.is_allowed:
        return standing
    count, extra = standing.count, VIP_FACTOR - 1
    limit = Limit(count.limit.quota * extra, count.limit.window_seconds)
    return await limiter.take(Count(f"{count.name}-vip", limit, count.key))


def _user_of(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"authorization":
            try:
                return signed_in(scope["litestar_app"].state.services, value.decode("latin-1"))
            except ProblemError:
                return None
    return None


def _refusal(refused: Sequence[Standing]) -> ProblemError:
    longest = max(refused, key=lambda standing: standing.reset_seconds)
    headers = dict(headers_of(refused)) | {"Retry-After": str(longest.reset_seconds)}
    return rate_limited(longest.count.name, headers)


def headers_of(standings: Sequence[Standing]) -> Mapping[str, str]:
    """RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers)."""
    policies = [
        f'"{s.count.name}";q={s.count.limit.quota};w={s.count.limit.window_seconds}'
        for s in standings
    ]
    states = [f'"{s.count.name}";r={s.remaining};t={s.reset_seconds}' for s in standings]
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(states)}


async def take_counts(
    services: Services,
    counts: Sequence[Count],
    refused_by: RefusedBy,
) -> None:
    """Count something against all of these, but no further than to the first that refuses it.

    Raise what `refused_by` makes of the headers.
    """
    if services.config.has_limits:
        for count in counts:
            _refuse([await services.limiter.take(count)], refused_by)


async def check_counts(
    services: Services,
    counts: Sequence[Count],
    refused_by: RefusedBy,
) -> None:
    """As `take_counts`, but count nothing."""
    if services.config.has_limits:
        _refuse([await services.limiter.look(count) for count in counts], refused_by)


def _refuse(standings: Sequence[Standing], refused_by: RefusedBy) -> None:
    refused = [standing for standing in standings if not standing.is_allowed]
    if refused:
        longest = max(standing.reset_seconds for standing in refused)
        raise refused_by(dict(headers_of(refused)) | {"Retry-After": str(longest)})


def _encoded(headers: Mapping[str, str]) -> list[Any]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]
