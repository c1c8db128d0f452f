"""Limits, for tests whose subject they are."""

import pytest
from msgspec.structs import replace

from runtime.environment import Config
from runtime.proxies import Proxies


@pytest.fixture
def config(config: Config) -> Config:
    """With limits, and behind a proxy on the test's own address."""
    return replace(config, has_limits=True, trusted_proxies=Proxies("127.0.0.1"))
