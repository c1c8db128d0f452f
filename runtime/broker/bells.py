"""The doorbell: tells a worker that a piece has intents (decision 0002).

A bell is only a hint. If it is lost, late or doubled, or Redis is away, the relay rings again.
"""

import asyncio
import logging
import time

import dramatiq
import redis.asyncio
from dramatiq.broker import Broker
from dramatiq.brokers.redis import RedisBroker
from redis import ConnectionPool, Redis
from redis.exceptions import RedisError

from engine.core.piece import Lane, Piece
from engine.core.timeline import GROUP_COUNT
from runtime.broker.prompt import PromptRedisBroker

log = logging.getLogger(__name__)

DRAIN_ACTOR = "drain"
# One bell at a time per piece; shorter than the relay's lease, which rings past a lost bell.
COALESCE_SECONDS = 10
# After a failure the bell rests, so that requests do not wait for a Redis that is away.
REST_SECONDS = 5
SOCKET_TIMEOUT_SECONDS = 2


def queue_name(group_number: int) -> str:
    """The Dramatiq queue of a group; `upkeep` and `errands` belong to none."""
    names: dict[int, str] = {lane: lane.name.lower() for lane in Lane}
    return names.get(group_number, f"group-{group_number:02d}")


QUEUES = tuple(queue_name(lane) for lane in (Lane.UPKEEP, *range(1, GROUP_COUNT + 1), Lane.ERRANDS))


def open_broker(url: str, middleware: list[dramatiq.Middleware]) -> Broker:
    """A broker for redis:// or amqp://, with every queue declared. Opens no socket yet."""
    broker: Broker
    if url.startswith("amqp"):
        from runtime.broker.rabbit import CalmRabbitmqBroker

        broker = CalmRabbitmqBroker(url=url, middleware=middleware)
    else:
        # Without retries: the enqueueing script is not idempotent (a retry would run twice).
        pool = ConnectionPool.from_url(
            url, socket_connect_timeout=SOCKET_TIMEOUT_SECONDS, socket_keepalive=True
        )
        broker = PromptRedisBroker(
            client=Redis(connection_pool=pool), middleware=middleware, maintenance_chance=50_000
        )
    for queue in QUEUES:
        broker.declare_queue(queue)
    return broker


class Bells:
    """Rings for pieces. Every method survives Redis or the broker being away."""

    def __init__(self, broker: Broker, hints_url: str) -> None:
        self._broker = broker
        self._hints = redis.asyncio.Redis.from_url(
            hints_url,
            socket_timeout=SOCKET_TIMEOUT_SECONDS,
            socket_connect_timeout=SOCKET_TIMEOUT_SECONDS,
        )
        self._rests_until = 0.0
        self._is_mute = False
        self._missed: set[Piece] = set()

    async def ring(self, *pieces: Piece) -> None:
        """Enqueue a bell for each piece that has none pending.

        What could not be rung is rung with the next one that can be, sooner than the relay would.
        """
        if not pieces:
            return
        if time.monotonic() < self._rests_until:
            self._missed.update(pieces)
            return
        silent, self._missed = self._missed, set()
        try:
            for piece in pieces:
                if await self._claim(piece):
                    silent.add(piece)
            if silent:
                await asyncio.to_thread(self._enqueue, sorted(silent))
            if self._is_mute and silent:
                self._is_mute = False
                log.warning("bells ring again")
        except (RedisError, OSError, dramatiq.DramatiqError) as error:
            self._rests_until = time.monotonic() + REST_SECONDS
            # Without a claim: the one that failed may stand in Redis all the same.
            self._missed |= silent.union(pieces)
            if not self._is_mute:
                self._is_mute = True
                log.warning("bells cannot be rung, the relay will: %s", type(error).__name__)

    async def silence(self, piece: Piece) -> None:
        """A worker begins with the piece: what is recorded from now on needs a new bell."""
        try:
            await self._hints.delete(_key(piece))
        except (RedisError, OSError) as error:
            log.warning("a bell cannot be silenced: %s", type(error).__name__)

    async def close(self) -> None:
        """Close the connections."""
        await self._hints.aclose()
        self._broker.close()
        if isinstance(self._broker, RedisBroker):
            self._broker.client.close()

    async def _claim(self, piece: Piece) -> bool:
        return bool(await self._hints.set(_key(piece), 1, nx=True, ex=COALESCE_SECONDS))

    def _enqueue(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            self._broker.enqueue(bell(piece))


def bell(piece: Piece) -> dramatiq.Message[None]:
    """The message that asks a worker to drain a piece."""
    return dramatiq.Message(
        queue_name=queue_name(piece.group_number),
        actor_name=DRAIN_ACTOR,
        args=(piece.group_number, piece.bucket),
        kwargs={},
        options={},
    )


def _key(piece: Piece) -> str:
    return f"twtc:bell:{piece.group_number}:{piece.bucket}"
