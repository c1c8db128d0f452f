"""Settings of processes under test."""

from collections.abc import Sequence
from pathlib import Path

from redis import Redis

from runtime.environment import Config
from runtime.pii import Keyring


def config_on(database_url: str, redis_urls: Sequence[str], folder: Path) -> Config:
    """With a database, and those of Redis for hints and for the broker."""
    hints, broker = redis_urls
    return Config(
        database_url=database_url,
        redis_url=hints,
        broker_url=broker,
        secret=b"test-secret-of-at-least-thirty-two-bytes",
        house_secrets=(b"test-house-secret-of-thirty-two-bytes",),
        partner_url="http://partner.test",
        keyring=Keyring(
            (b"a-test-key-of-thirty-two-bytes!!",), b"a-test-index-key-of-32-bytes!!!!"
        ),
        outbox_dir=str(folder / "outbox"),
        has_limits=False,  # whole days pass on a frozen clock; tests/api/test_limits.py has them
    )


def emptied(redis_urls: Sequence[str]) -> Sequence[str]:
    """The same databases, with nothing in them."""
    for url in redis_urls:
        with Redis.from_url(url) as client:
            client.flushdb()
    return redis_urls
