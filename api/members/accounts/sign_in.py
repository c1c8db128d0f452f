"""Accounts: sign in, refresh, sign out. Synchronous: they change no rewards."""

from typing import Annotated, Any

from litestar import Request, Response, Router, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Struct

from api.identity.guesses import PASSWORD, Whose, guess_at
from api.identity.identities import Identity, identity_of
from api.identity.passwords import Password, hash_password, needs_rehash, verify_password
from api.identity.signing_in import (
    COOKIE,
    PRIVATE,
    Tokens,
    begin,
    clear_cookie,
    client_of,
    hand_out,
)
from api.members.accounts.contact_undo import undo
from api.web_base.admission import HASHES
from api.web_base.cookies import cookie_of
from api.web_base.documentation import problems
from api.web_base.permissions import MEMBER, PUBLIC
from api.web_base.problems import ProblemError, unauthorized
from api.web_base.services import Services
from api.web_base.tokens import Access, issue_ticket, refresh_token_user, successor_of
from engine.core.text import line
from models.accounts.register import find_by_identity
from models.accounts.second_factors import find_factors
from models.accounts.sign_ins import revoke_all, revoke_token, rotate_token
from runtime.clock import utcnow


class Credentials(Identity, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An address and its password. `in_cookie`: for browsers, keeps the refresh token from
    scripts."""

    password: Password
    in_cookie: bool = False


class RefreshToken(Struct, frozen=True, forbid_unknown_fields=True):
    """The refresh token from the last sign-in or refresh; without it, the cookie's."""

    refresh_token: Annotated[str, line(256)] | None = None


class SecondFactorNeeded(Struct, frozen=True):
    """The password was right. Send one of these codes with the ticket to /v1/auth/mfa."""

    ticket: str
    methods: list[str]


@post(
    "/login",
    status_code=200,
    summary="Sign in",
    opt=HASHES,
    responses=problems(401, 403),
)
async def login(
    request: Request[Any, Any, Any],
    data: JSONBody[Credentials],
    services: NamedDependency[Services],
) -> Response[Tokens | SecondFactorNeeded]:
    """Sign in. The answer does not tell an unknown account from a wrong password.

    With a second factor it is a ticket for /v1/auth/mfa.
    """
    kind, value = identity_of(data)
    keyring = services.config.keyring
    account = await find_by_identity(services.database, keyring, kind, value)
    whose = Whose(account.id if account else None, keyring.index(kind, value))
    guess = await guess_at(PASSWORD, request, services, whose)
    fits = await verify_password(account.password_hash if account else None, data.password)
    if account is None or not fits:
        await guess.was_wrong()
        raise unauthorized("The account or the password is wrong.")
    if not account.is_active:
        raise ProblemError("account-disabled", "Account disabled", 403, "This account is disabled.")
    await guess.was_right()
    now = utcnow()
    if account.has_second_factors:
        factors = await find_factors(services.database, keyring, account.id)
        if factors.methods:
            secret = services.config.secret
            ticket = issue_ticket(secret, account.id, account.password_hash, now)
            return Response(SecondFactorNeeded(ticket, factors.methods), headers=PRIVATE)
    renewed = await hash_password(data.password) if needs_rehash(account.password_hash) else None
    return await begin(  # type: ignore[return-value]
        request, services, account, now, in_cookie=data.in_cookie, renewed_hash=renewed
    )


@post("/refresh", status_code=200, summary="Renew the tokens", responses=problems(401))
async def refresh(
    request: Request[Any, Any, Any],
    data: JSONBody[RefreshToken],
    services: NamedDependency[Services],
) -> Response[Tokens]:
    """Exchange a refresh token, once. Whoever lost the answer sends it again, and gets the same.

    That holds until the token in the answer was used. Then another use of the one before ends every
    token of that sign-in.
    """
    token = data.refresh_token or cookie_of(request, COOKIE)
    user_id = refresh_token_user(token)
    if user_id is None:
        raise unauthorized("The refresh token is not valid. Sign in again.")
    now, successor = utcnow(), successor_of(services.config.secret, token, user_id)
    rotated = await rotate_token(
        services.database, user_id, token, successor, client_of(request), now
    )
    if rotated is None:
        raise unauthorized("The refresh token is not valid. Sign in again.")
    return hand_out(
        services,
        user_id,
        rotated.family_id,
        rotated.created_at,
        successor,
        now,
        in_cookie=data.refresh_token is None,
    )


@post("/logout", status_code=204, summary="Sign out")
async def logout(
    request: Request[Any, Any, Any],
    data: JSONBody[RefreshToken],
    services: NamedDependency[Services],
) -> Response[None]:
    """End the sign-in that this refresh token belongs to."""
    token = data.refresh_token or cookie_of(request, COOKIE)
    user_id = refresh_token_user(token)
    if user_id is not None:
        await revoke_token(services.database, user_id, token, utcnow())
    cookies = [clear_cookie()] if data.refresh_token is None else []
    return Response(None, status_code=204, cookies=cookies)


@post(
    "/logout-everywhere",
    status_code=204,
    summary="Sign out on every device",
    opt=MEMBER,
    security=[{"bearer": []}],
)
async def logout_everywhere(
    services: NamedDependency[Services], access: NamedDependency[Access]
) -> None:
    """End all sign-ins, this one too. Access tokens end with their fifteen minutes."""
    await revoke_all(services.database, access.user_id, utcnow())


handlers: list[Any] = [login, refresh, logout, logout_everywhere, undo]
router = Router("/v1/auth", route_handlers=handlers, tags=["accounts"], opt=PUBLIC)
