"""A sum, for development: it shows the way, and stops nobody who writes a program."""

import hmac
import secrets
from datetime import datetime
from hashlib import sha256

from api.captcha.contract import Challenge
from engine.core.plain import is_digits, plain_code

GOOD_SECONDS = 300


class LocalCaptcha:
    """The site key is the sealed question; the answer is `<site key>.<sum>`."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def challenge(self, now: datetime) -> Challenge:
        """A sum of two digits."""
        a, b = secrets.randbelow(9) + 1, secrets.randbelow(9) + 1
        key = f"{int(now.timestamp())}-{secrets.token_hex(8)}"
        return Challenge("local", f"{key}-{self._seal(key, a + b)}", f"{a} + {b}")

    async def is_right(self, token: str, ip: str | None, now: datetime) -> bool:
        """Whether the sum is right, and asked for within the last five minutes."""
        key, _, typed = token.rpartition(".")
        answer = plain_code(typed)
        begun, _, seal = key.rpartition("-")
        asked_at = begun.partition("-")[0]
        if not (0 < len(answer) <= 2 and is_digits(answer, len(answer))):
            return False
        if not (asked_at.isascii() and asked_at.isdecimal() and seal.isascii()):
            return False
        is_fresh = 0 <= int(now.timestamp()) - int(asked_at) < GOOD_SECONDS
        return is_fresh and hmac.compare_digest(seal, self._seal(begun, int(answer)))

    def _seal(self, key: str, answer: int) -> str:
        message = f"captcha:{key}:{answer}".encode()
        return hmac.new(self._secret, message, sha256).hexdigest()[:32]
