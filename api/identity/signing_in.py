"""What signing in ends with: tokens, in the body or half of them in a cookie (decision 0027)."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.datastructures import Cookie
from msgspec import Struct

from api.identity.devices import KNOWN, KNOWN_COOKIE, new_known_device
from api.web_base.client_ip import client_ip
from api.web_base.problems import unauthorized
from api.web_base.services import Services
from api.web_base.tokens import ACCESS_SECONDS, issue_access_token, new_refresh_token
from engine.fraud.levels import Hold
from models.accounts.register import Account
from models.accounts.sign_ins import REFRESH_DAYS, Client, NotSignedInError, begin_sign_in
from models.fraud.holds import lift_hold
from runtime.clock import new_id

COOKIE = "twtc_refresh"
COOKIE_PATH = "/v1/auth"
PRIVATE = {"Cache-Control": "no-store"}


class Tokens(Struct, frozen=True):
    """What a client signs its requests with.

    `refresh_token` is good for one use. `known_device`, at a sign-in, is for the header
    `Known-Device` of later ones: strangers' wrong passwords and codes do not count for this device.
    Both are None if they are in cookies that only we are sent.
    """

    access_token: str
    refresh_token: str | None
    token_type: str
    expires_in: int
    known_device: str | None = None


def client_of(request: Request[Any, Any, Any]) -> Client:
    """The device that sent a request."""
    address = client_ip(request.scope, request.app.state.config.trusted_proxies)
    return Client(request.headers.get("user-agent", "")[:500], address)


async def begin(
    request: Request[Any, Any, Any],
    services: Services,
    account: Account,
    now: datetime,
    *,
    in_cookie: bool,
    renewed_hash: str | None = None,
) -> Response[Tokens]:
    """Sign a device in, and answer its tokens. A renewed hash replaces an outdated one.

    Raise ProblemError (401) if the account has changed since its password was verified.
    """
    user_id = account.id
    family_id, token = new_id(now), new_refresh_token(user_id)
    client, verified = client_of(request), account.password_hash
    try:
        await begin_sign_in(
            services.database, user_id, family_id, token, client, now, verified, renewed_hash
        )
    except NotSignedInError:
        raise unauthorized("The account has just changed. Sign in again.") from None
    if account.hold == Hold.REAUTHENTICATION:
        await lift_hold(services.database, services.copies, user_id, [Hold.REAUTHENTICATION], now)
    known = new_known_device(request, services.config.secret, user_id, now)
    return hand_out(services, user_id, family_id, now, token, now, in_cookie=in_cookie, known=known)


def hand_out(
    services: Services,
    user_id: int,
    family_id: UUID,
    authenticated_at: datetime,
    refresh_token: str,
    now: datetime,
    *,
    in_cookie: bool,
    known: str | None = None,
) -> Response[Tokens]:
    """An answer with tokens, and after a sign-in what makes the device known."""
    access_token = issue_access_token(
        services.config.secret, user_id, now, family_id, authenticated_at
    )
    tokens = Tokens(
        access_token=access_token,
        refresh_token=None if in_cookie else refresh_token,
        token_type="Bearer",  # noqa: S106
        expires_in=ACCESS_SECONDS,
        known_device=None if in_cookie else known,
    )
    cookies = [_cookie(refresh_token, REFRESH_DAYS * 86_400)] if in_cookie else []
    if in_cookie and known:
        cookies.append(known_cookie(known, KNOWN))
    return Response(tokens, headers=PRIVATE, cookies=cookies)


def known_cookie(known: str, kept: timedelta) -> Cookie:
    """What makes a browser known to its account."""
    return _cookie(known, int(kept.total_seconds()), KNOWN_COOKIE, "/v1")


def clear_cookie() -> Cookie:
    """What makes a browser forget its refresh token."""
    return _cookie("", 0)


def _cookie(value: str, seconds: int, name: str = COOKIE, path: str = COOKIE_PATH) -> Cookie:
    return Cookie(
        name,
        path,
        value,
        max_age=seconds,
        secure=True,
        httponly=True,
        samesite="strict",
    )
