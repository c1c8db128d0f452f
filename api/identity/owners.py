"""The account behind a request, and proof that its owner is the one who asks."""

from typing import Any

from litestar import Request

from api.identity.guesses import PASSWORD, Whose, guess_at
from api.identity.passwords import verify_password
from api.web_base.problems import unauthorized, wrong_password
from api.web_base.services import Services
from models.accounts.register import Account, find_account


async def own_account(services: Services, user_id: int) -> Account:
    """The account of a signed-in user. Raise ProblemError (401) if it was closed."""
    account = await find_account(services.database, services.config.keyring, user_id)
    if account is None or not account.is_active:
        raise unauthorized("This account no longer exists.")
    return account


async def confirmed_owner(
    request: Request[Any, Any, Any], services: Services, user_id: int, password: str
) -> Account:
    """The account, if the password is its own: whoever holds a token alone changes no lock.

    Raise ProblemError: 401 if it was closed, 403 for a wrong password, 429 after five of them.
    """
    account = await own_account(services, user_id)
    guess = await guess_at(PASSWORD, request, services, Whose(user_id))
    if not await verify_password(account.password_hash, password):
        await guess.was_wrong()
        raise wrong_password()
    await guess.was_right()
    return account
