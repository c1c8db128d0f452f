"""Tickets of who asked for a new password: nothing is kept of them, and nobody else has one.

What a ticket says is sealed in it, for known and unknown addresses alike.
"""

from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from runtime.pii import Keyring

GOOD_FOR = timedelta(hours=1)
_FIELD = "reset ticket"


class Asked(Struct, frozen=True):
    """Whose password is to be chosen, until when, in seconds of the epoch."""

    kind: str
    address: str
    until: float


def new_reset_ticket(keyring: Keyring, kind: str, address: str, now: datetime) -> str:
    """A ticket for an address, which may be nobody's."""
    asked = Asked(kind, address, (now + GOOD_FOR).timestamp())
    return keyring.seal(_FIELD, 0, msgspec.json.encode(asked).decode())


def read_reset_ticket(keyring: Keyring, ticket: str, now: datetime) -> Asked | None:
    """What a ticket of ours says, or None for one that is over or none."""
    try:
        asked = msgspec.json.decode(keyring.open(_FIELD, 0, ticket), type=Asked)
    except ValueError:
        return None
    return asked if now.timestamp() < asked.until else None
