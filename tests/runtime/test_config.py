"""What a process refuses to start with."""

import pytest

from engine.core.timeline import TimingError
from models.installation.settings import timing_from
from ops.local.up import UpError, check_given_servers
from runtime.environment import ConfigError, load_config

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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TWTC_MAIL_FROM", "codes@example.com"),
        ("TWTC_PARTNER_URL", "https://ads.example.org"),
        ("TWTC_ALERTS_MAIL_TO", "ops@twtc.example"),
        ("TWTC_TRUSTED_PROXIES", "10.1.0.0/16,192.0.2.0/24"),
        ("TWTC_TRUSTED_PROXIES", "2001:db8::/32"),
        ("TWTC_SECRET", "change-me-change-me-change-me-change-me"),
        ("DATABASE_URL", "postgresql://twtc:…@postgres/twtc"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://otel.invalid"),
    ],
)
def test_the_production_profile_refuses_what_is_left_of_an_example(name: str, value: str) -> None:
    env = SERVERS | {name: value}
    load_config(env | {"TWTC_PROFILE": "development"})
    with pytest.raises(ConfigError, match=f"{name} still holds"):
        load_config(env | {"TWTC_PROFILE": "production"})


def test_addresses_that_only_look_like_an_example_are_taken() -> None:
    own = {
        "TWTC_MAIL_FROM": "codes@our-examples.com",
        "TWTC_PARTNER_URL": "https://example.company.com",
        "TWTC_TRUSTED_PROXIES": "10.192.0.2,192.0.20.0/24",
        "TWTC_OWN_VIDEOS_URL": "https://films.examples.org/invalid.mp4",
    }
    load_config(SERVERS | own | {"TWTC_PROFILE": "production"})


def test_the_dashboard_needs_no_database() -> None:
    assert load_config({"REDIS_URL": "redis://x"}, stores=False).database_url == ""
    with pytest.raises(ConfigError, match="REDIS_URL"):
        load_config({}, stores=False)
