"""CAPTCHA vendors: asked with the secret, silent, wrongly configured."""

from typing import Any

import httpx
import pytest

from api.captcha.hosted import HCaptcha, Turnstile
from runtime.clock import utcnow
from runtime.environment import CaptchaConfig, ConfigError, load_config
from tests.kit.counterpart import Reply, counterpart
from tests.kit.places import USA
from tests.kit.world import World


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"success": true, "hostname": "app.test"}', True),
        (b'{"success": true, "hostname": "evil.test"}', False),
        (b'{"success": false, "error-codes": ["timeout-or-duplicate"]}', False),
    ],
)
@pytest.mark.parametrize("vendor", [Turnstile, HCaptcha])
async def test_hosted_captchas_are_asked_with_the_secret(
    vendor: Any, body: bytes, expected: bool
) -> None:
    with counterpart(Reply(200, body)) as server:
        async with httpx.AsyncClient() as http:
            chosen = CaptchaConfig("x", "site", "the-secret", server.url, "app.test")
            captcha = vendor(chosen, http)
            assert await captcha.is_right("token", USA, utcnow()) is expected
        [asked] = server.received
    assert b"secret=the-secret" in asked.body
    assert b"response=token" in asked.body


async def test_a_silent_vendor_judges_nobody(world: World) -> None:
    with counterpart(Reply(500, b"")) as server:
        chosen = CaptchaConfig("x", "site", "secret", server.url, "")
        captcha = Turnstile(chosen, world.services.http)
        with pytest.raises(Exception, match="HTTPStatusError"):
            await captcha.is_right("token", None, utcnow())
        assert not await captcha.is_right("t" * 2049, None, utcnow())


@pytest.mark.parametrize(
    "env",
    [
        {"TWTC_CAPTCHA": "guess"},
        {"TWTC_CAPTCHA": "local", "TWTC_PROFILE": "production"},
        {"TWTC_CAPTCHA": "turnstile"},
        {"TWTC_IP_LISTS": "somewhere"},
        {"TWTC_IP_LISTS": "cats=https://x"},
    ],
)
def test_a_wrong_setting_is_refused(env: dict[str, str]) -> None:
    secrets = dict.fromkeys(
        ("TWTC_SECRET", "TWTC_HOUSE_SECRET", "TWTC_PII_KEYS", "TWTC_INDEX_KEY"), "x" * 32
    )
    base = {"DATABASE_URL": "postgresql://x", "REDIS_URL": "redis://x", "TWTC_OUTBOX_DIR": "/x"}
    with pytest.raises(ConfigError, match=next(iter(env))):
        load_config(base | secrets | env, signs=True)
