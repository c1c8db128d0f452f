"""Accounts: register, sign in, refresh, sign out. Synchronous: they change no rewards."""

from datetime import datetime
from typing import Annotated, Any

from litestar import Router, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta, Struct

from api.auth import (
    ACCESS_SECONDS,
    Tokens,
    hash_password,
    issue_access_token,
    needs_rehash,
    new_refresh_token,
    normal_email,
    normal_phone,
    refresh_token_user,
    verify_password,
)
from api.permissions import PUBLIC
from api.problems import ProblemError, bad_request, unauthorized
from api.services import Services
from models.accounts import (
    IdentityTakenError,
    find_by_identity,
    note_login,
    register,
    revoke_token,
    rotate_token,
    store_token,
)
from models.clock import new_id, utcnow

Password = Annotated[str, Meta(min_length=8, max_length=128)]
Identity = Annotated[str, Meta(min_length=3, max_length=254)]


class Credentials(Struct, frozen=True, forbid_unknown_fields=True):
    """An e-mail address or a phone number, and a password."""

    password: Password
    email: Identity | None = None
    phone: Identity | None = None


class RefreshToken(Struct, frozen=True, forbid_unknown_fields=True):
    """The refresh token from the last sign-in or refresh."""

    refresh_token: Annotated[str, Meta(max_length=256)]


def identity_of(credentials: Credentials) -> tuple[str, str]:
    """(kind, value) in normal form. Raise ProblemError (400) unless there is exactly one."""
    if (credentials.email is None) == (credentials.phone is None):
        raise bad_request("Send either an e-mail address or a phone number.")
    if credentials.email is not None:
        kind, value = "email", normal_email(credentials.email)
    else:
        kind, value = "phone", normal_phone(credentials.phone or "")
    if value is None:
        raise bad_request(f"This is not a valid {kind}. Phone numbers begin with + and country.")
    return kind, value


@post("/register", summary="Create an account")
async def register_account(
    data: JSONBody[Credentials], services: NamedDependency[Services]
) -> Tokens:
    """Create an account in the group that suits best, and sign in."""
    kind, value = identity_of(data)
    hashed = await hash_password(data.password)
    now = utcnow()
    try:
        account = await register(
            services.database, services.installation.table, kind, value, hashed, now
        )
    except IdentityTakenError:
        raise ProblemError(
            "identity-taken", "Already registered", 409, f"This {kind} is registered. Sign in."
        ) from None
    return await _sign_in(services, account.id, now)


@post("/login", status_code=200, summary="Sign in")
async def login(data: JSONBody[Credentials], services: NamedDependency[Services]) -> Tokens:
    """Sign in. The answer does not tell an unknown account from a wrong password."""
    kind, value = identity_of(data)
    account = await find_by_identity(services.database, kind, value)
    fits = await verify_password(account.password_hash if account else None, data.password)
    if account is None or not fits:
        raise unauthorized("The account or the password is wrong.")
    if not account.is_active:
        raise ProblemError("account-disabled", "Account disabled", 403, "This account is disabled.")
    renewed = await hash_password(data.password) if needs_rehash(account.password_hash) else None
    now = utcnow()
    await note_login(services.database, account.id, now, renewed)
    return await _sign_in(services, account.id, now)


@post("/refresh", status_code=200, summary="Renew the tokens")
async def refresh(data: JSONBody[RefreshToken], services: NamedDependency[Services]) -> Tokens:
    """Exchange a refresh token, once. A second use ends every token of that sign-in."""
    user_id = refresh_token_user(data.refresh_token)
    if user_id is None:
        raise unauthorized("The refresh token is not valid. Sign in again.")
    now, successor = utcnow(), new_refresh_token(user_id)
    rotated = await rotate_token(services.database, user_id, data.refresh_token, successor, now)
    if rotated is None:
        raise unauthorized("The refresh token is not valid. Sign in again.")
    return _tokens(services, user_id, successor, now)


@post("/logout", status_code=204, summary="Sign out")
async def logout(data: JSONBody[RefreshToken], services: NamedDependency[Services]) -> None:
    """End the sign-in that this refresh token belongs to."""
    user_id = refresh_token_user(data.refresh_token)
    if user_id is not None:
        await revoke_token(services.database, user_id, data.refresh_token, utcnow())


async def _sign_in(services: Services, user_id: int, now: datetime) -> Tokens:
    token = new_refresh_token(user_id)
    await store_token(services.database, user_id, new_id(now), token, now)
    return _tokens(services, user_id, token, now)


def _tokens(services: Services, user_id: int, refresh_token: str, now: datetime) -> Tokens:
    return Tokens(
        access_token=issue_access_token(services.config.secret, user_id, now),
        refresh_token=refresh_token,
        token_type="Bearer",  # noqa: S106
        expires_in=ACCESS_SECONDS,
    )


handlers: list[Any] = [register_account, login, refresh, logout]
router = Router("/v1/auth", route_handlers=handlers, tags=["accounts"], opt=PUBLIC)
