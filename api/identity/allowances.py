"""How many messages with codes go to an address, and how long their codes are (decision 0045).

Strangers may ask for them as its owner does. So the last one of a day, and whatever is sent once
strangers have guessed the short codes' day away, brings a long code: nobody guesses it, it is good
for a day, and until then it is in the mailbox, where only its owner finds it.
"""

from datetime import timedelta
from typing import Any

from litestar import Request
from msgspec import Struct

from api.identity.guesses import DAY_SECONDS, Kind, Whose, account_of, day_key, key_of
from api.web_base.client_ip import client_ip, networks_of
from api.web_base.problems import ProblemError
from api.web_base.services import Services
from engine.core.limit import Limit
from models.accounts.codes import LONG, SHORT, Length
from models.accounts.guesses import count_guess, counts_of, forget_guesses
from runtime.clock import utcnow

# To one address, for one purpose: what a network has us send, and all of them together.
HERE = Limit(5, DAY_SECONDS)
EVERYWHERE = Limit(10, DAY_SECONDS)
_ONCE = Limit(1, DAY_SECONDS)
_DAY = timedelta(seconds=DAY_SECONDS)


class Allowance(Struct, frozen=True):
    """What may be sent now: a code of this length, or nothing, since the last one is still good."""

    services: Services
    length: Length | None
    here: bytes
    everywhere: bytes
    long: bytes

    async def use(self) -> None:
        """A message is on its way."""
        now, database = utcnow(), self.services.database
        if self.services.config.has_limits:
            await count_guess(database, self.here, HERE, now)
            await count_guess(database, self.everywhere, EVERYWHERE, now)
        if self.length is LONG:
            await forget_guesses(database, self.long)  # its day begins anew
            await count_guess(database, self.long, _ONCE, now)

    async def renew(self) -> None:
        """A code was right: the messages before it were its owner's, or did no harm. What was
        guessed goes on counting."""
        await forget_guesses(self.services.database, self.here, self.everywhere, self.long)


async def allowance_of(
    kind: Kind, request: Request[Any, Any, Any], services: Services, whose: Whose
) -> Allowance:
    """What may be sent for guesses of a kind: to the address of the index, or to the account's."""
    secret, now = services.config.secret, utcnow()
    address, what = whose.index or str(whose.user_id), f"messages of {kind.name}"
    network = networks_of(client_ip(request.scope, services.config.trusted_proxies))[0][0]
    keys = [
        key_of(secret, what, address, network),
        key_of(secret, what, address),
        key_of(secret, f"long {what}", address),
        day_key(secret, kind, account_of(whose)),
    ]
    here, everywhere, long, guessed = await counts_of(services.database, keys, _DAY, now)
    left = min(HERE.quota - here, EVERYWHERE.quota - everywhere)
    length: Length | None = SHORT
    if left <= 1 or long or (kind.a_day is not None and guessed >= kind.a_day):
        length = LONG if left > 0 else None  # a short one would take a long one's place
    return Allowance(services, length, *keys[:3])


def last_one_holds() -> ProblemError:
    """429: as many as may be were sent; the last one's code is good for a day."""
    return ProblemError(
        "code-sent",
        "Code sent before",
        429,
        "No more codes are sent to this address today. The one in our last message is long, and "
        "good for a day: use that.",
        {"Retry-After": str(DAY_SECONDS)},
    )
