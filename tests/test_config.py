"""What a process refuses to start with."""

import pytest

from engine.timeline import TimingError
from models.config import ConfigError, load_config
from models.settings import timing_from
from ops.up import UpError, check_given_servers

SERVERS = {"DATABASE_URL": "postgresql://x", "REDIS_URL": "redis://x"}


def test_a_process_that_signs_has_no_default_secrets() -> None:
    with pytest.raises(ConfigError, match="TWTC_SECRET must be"):
        load_config(SERVERS, signs=True)
    with pytest.raises(ConfigError, match="TWTC_HOUSE_SECRET must be"):
        load_config(SERVERS | {"TWTC_SECRET": "s" * 32}, signs=True)
    assert load_config(SERVERS).secret == b""


@pytest.mark.parametrize("missing", SERVERS)
def test_the_servers_must_be_named(missing: str) -> None:
    with pytest.raises(ConfigError, match=missing):
        load_config(SERVERS | {missing: ""})


@pytest.mark.parametrize("name", ["TWTC_TICK_SECOND", "TWTC_CYCLE_HOURS", "TWTC_TICKS_SECONDS"])
def test_a_duration_that_is_none_is_named(name: str) -> None:
    with pytest.raises(TimingError, match=f"{name} is no setting; there are TWTC_CYCLE_SECONDS"):
        timing_from({name: "10"})


def test_addresses_that_cannot_serve_are_refused_before_anything_starts() -> None:
    check_given_servers({})
    with pytest.raises(ConfigError, match="postgresql://"):
        check_given_servers({"DATABASE_URL": "mysql://x"})
    with pytest.raises(UpError, match="REDIS_URL does not answer"):
        check_given_servers({"REDIS_URL": "redis://127.0.0.1:1/0"})
