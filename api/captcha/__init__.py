"""CAPTCHAs: whose is shown, and whether an answer is right (CONTRACTS: Turnstile, hCaptcha)."""

import httpx

from api.captcha.contract import Captcha
from api.captcha.hosted import HCaptcha, Turnstile
from api.captcha.local import LocalCaptcha
from runtime.environment import Config


def open_captcha(config: Config, http: httpx.AsyncClient) -> Captcha | None:
    """The CAPTCHA that is set, or None: then nobody is asked for one."""
    match config.captcha:
        case None:
            return None
        case chosen if chosen.provider == "turnstile":
            return Turnstile(chosen, http)
        case chosen if chosen.provider == "hcaptcha":
            return HCaptcha(chosen, http)
        case _:
            return LocalCaptcha(config.secret)
