"""The demo's people live through whatever the product asks of them."""

import msgspec
import pytest

from models.base.db import Database, connected, run, sql
from models.operations.invariants import audit
from runtime.environment import CaptchaConfig, Config
from trials.demo.command import open_lifetime
from trials.demo.lifetime import START, WINDOW
from trials.demo.networks import NETWORK_SECRETS, SECRET, activate_networks

HOLD = sql("""
    UPDATE users SET hold = :hold, hold_until = :until WHERE bucket = bucket
""")
SESSIONS = sql("SELECT count(*) AS sessions FROM mining_sessions")


@pytest.mark.parametrize(("hold", "mines"), [(None, True), ("CAPTCHA", True), ("COOLDOWN", False)])
async def test_who_is_held_solves_a_captcha_or_comes_again_later(
    config: Config, database: Database, hold: str | None, mines: bool
) -> None:
    config = msgspec.structs.replace(
        config,
        secret=SECRET,
        house_secrets=(SECRET,),
        network_secrets=NETWORK_SECRETS,
        captcha=CaptchaConfig("local", "", "", "", ""),
    )
    await activate_networks(database)
    async with open_lifetime(config, 1) as lifetime:
        await lifetime.sign_up(20)
        if hold:
            async with connected(database) as connection:
                await run(connection, HOLD, {"hold": hold, "until": START + WINDOW * 10})
        for number in range(2):
            await lifetime.wake_clock(START + WINDOW * number)
            await lifetime.live(START + WINDOW * number)
        assert bool(lifetime.captchas) == (hold == "CAPTCHA")
        assert bool(lifetime.turned_away) != mines
        assert bool(lifetime.bells.rung) is False
    assert await audit(database) == []
    assert bool(await _sessions(database)) is mines


async def _sessions(database: Database) -> int:
    async with connected(database) as connection:
        found = await connection.fetch(SESSIONS.numbered)
    return int(found[0].sessions)
