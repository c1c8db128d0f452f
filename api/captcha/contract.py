"""What a CAPTCHA can do."""

from datetime import datetime
from typing import Protocol

from msgspec import Struct

TOKEN_LENGTH_MAX = 4096


class Challenge(Struct, frozen=True):
    """What a client shows: the vendor's widget by its key, or a question of ours."""

    provider: str
    site_key: str
    question: str | None = None


class CaptchaUnavailableError(Exception):
    """The vendor did not answer. Nobody's answer was judged."""


class Captcha(Protocol):
    """One vendor's, or ours."""

    def challenge(self, now: datetime) -> Challenge:
        """What to show."""
        ...

    async def is_right(self, token: str, ip: str | None, now: datetime) -> bool:
        """Whether the answer is right, fresh and for us. Raise CaptchaUnavailableError."""
        ...
