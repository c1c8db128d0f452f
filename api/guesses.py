"""Guesses at passwords and codes: who may make how many (decision 0045).

A guess counts where it is made, and for its account over all networks. A device that has signed in
to the account before counts by itself: strangers, however many, use up nothing of its owner's.
"""

import hmac
from typing import Any

from litestar import Request
from msgspec import Struct

from api.client_ip import client_ip, networks_of
from api.devices import known_device
from api.problems import ProblemError, rate_limited
from api.services import Services
from engine.configuration import Limit
from models.clock import new_id, utcnow
from models.guesses import (
    Made,
    Refused,
    count_guess,
    forget_guesses,
    give_back,
    raise_suspicion,
)

DAY_SECONDS = 86_400
# A known device's day is longer, and its own; but whoever has found a phone is no owner either.
KNOWN_FACTOR = 5


class Kind(Struct, frozen=True):
    """What is guessed at. Kinds that name the same `pool` share an account's day.

    `here` bounds the guesses from one place; without it the limit `sign_ins` does, if
    `is_configured`, or nothing.
    """

    name: str
    pool: str
    a_day: int
    here: Limit | None = None
    is_configured: bool = False


PASSWORD = Kind("password", "password", 100, is_configured=True)
FORGOTTEN = Kind("forgotten", "forgotten", 100, is_configured=True)
# Six digits are short: ten wrong ones a day, whatever they are for and however often they are sent.
CODES_A_DAY = 10
VERIFY = Kind("verify", "code", CODES_A_DAY)
CONTACT = Kind("contact", "code", CODES_A_DAY)
RESET = Kind("reset", "code", CODES_A_DAY, is_configured=True)
# Whoever begins to register has five attempts with each message besides.
REGISTER = Kind("register", "register", 100, Limit(10, DAY_SECONDS))
SECOND_FACTOR = Kind("mfa", "code", CODES_A_DAY, Limit(5, 900))
CAPTCHA = Kind("captcha", "captcha", 100, Limit(10, 900))


# Each may cost something, and go to whoever is named.
MESSAGES = Limit(20, DAY_SECONDS)


class Whose(Struct, frozen=True):
    """The account that is guessed at: its number, or for one that is none its blind index."""

    user_id: int | None
    index: str = ""


class Guess(Struct, frozen=True):
    """A guess that may be judged. Say afterwards if it was right, or that it was wrong."""

    services: Services
    kind: Kind
    whose: Whose
    ip: str | None
    here: Made | None
    today: Made | None

    async def was_right(self) -> None:
        """Its maker's earlier guesses were slips; what others have guessed goes on counting."""
        if self.here is not None:
            await forget_guesses(self.services.database, self.here.key)
        if self.today is not None:
            await give_back(self.services.database, self.today)

    async def was_wrong(self) -> None:
        """The last one of an account's day is a suspicion."""
        user_id, now = self.whose.user_id, utcnow()
        if self.today is None or self.today.number < self.kind.a_day or user_id is None:
            return
        # Afterwards: its time would tell that there is such an account.
        self.services.errands.start(
            raise_suspicion(
                self.services.database, user_id, self.kind.name, new_id(now), self.ip, now
            )
        )


async def guess_at(
    kind: Kind, request: Request[Any, Any, Any], services: Services, whose: Whose
) -> Guess:
    """Count a guess before it is compared. Raise ProblemError (429) if there were too many."""
    now, secret, database = utcnow(), services.config.secret, services.database
    ip = client_ip(request.scope, services.config.trusted_proxies)
    account, device = whose.index, None
    if whose.user_id is not None:
        account = str(whose.user_id)
        device = known_device(request, secret, whose.user_id, now)
    place = f"device {device}" if device else networks_of(ip)[0][0]
    here = today = None
    limit = kind.here
    if kind.is_configured and services.config.has_limits:
        limit = (await services.configurations.at(now)).limits["sign_ins"]
    if limit is not None:
        key = _key(secret, kind.name, account, place)
        here = _admit(kind, await count_guess(database, key, limit, now))
    if kind.pool == "code" or services.config.has_limits:
        limit = Limit(kind.a_day * (KNOWN_FACTOR if device else 1), DAY_SECONDS)
        key = _key(secret, f"day of {kind.pool}", account, place if device else "")
        today = _admit(kind, await count_guess(database, key, limit, now))
    return Guess(services, kind, whose, ip, here, today)


async def count_message(services: Services, user_id: int) -> None:
    """Count a message that an account has us send, to whatever address.

    Raise ProblemError (429) if there were too many today.
    """
    if not services.config.has_limits:
        return
    key = _key(services.config.secret, "messages", str(user_id))
    counted = await count_guess(services.database, key, MESSAGES, utcnow())
    if isinstance(counted, Refused):
        raise rate_limited("messages", {"Retry-After": str(counted.seconds)})


def _admit(kind: Kind, counted: Made | Refused) -> Made:
    if isinstance(counted, Made):
        return counted
    headers = {"Retry-After": str(counted.seconds)}
    if kind is SECOND_FACTOR:
        raise ProblemError(
            "mfa-locked",
            "Too many wrong codes",
            429,
            "Too many codes were wrong. Try again later, or from a device you have used before.",
            headers,
        )
    raise rate_limited("guesses", headers)


def _key(secret: bytes, *parts: str) -> bytes:
    return hmac.digest(secret, "\n".join(("guess", *parts)).encode(), "sha256")
