"""Second factors as members set them up."""

from datetime import timedelta
from typing import Any

import pyotp

from runtime.clock import utcnow
from tests.kit.accounts import ANN, PASSWORD, auth, signed_up
from tests.kit.world import World


async def with_totp(world: World) -> tuple[pyotp.TOTP, list[str], dict[str, Any]]:
    """Ann with an authenticator app; its recovery codes, and her tokens."""
    _, tokens = await signed_up(world)
    access = tokens["access_token"]
    begun = await auth(world, "mfa/totp", access, password=PASSWORD)
    assert begun.status_code == 201, begun.text
    assert begun.json()["uri"].startswith("otpauth://totp/TWTC:ann%40example.com?")
    totp = pyotp.TOTP(begun.json()["secret"])
    assert (await auth(world, "login", **ANN)).json().get("access_token")  # not asked for yet
    confirmed = await auth(world, "mfa/totp/confirm", access, code=totp.at(utcnow()))
    assert confirmed.status_code == 200, confirmed.text
    world.move_to(utcnow() + timedelta(seconds=30))
    return totp, confirmed.json()["recovery_codes"], tokens


async def ticket(world: World) -> str:
    """Sign in as far as the second factor."""
    answer = await auth(world, "login", **ANN)
    assert answer.status_code == 200
    assert "access_token" not in answer.json()
    return str(answer.json()["ticket"])
