"""Tokens (decisions 0015 and 0027; RFC 8725, RFC 9068, RFC 9700)."""

import hmac
import secrets
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any
from uuid import UUID

import jwt
from litestar import Request
from litestar.di import NamedDependency
from msgspec import Struct

from api.web_base.problems import ProblemError, unauthorized
from api.web_base.services import Services
from engine.core.timeline import EPOCH
from runtime.clock import utcnow
from runtime.telemetry.context import note

ISSUER = "twtc"
AUDIENCE = "twtc-api"
ALGORITHM = "HS256"
ACCESS_TYPE = "at+jwt"
TICKET_TYPE = "mfa+jwt"
ACCESS_SECONDS = 15 * 60
TICKET_SECONDS = 5 * 60
TOKENS_KEPT = 20_000


class Access(Struct, frozen=True):
    """Who signs a request: the user, the sign-in of their device, when it was made, and until when
    the token is good."""

    user_id: int
    sign_in_id: UUID
    authenticated_at: datetime
    expires_at: datetime


def new_refresh_token(user_id: int) -> str:
    """A refresh token: the user's id, so that it is found in its bucket, and 256 random bits."""
    return f"{user_id}.{secrets.token_urlsafe(32)}"


def successor_of(secret: bytes, token: str, user_id: int) -> str:
    """The refresh token that follows: always the same, and only we can tell it."""
    digest = hmac.new(secret, b"refresh:" + token.encode(), sha256).digest()
    return f"{user_id}.{urlsafe_b64encode(digest).decode().rstrip('=')}"


def refresh_token_user(token: str) -> int | None:
    """The user id a refresh token claims to belong to."""
    claimed, _, secret = token.partition(".")
    if not (claimed.isascii() and claimed.isdecimal() and len(claimed) <= 18 and secret):
        return None
    return int(claimed)


def issue_access_token(
    secret: bytes,
    user_id: int,
    now: datetime,
    sign_in_id: UUID = UUID(int=0),  # noqa: B008
    authenticated_at: datetime | None = None,
) -> str:
    """A JWT for fifteen minutes."""
    claims = {
        "sid": str(sign_in_id),
        "auth_time": int((authenticated_at or now).timestamp()),
    }
    return _issue(secret, ACCESS_TYPE, ACCESS_SECONDS, user_id, now, claims)


def issue_ticket(secret: bytes, user_id: int, password_hash: str, now: datetime) -> str:
    """A JWT for whoever gave the password and owes the second factor; not after a new password."""
    claims = {"pwd": _mark(password_hash)}
    return _issue(secret, TICKET_TYPE, TICKET_SECONDS, user_id, now, claims)


def read_access_token(secret: bytes, token: str, now: datetime) -> Access:
    """Who a valid token speaks for. Raise ProblemError (401) for any other.

    RFC 8725: the algorithm is pinned, issuer, audience, expiry and type are checked.
    """
    access = _verify_access(secret, token)
    if now >= access.expires_at:
        raise unauthorized("The access token has expired. Refresh it.")
    return access


class Ticket(Struct, frozen=True):
    """Whose password was given, and which it was."""

    user_id: int
    mark: str

    def is_of(self, password_hash: str) -> bool:
        """Whether it was given for this password."""
        return hmac.compare_digest(self.mark, _mark(password_hash))


def read_ticket(secret: bytes, token: str, now: datetime) -> Ticket:
    """A valid ticket. Raise ProblemError (401) for any other."""
    claims = _verify_token(secret, TICKET_TYPE, token)
    if claims is None or now.timestamp() >= claims["exp"]:
        raise ticket_over()
    return Ticket(int(claims["sub"]), str(claims["pwd"]))


def ticket_over() -> ProblemError:
    """401: the password has to be given again."""
    return unauthorized("This sign-in took too long. Begin again with your password.")


def _mark(password_hash: str) -> str:
    return sha256(password_hash.encode()).hexdigest()[:16]


# Phones send the same token for minutes. What holds of it at any time is kept; the clock is not.
@lru_cache(maxsize=TOKENS_KEPT)
def _verify_access(secret: bytes, token: str) -> Access:
    claims = _verify_token(secret, ACCESS_TYPE, token)
    if claims is None:
        raise unauthorized("The access token is not valid. Sign in again.")
    try:
        since, until = (
            EPOCH + timedelta(seconds=int(claims[name])) for name in ("auth_time", "exp")
        )
        return Access(int(claims["sub"]), UUID(claims["sid"]), since, until)
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise unauthorized("The access token is not valid. Sign in again.") from None


def _issue(
    secret: bytes, type_: str, seconds: int, user_id: int, now: datetime, more: dict[str, Any]
) -> str:
    claims = more | {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(user_id),
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(seconds=seconds)).timestamp()),
    }
    return jwt.encode(claims, secret, ALGORITHM, headers={"typ": type_})


def _verify_token(secret: bytes, type_: str, token: str) -> dict[str, Any] | None:
    """The claims of a token of this type that we signed, at whatever time."""
    required = ["iss", "aud", "sub", "iat", "exp"]
    required += ["sid", "auth_time"] if type_ == ACCESS_TYPE else ["pwd"]
    try:
        parsed: dict[str, Any] = jwt.decode_complete(
            token,
            secret,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            # Our clock decides, not the library's.
            options={"verify_exp": False, "verify_iat": False, "require": required},
        )
        claims: dict[str, Any] = parsed["payload"]
        is_whole = 0 < int(claims["sub"]) < 2**63 and int(claims["exp"]) > 0
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError):
        return None
    return claims if is_whole and parsed["header"].get("typ") == type_ else None


async def provide_access(
    request: Request[Any, Any, Any], services: NamedDependency[Services]
) -> Access:
    """Who signs a request, and since when, as a dependency of handlers."""
    return access_of(services, request.headers.get("authorization", ""))


async def provide_user_id(
    request: Request[Any, Any, Any], services: NamedDependency[Services]
) -> int:
    """The signed-in user of a request, as a dependency of handlers."""
    user_id = signed_in(services, request.headers.get("authorization", ""))
    note(user_id=user_id)
    return user_id


def signed_in(services: Services, authorization: str) -> int:
    """The user of an Authorization header (RFC 6750). Raise ProblemError (401) if there is none."""
    return access_of(services, authorization).user_id


def access_of(services: Services, authorization: str) -> Access:
    """Who an Authorization header speaks for. Raise ProblemError (401) if it is nobody."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise unauthorized()
    return read_access_token(services.config.secret, token.strip(), utcnow())
