"""Passwords and tokens (decision 0015; RFC 8725, RFC 9700)."""

import asyncio
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from litestar import Request
from litestar.di import NamedDependency
from msgspec import Struct

from api.problems import unauthorized
from api.services import Services
from models.clock import utcnow

ISSUER = "twtc"
AUDIENCE = "twtc-api"
ALGORITHM = "HS256"
TOKEN_TYPE = "at+jwt"  # noqa: S105 (RFC 9068)
ACCESS_SECONDS = 15 * 60
TOKENS_KEPT = 20_000

# OWASP 2026: Argon2id with 19 MiB, two passes, one lane.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Hashing releases the GIL for some 20 ms: two threads of its own keep it off the event loop and
# bound its memory.
_hashing = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")

_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f.]+(\.[^@\s\x00-\x1f.]+)+")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")  # E.164


class Tokens(Struct, frozen=True):
    """What a client signs its requests with. `refresh_token` is good for one use."""

    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int


def normal_email(value: str) -> str | None:
    """An e-mail address in the form in which it is unique, or None if it is not one."""
    value = value.strip().lower()
    return value if len(value) <= 254 and _EMAIL.fullmatch(value) else None


def normal_phone(value: str) -> str | None:
    """A phone number in E.164 form, or None if it is not one."""
    value = re.sub(r"[\s().-]", "", value)
    return value if _PHONE.fullmatch(value) else None


async def hash_password(password: str) -> str:
    """Argon2id hash, computed off the event loop."""
    return await asyncio.get_running_loop().run_in_executor(_hashing, _hasher.hash, password)


async def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether the password fits. For an unknown account the same work is done in vain."""
    reference = password_hash or await _decoy_hash()
    fits = await asyncio.get_running_loop().run_in_executor(_hashing, _verify, reference, password)
    return fits and password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Whether a hash was made with older parameters."""
    return _hasher.check_needs_rehash(password_hash)


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


_decoy: str | None = None


async def _decoy_hash() -> str:
    global _decoy
    if _decoy is None:
        _decoy = await hash_password(secrets.token_urlsafe())
    return _decoy


def new_refresh_token(user_id: int) -> str:
    """A refresh token: the user's id, so that it is found in its bucket, and 256 random bits."""
    return f"{user_id}.{secrets.token_urlsafe(32)}"


def refresh_token_user(token: str) -> int | None:
    """The user id a refresh token claims to belong to."""
    claimed, _, secret = token.partition(".")
    if not (claimed.isascii() and claimed.isdecimal() and len(claimed) <= 18 and secret):
        return None
    return int(claimed)


def issue_access_token(secret: bytes, user_id: int, now: datetime) -> str:
    """A JWT for fifteen minutes."""
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(user_id),
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(seconds=ACCESS_SECONDS)).timestamp()),
    }
    return jwt.encode(claims, secret, ALGORITHM, headers={"typ": TOKEN_TYPE})


def read_access_token(secret: bytes, token: str, now: datetime) -> int:
    """The user id of a valid token. Raise ProblemError (401) for any other.

    RFC 8725: the algorithm is pinned, issuer, audience, expiry and type are checked.
    """
    user_id, expires = _verify_token(secret, token)
    if now.timestamp() >= expires:
        raise unauthorized("The access token has expired. Refresh it.")
    return user_id


# Phones send the same token for minutes. What holds of it at any time is kept; the clock is not.
@lru_cache(maxsize=TOKENS_KEPT)
def _verify_token(secret: bytes, token: str) -> tuple[int, int]:
    """User id and expiry of a token that we signed."""
    try:
        parsed: dict[str, Any] = jwt.decode_complete(
            token,
            secret,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            # Our clock decides, not the library's.
            options={
                "verify_exp": False,
                "verify_iat": False,
                "require": ["iss", "aud", "sub", "iat", "exp"],
            },
        )
        claims = parsed["payload"]
        user_id, expires = int(claims["sub"]), int(claims["exp"])
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError):
        raise unauthorized("The access token is not valid. Sign in again.") from None
    if parsed["header"].get("typ") != TOKEN_TYPE or not 0 < user_id < 2**63:
        raise unauthorized("The access token is not valid. Sign in again.")
    return user_id, expires


async def provide_user_id(
    request: Request[Any, Any, Any], services: NamedDependency[Services]
) -> int:
    """The signed-in user of a request, as a dependency of handlers."""
    return signed_in(services, request.headers.get("authorization", ""))


def signed_in(services: Services, authorization: str) -> int:
    """The user of an Authorization header (RFC 6750). Raise ProblemError (401) if there is none."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise unauthorized()
    return read_access_token(services.config.secret, token.strip(), utcnow())
