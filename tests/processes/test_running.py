"""Commands typed beside a running system find it; given addresses win."""

import stat
from pathlib import Path

from ops.running import announced, with_addresses

ENVIRONMENT = {
    "DATABASE_URL": "postgresql://a",
    "REDIS_URL": "redis://a/0",
    "BROKER_URL": "redis://a/1",
    "TWTC_PII_KEYS": "a-key-that-seals",
    "TWTC_INDEX_KEY": "a-key-that-finds",
    "TWTC_SECRET": "not to be written",
}


def test_a_running_system_is_found_while_it_runs(tmp_path: Path) -> None:
    with announced(tmp_path, ENVIRONMENT):
        [file] = tmp_path.iterdir()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert "TWTC_SECRET" not in file.read_text()
        found = with_addresses({"HOME": "/"}, tmp_path)
        assert found == {"HOME": "/"} | {
            name: value for name, value in ENVIRONMENT.items() if name != "TWTC_SECRET"
        }
        given = {"DATABASE_URL": "postgresql://b", "REDIS_URL": "redis://b"}
        assert with_addresses(given, tmp_path) == given
    assert with_addresses({}, tmp_path) == {}
