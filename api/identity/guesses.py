"""Guesses at passwords and codes: who may make how many (decision 0045).

A guess counts where it is made, and for its account over all networks. A device that has signed in
to the account before counts by itself: strangers, however many, use up nothing of its owner's. What
nobody guesses, a long code, is good however many they have made.
"""

import hmac
from typing import Any

from litestar import Request
from msgspec import Struct

from api.identity.devices import READER, known_device
from api.web_base.client_ip import client_ip, networks_of
from api.web_base.problems import ProblemError, rate_limited, wrong_code
from api.web_base.services import Services
from engine.core.limit import Limit
from models.accounts.codes import PAUSE, cannot_be_guessed
from models.accounts.guesses import (
    Made,
    Refused,
    count_guess,
    forget_guesses,
    give_back,
    raise_suspicion,
)
from runtime.clock import new_id, utcnow

DAY_SECONDS = 86_400
# A known device's day is longer, and its own; but whoever has found a phone is no owner either.
KNOWN_FACTOR = 5


class Kind(Struct, frozen=True):
    """What is guessed at, and how many of an account's guesses may be made `a_day`, from wherever;
    each kind by itself, so that nobody uses up one by another.

    `here` bounds the guesses from one place; without it the limit `sign_ins` does, if
    `is_configured`, or nothing. `is_code`: counted with TWTC_LIMITS off, too.
    """

    name: str
    a_day: int | None
    here: Limit | None = None
    is_configured: bool = False
    is_code: bool = False


PASSWORD = Kind("password", 100, is_configured=True)
# Over all networks only what is sent for it is bounded (api/identity/allowances.py).
FORGOTTEN = Kind("forgotten", None, is_configured=True)
# Six digits are short: ten wrong ones a day, however often they are sent.
CODES_A_DAY = 10
VERIFY = Kind("verify", CODES_A_DAY, is_code=True)
CONTACT = Kind("contact", CODES_A_DAY, is_code=True)
RESET = Kind("reset", CODES_A_DAY, is_configured=True, is_code=True)
# A ticket that a message went out for has five attempts with that; these are all the others'.
REGISTER = Kind("register", CODES_A_DAY, is_code=True)
SECOND_FACTOR = Kind("mfa", CODES_A_DAY, Limit(5, 900), is_code=True)
CAPTCHA = Kind("captcha", 100, Limit(10, 900))
# Whoever gives a wrong code with one of these is sent a long one when they ask again.
_SENT_LONG = (RESET, REGISTER)


# With one ticket; it is good for no longer.
ATTEMPTS = Limit(5, 3_600)
# Each may cost something, and go to whoever is named.
MESSAGES = Limit(20, DAY_SECONDS)
MESSAGES_TO = Limit(10, DAY_SECONDS)


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
        most = self.kind.a_day
        if self.today is None or most is None or self.today.number < most or user_id is None:
            return
        # Afterwards: its time would tell that there is such an account.
        self.services.background.start(
            raise_suspicion(
                self.services.database, user_id, self.kind.name, new_id(now), self.ip, now
            )
        )


async def guess_at(
    kind: Kind,
    request: Request[Any, Any, Any],
    services: Services,
    whose: Whose,
    code: str = "",
) -> Guess:
    """Count a guess before it is compared. Raise ProblemError (429) if there were too many.

    With a `code` that nobody guesses it counts at its place only.
    """
    now, secret, database = utcnow(), services.config.secret, services.database
    ip = client_ip(request.scope, services.config.trusted_proxies)
    # Looked for also where there is no account, which has id 0: its time would tell.
    device = known_device(request, secret, whose.user_id or 0, now)
    if device == READER and kind is not PASSWORD:
        device = None  # whoever reads the mailbox has no other guesses than before
    account = account_of(whose)
    place = f"device {device}" if device else networks_of(ip)[0][0]
    here = today = None
    limit = kind.here
    if kind.is_configured and services.config.has_limits:
        limit = (await services.configurations.at(now)).limits["sign_ins"]
    if limit is not None:
        key = key_of(secret, kind.name, account, place)
        here = _admit(kind, await count_guess(database, key, limit, now))
    if kind.a_day and not cannot_be_guessed(code) and (kind.is_code or services.config.has_limits):
        limit = Limit(kind.a_day * (KNOWN_FACTOR if device else 1), DAY_SECONDS)
        key = day_key(secret, kind, account, place if device else "")
        counted = await count_guess(database, key, limit, now)
        if isinstance(counted, Refused) and kind in _SENT_LONG:
            raise _used_up()
        today = _admit(kind, counted)
    return Guess(services, kind, whose, ip, here, today)


def account_of(whose: Whose) -> str:
    """What guesses at an account are counted by."""
    return whose.index if whose.user_id is None else str(whose.user_id)


def day_key(secret: bytes, kind: Kind, account: str, device: str = "") -> bytes:
    """What an account's guesses of a day are counted by, over all networks or for a device."""
    return key_of(secret, f"day of {kind.name}", account, device)


async def count_attempt(services: Services, ticket: str) -> None:
    """Count an attempt with a ticket, which only who asked has. Raise ProblemError (422)."""
    key = key_of(services.config.secret, "ticket", ticket)
    if isinstance(await count_guess(services.database, key, ATTEMPTS, utcnow()), Refused):
        raise wrong_code()


async def count_message(services: Services, user_id: int, index: str = "") -> None:
    """Count a message that an account has us send, to whatever address; and where that is not its
    own but that of the blind index, with those of all accounts to it.

    Raise ProblemError (429) if there were too many today.
    """
    if not services.config.has_limits:
        return
    counts = [("messages", str(user_id), MESSAGES)]
    counts += [("messages to", index, MESSAGES_TO)] if index else []
    for what, whose, limit in counts:
        key = key_of(services.config.secret, what, whose)
        counted = await count_guess(services.database, key, limit, utcnow())
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
            "Too many codes were wrong. Use a recovery code or a device you have used before, have "
            "a code sent if that is a method, or try again later.",
            headers,
        )
    raise rate_limited("guesses", headers)


def _used_up() -> ProblemError:
    return ProblemError(
        "codes-used-up",
        "Too many wrong codes",
        429,
        "Too many codes for this address were wrong today. Ask for another one: it is longer, and "
        "good however many were wrong.",
        {"Retry-After": str(PAUSE.seconds)},
    )


def key_of(secret: bytes, *parts: str) -> bytes:
    """A digest of what is counted: no address stands in the table."""
    return hmac.digest(secret, "\n".join(("guess", *parts)).encode(), "sha256")
