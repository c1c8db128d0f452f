"""Counting requests: in Redis by moving windows, or without it in the process (decision 0029)."""

import logging
import time
from math import ceil
from typing import Any

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from msgspec import Struct
from redis.asyncio import BlockingConnectionPool
from redis.exceptions import RedisError

from engine.core.limit import Limit
from runtime.broker.bells import SOCKET_TIMEOUT_SECONDS
from runtime.clock import utcnow

log = logging.getLogger(__name__)

# While Redis is away a process counts for itself, and grants half.
_CAUTION = 2
_RETRY_SECONDS = 5.0
_CONNECTIONS = 16
_TALLY_MAX = 50_000


class Count(Struct, frozen=True):
    """What is counted: by which limit, and whose."""

    name: str
    limit: Limit
    key: str


class Standing(Struct, frozen=True):
    """How a count stands after a request."""

    count: Count
    is_allowed: bool
    remaining: int
    reset_seconds: int


class Limiter:
    """One per process."""

    def __init__(self, redis_url: str, prefix: str) -> None:
        # A request that comes when all connections are taken waits; the default pool raises.
        self._pool = BlockingConnectionPool.from_url(
            redis_url,
            max_connections=_CONNECTIONS,
            timeout=SOCKET_TIMEOUT_SECONDS,
            socket_timeout=SOCKET_TIMEOUT_SECONDS,
            socket_connect_timeout=SOCKET_TIMEOUT_SECONDS,
        )
        options: dict[str, Any] = {"connection_pool": self._pool}
        storage = RedisStorage(
            f"async+{redis_url}",
            implementation="redispy",
            key_prefix=f"{prefix}:limits",
            **options,
        )
        self._shared = MovingWindowRateLimiter(storage)
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._away_until = 0.0

    async def take(self, count: Count) -> Standing:
        """Count a request. It never fails: without Redis this process counts alone."""
        if time.monotonic() >= self._away_until:
            try:
                return await _take(self._shared, count, count.limit.quota)
            except (RedisError, OSError) as error:
                self._away_until = time.monotonic() + _RETRY_SECONDS
                log.warning("limits are counted by process: %r", error)
        return await _take(self._own, count, _cautious(count.limit))

    async def look(self, count: Count) -> Standing:
        """How a count stands; nothing is counted. As `take`, it never fails."""
        if time.monotonic() >= self._away_until:
            try:
                return await _look(self._shared, count, count.limit.quota)
            except (RedisError, OSError):
                log.warning("limits are looked at by process: Redis is away")
        return await _look(self._own, count, _cautious(count.limit))

    async def aclose(self) -> None:
        """Give the connections back."""
        await self._pool.disconnect()


class Tally:
    """A count of one process alone, by fixed windows: for what must cost next to nothing."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[int, int]] = {}

    def take(self, limit: Limit, key: str) -> int:
        """Seconds to wait; 0 if the request is allowed."""
        now = int(utcnow().timestamp())
        window = now // limit.window_seconds
        begun, number = self._counts.get(key, (window, 0))
        number = number + 1 if begun == window else 1
        if len(self._counts) >= _TALLY_MAX:
            self._counts.clear()
        self._counts[key] = (window, number)
        return 0 if number <= limit.quota else (window + 1) * limit.window_seconds - now


def _item(limit: Limit, quota: int) -> RateLimitItem:
    return RateLimitItemPerSecond(quota, limit.window_seconds)


def _cautious(limit: Limit) -> int:
    return max(1, limit.quota // _CAUTION)


async def _look(limiter: MovingWindowRateLimiter, count: Count, quota: int) -> Standing:
    item = _item(count.limit, quota)
    return await _standing(limiter, item, count, await limiter.test(item, count.name, count.key))


async def _take(limiter: MovingWindowRateLimiter, count: Count, quota: int) -> Standing:
    item = _item(count.limit, quota)
    return await _standing(limiter, item, count, await limiter.hit(item, count.name, count.key))


async def _standing(
    limiter: MovingWindowRateLimiter, item: RateLimitItem, count: Count, is_allowed: bool
) -> Standing:
    stats = await limiter.get_window_stats(item, count.name, count.key)
    seconds = max(1, ceil(stats.reset_time - utcnow().timestamp()))
    return Standing(count, is_allowed, max(0, stats.remaining), seconds)
