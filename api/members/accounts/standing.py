"""What an account is asked to do before it may go on: a CAPTCHA, and the device it comes with."""

from typing import Annotated, Any

from litestar import Request, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Struct

from api.captcha.contract import TOKEN_LENGTH_MAX, CaptchaUnavailableError, Challenge
from api.identity.devices import Signals, device_token, fingerprint_of
from api.identity.guesses import CAPTCHA, Whose, guess_at
from api.identity.signing_in import PRIVATE
from api.web_base.client_ip import client_ip
from api.web_base.documentation import problems
from api.web_base.permissions import MEMBER, PUBLIC
from api.web_base.problems import ProblemError, not_found
from api.web_base.services import Services
from engine.core.piece import Piece
from engine.core.text import line
from engine.fraud.levels import Hold
from models.accounts.register import is_tracked
from models.fraud.fingerprints import see_device
from models.fraud.holds import lift_hold
from runtime.clock import utcnow


class Solved(Struct, frozen=True, forbid_unknown_fields=True):
    """What the widget gave, or of the local one the site key, a dot and the sum."""

    token: Annotated[str, line(TOKEN_LENGTH_MAX, 1)]


class DeviceToken(Struct, frozen=True):
    """To be sent as the header `Device-Token` from now on. None for who objects to tracking."""

    device_token: str | None


@get(
    "/captcha",
    summary="What to show",
    opt=PUBLIC,
    response_headers=PRIVATE,
    responses=problems(404),
)
async def challenge(services: NamedDependency[Services]) -> Challenge:
    """Whose CAPTCHA this installation shows."""
    if services.captcha is None:
        raise not_found("CAPTCHA")
    return services.captcha.challenge(utcnow())


@post(
    "/me/captcha",
    status_code=204,
    summary="Send a solved CAPTCHA",
    responses=problems(404),
)
async def solve(
    request: Request[Any, Any, Any],
    data: JSONBody[Solved],
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
) -> None:
    """Ends the hold that asked for it."""
    if services.captcha is None:
        raise not_found("CAPTCHA")
    now = utcnow()
    guess = await guess_at(CAPTCHA, request, services, Whose(user_id))
    ip = client_ip(request.scope, services.config.trusted_proxies)
    try:
        is_right = await services.captcha.is_right(data.token, ip, now)
    except CaptchaUnavailableError:
        raise ProblemError(
            "captcha-unavailable",
            "CAPTCHA not checked",
            503,
            "The CAPTCHA service did not answer. Send it again in a moment.",
            {"Retry-After": "5"},
        ) from None
    if not is_right:
        await guess.was_wrong()
        raise ProblemError("captcha-wrong", "Wrong CAPTCHA", 403, "Solve another one.")
    await guess.was_right()
    await lift_hold(services.database, services.copies, user_id, [Hold.CAPTCHA], now)


@post("/me/device", status_code=200, summary="Tell the device")
async def tell_device(
    data: JSONBody[Signals], services: NamedDependency[Services], user_id: NamedDependency[int]
) -> DeviceToken:
    """Send the signals at every start of the app. Of who objects to tracking nothing is kept."""
    if not await is_tracked(services.database, user_id):
        return DeviceToken(None)
    fingerprint = fingerprint_of(services.config.keyring.index_secret, data)
    flagged = await see_device(services.database, fingerprint, user_id, utcnow())
    await services.bells.ring(
        *(Piece(flag.group_number, flag.bucket) for flag in flagged if flag.is_new)
    )
    return DeviceToken(device_token(services.config.secret, user_id, fingerprint))


handlers: list[Any] = [challenge, solve, tell_device]
router = Router(
    "/v1", route_handlers=handlers, tags=["accounts"], security=[{"bearer": []}], opt=MEMBER
)
