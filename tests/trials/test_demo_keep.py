"""What `./run demo --keep` leaves behind is an installation that `./run` goes on with."""

import asyncio
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.identity.passwords import verify_password
from engine.core.timeline import DEVELOPMENT
from engine.fraud.checks import ACCOUNTS_PER_DEVICE_MAX
from models.base.db import connected, open_database, rows, sql
from models.operations.invariants import audit
from ops.commands.release import bring_up_to_date
from ops.local.servers import local_servers
from ops.local.up import Ports, environment
from runtime.clock import utcnow
from runtime.environment import load_config
from trials.demo.keep import RING_SIZE, demo_keep, first_day
from trials.demo.lifetime import WINDOW

FOUND = sql("""
    SELECT (SELECT count(*) FROM users) AS members,
           (SELECT count(*) FROM mining_sessions WHERE status = 'COMPLETED') AS sessions,
           (SELECT count(*) FROM fraud_logs WHERE event_type = 'MULTI_ACCOUNT') AS shared,
           (SELECT string_agg(DISTINCT network, ' ') FROM ads WHERE is_active) AS networks,
           (SELECT string_agg(DISTINCT network, ' ' ORDER BY network) FROM ad_views
            WHERE confirmed_at IS NOT NULL) AS believed,
           (SELECT count(DISTINCT day) FROM daily_facts) AS days,
           (SELECT max(started_at) FROM mining_sessions) AS latest,
           (SELECT value FROM settings WHERE name = 'timing') AS timing
""")
HASH = sql("SELECT password_hash FROM users ORDER BY created_at LIMIT 1")


@pytest.mark.parametrize("hour", [0, 3, 12, 23])
def test_the_last_sessions_are_over_by_now(hour: int) -> None:
    now = datetime(2026, 3, 5, hour, 59, tzinfo=UTC)
    start, windows = first_day(now, 3)
    assert start == datetime(2026, 3, 2, tzinfo=UTC)
    end = start + WINDOW * windows
    assert now - timedelta(hours=5) - WINDOW < end <= now - timedelta(hours=5)


def test_people_stay_and_the_next_start_goes_on_with_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    assert demo_keep(RING_SIZE + 3, 1, 1, tmp_path / "data", tmp_path) == 0
    assert '"audit":"clean"' in capsys.readouterr().out
    with local_servers(tmp_path / "data", report=print) as servers:
        ports = Ports(8000, 8100, 9181)
        env = environment(os.environ, servers, tmp_path / "data", "development", ports)
        asyncio.run(_look(env))
    assert demo_keep(1, 1, 1, tmp_path / "data", tmp_path) == 1
    assert "members live there" in capsys.readouterr().out


async def _look(env: Mapping[str, str]) -> None:
    config = load_config(env, signs=True)
    await bring_up_to_date(
        config, DEVELOPMENT, env
    )  # as ./run does; the demo's member is there already
    database = open_database(config.database_url, pool_size=1, application_name="twtc-test")
    async with connected(database) as connection:
        [found] = await rows(connection, FOUND)
        [first] = await rows(connection, HASH)
    assert (found.members, found.networks) == (RING_SIZE + 3, "house")
    assert found.shared == RING_SIZE - ACCOUNTS_PER_DEVICE_MAX
    assert found.believed == "admob house meta unity"
    assert found.sessions > 0 and found.days >= 1
    assert found.latest < utcnow()
    assert '"cycle_seconds": 240' in found.timing
    assert await verify_password(first.password_hash, env["TWTC_DEMO_PASSWORD"])
    assert await audit(database) == []
    await database.dispose()
