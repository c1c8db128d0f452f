"""The way back from a change of address: by the word of our message to the former one."""

import hmac
from typing import Annotated

from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Struct

from api.identity.contact_words import back_token
from api.web_base.documentation import problems
from api.web_base.problems import wrong_code
from api.web_base.services import Services
from api.web_base.tokens import refresh_token_user
from engine.core.plain import plain
from engine.core.text import line
from models.contacts.change import NoChangeError, find_change, take_back
from runtime.clock import utcnow


class TokenGiven(Struct, frozen=True, forbid_unknown_fields=True):
    """What our message to the former address says."""

    token: Annotated[str, line(256, 1)]


class TakenBack(Struct, frozen=True):
    """CANCELLED before it took effect, or REVERTED after: then choose a new password."""

    status: str


@post(
    "/contact/undo",
    status_code=200,
    summary="Take a change of address back",
    responses=problems(422),
)
async def undo(data: JSONBody[TokenGiven], services: NamedDependency[Services]) -> TakenBack:
    """By what our message to the former address says. One in effect is undone with the password
    and the second factors: all sign-ins end, and a new password is chosen by
    /v1/auth/password/forgotten."""
    token = plain(data.token)
    user_id = refresh_token_user(token)
    change = None if user_id is None else await find_change(services.database, user_id)
    if change is None or not hmac.compare_digest(
        back_token(services.config.secret, change).encode(), token.encode()
    ):
        raise wrong_code()
    try:
        status = await take_back(services.database, services.copies, change, utcnow())
    except NoChangeError:
        raise wrong_code() from None
    return TakenBack(status)
