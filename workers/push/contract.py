"""What a sender of messages to phones takes, and what became of each. Outcomes are values."""

from typing import Protocol

from msgspec import Struct


class Message(Struct, frozen=True):
    """One message for one phone. `data` lets it drop what it has shown already, and where it shows
    a message itself, one takes the place of an earlier one of the same `tag`."""

    token: str
    title: str
    body: str
    data: dict[str, str]
    ttl_seconds: int
    collapse_key: str
    tag: str


class Sent(Struct, frozen=True):
    """The vendor took it."""


class Unregistered(Struct, frozen=True):
    """The token is of no use any more: forget it."""


class Later(Struct, frozen=True):
    """The vendor is busy or away."""

    retry_seconds: float | None


class Dropped(Struct, frozen=True):
    """It can never be sent as it is."""

    reason: str


Result = Sent | Unregistered | Later | Dropped


class Sender(Protocol):
    """Sends to phones."""

    async def send(self, message: Message) -> Result: ...

    async def close(self) -> None: ...
