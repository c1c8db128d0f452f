"""Cloudflare Turnstile and hCaptcha: both are asked at `siteverify`."""

from datetime import datetime
from hashlib import sha256
from uuid import UUID

import httpx
import msgspec
from msgspec import Struct, field

from api.captcha.contract import CaptchaUnavailableError, Challenge
from runtime.environment import CaptchaConfig

TIMEOUT_SECONDS = 5.0
_TURNSTILE_TOKEN_MAX = 2048


class _Answer(Struct, frozen=True):
    success: bool
    hostname: str | None = None
    action: str | None = None
    error_codes: list[str] = field(name="error-codes", default_factory=list)


class _Hosted:
    name = ""

    def __init__(self, chosen: CaptchaConfig, http: httpx.AsyncClient) -> None:
        self._chosen = chosen
        self._http = http

    def challenge(self, now: datetime) -> Challenge:
        """The vendor's widget."""
        return Challenge(self.name, self._chosen.site_key)

    async def _ask(self, form: dict[str, str]) -> bool:
        try:
            answer = await self._http.post(self._chosen.url, data=form, timeout=TIMEOUT_SECONDS)
            answer.raise_for_status()
            judged = msgspec.json.decode(answer.content, type=_Answer)
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            raise CaptchaUnavailableError(type(error).__name__) from None
        wanted = self._chosen.hostname
        return judged.success and (not wanted or judged.hostname == wanted)

    def _form(self, token: str, ip: str | None) -> dict[str, str]:
        form = {"secret": self._chosen.secret, "response": token}
        return form | {"remoteip": ip} if ip else form


class Turnstile(_Hosted):
    """Tokens are good once, for 300 s; the vendor sees to that."""

    name = "turnstile"

    async def is_right(self, token: str, ip: str | None, now: datetime) -> bool:
        """Ask Cloudflare. A retry of the same token gets the same answer."""
        if len(token) > _TURNSTILE_TOKEN_MAX:
            return False
        key = str(UUID(bytes=sha256(token.encode()).digest()[:16]))
        return await self._ask(self._form(token, ip) | {"idempotency_key": key})


class HCaptcha(_Hosted):
    """Tokens are good once."""

    name = "hcaptcha"

    async def is_right(self, token: str, ip: str | None, now: datetime) -> bool:
        """Ask hCaptcha."""
        return await self._ask(self._form(token, ip) | {"sitekey": self._chosen.site_key})
