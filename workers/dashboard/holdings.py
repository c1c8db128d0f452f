"""What Dramatiq holds in its Redis: waiting, delayed, held by a dead worker, given up."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any
from uuid import uuid4

import dramatiq
from dramatiq.common import dq_name, xq_name
from msgspec import Struct
from redis import Redis

from engine.core.timeline import micros
from runtime.broker.bells import QUEUES
from runtime.broker.prompt import CHANNEL
from workers.dashboard.board import ALIVE_SECONDS, text

NAMESPACE = "dramatiq"
# So many of each queue's lists are looked at; of the dead letters the newest.
LOOKED_AT_MAX = 200
_KNOWN_MAX = 50_000

# A dead letter becomes a new message, for whoever is first; the consumers are woken.
_REVIVE = """
if redis.call('zrem', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('hdel', KEYS[2], ARGV[1])
redis.call('hset', KEYS[4], ARGV[2], ARGV[3])
redis.call('rpush', KEYS[3], ARGV[2])
redis.call('publish', ARGV[4], ARGV[5])
return 1
"""
# What the attempts have left in a message: a revived one has all of them again.
_LEFT_BEHIND = ("retries", "traceback", "requeue_timestamp", "max_retries")


class Place(IntEnum):
    """Where a message is. If it is in two places, the smaller one counts."""

    WAITING = 1
    DELAYED = 2
    DEAD = 3
    LOST = 4  # in the hands of a worker that has died


class HeldMessage(Struct, frozen=True):
    """A message, where it is, and the id under which Dramatiq's Redis keeps it."""

    place: Place
    redis_id: str
    message: dramatiq.Message[Any]

    @property
    def due_at(self) -> datetime:
        """When a delayed one is due."""
        eta = self.message.options.get("eta") or self.message.message_timestamp
        return datetime.fromtimestamp(eta / 1000, UTC)


Spot = tuple[Place, str, str]  # the place, the queue with its suffix, the id there


class Holdings:
    """Reads them, and revives dead letters."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._revive = client.register_script(_REVIVE)
        # The text under an id never changes.
        self._known: dict[str, dramatiq.Message[Any]] = {}

    def read(self, now: datetime) -> dict[str, dict[str, HeldMessage]]:
        """By queue and message id."""
        spots = self._spots(now)
        self._learn({spot[1:] for spots_ in spots.values() for spot in spots_})
        found: dict[str, dict[str, HeldMessage]] = {}
        for queue, there in spots.items():
            held = found[queue] = {}
            for place, _, redis_id in sorted(there, reverse=True):
                message = self._known.get(redis_id)
                if message is not None:  # it has gone on meanwhile
                    held[message.message_id] = HeldMessage(place, redis_id, message)
        return found

    def revive(self, queue: str, held: HeldMessage) -> bool:
        """Put a dead letter back into its queue. False if it is none any more."""
        options = {k: v for k, v in held.message.options.items() if k not in _LEFT_BEHIND}
        new_id = str(uuid4())
        message: dramatiq.Message[Any] = dramatiq.Message(
            queue_name=queue,
            actor_name=held.message.actor_name,
            args=held.message.args,
            kwargs=held.message.kwargs,
            options=options | {"redis_message_id": new_id},
            message_id=held.message.message_id,
            message_timestamp=held.message.message_timestamp,
        )
        dead, live = f"{NAMESPACE}:{xq_name(queue)}", f"{NAMESPACE}:{queue}"
        moved = self._revive(
            keys=[dead, f"{dead}.msgs", live, f"{live}.msgs"],
            args=[held.redis_id, new_id, message.encode(), CHANNEL, queue],
        )
        return bool(moved)

    def _spots(self, now: datetime) -> dict[str, list[Spot]]:
        oldest_beat = micros(now - timedelta(seconds=ALIVE_SECONDS)) / 1000
        beats: Any = self._client.zrange(f"{NAMESPACE}:__heartbeats__", 0, -1, withscores=True)
        holders = [(text(name), beat < oldest_beat) for name, beat in beats]
        last = LOOKED_AT_MAX - 1
        with self._client.pipeline(transaction=False) as pipeline:
            for queue in QUEUES:
                pipeline.lrange(f"{NAMESPACE}:{queue}", 0, last)
                pipeline.lrange(f"{NAMESPACE}:{dq_name(queue)}", 0, last)
                pipeline.zrevrange(f"{NAMESPACE}:{xq_name(queue)}", 0, last)
                for holder, _ in holders:
                    acks = f"{NAMESPACE}:__acks__.{holder}"
                    pipeline.smembers(f"{acks}.{queue}")
                    pipeline.smembers(f"{acks}.{dq_name(queue)}")
            answers = iter(pipeline.execute())
        spots: dict[str, list[Spot]] = {}
        for queue in QUEUES:
            delayed = dq_name(queue)
            found = [_at(Place.WAITING, queue, next(answers))]
            found.append(_at(Place.DELAYED, delayed, next(answers)))
            found.append(_at(Place.DEAD, xq_name(queue), next(answers)))
            for _, is_dead in holders:
                found.append(_at(Place.LOST if is_dead else Place.WAITING, queue, next(answers)))
                found.append(_at(Place.LOST if is_dead else Place.DELAYED, delayed, next(answers)))
            spots[queue] = [spot for some in found for spot in some]
        return spots

    def _learn(self, wanted: Iterable[tuple[str, str]]) -> None:
        """Read the messages that are not known yet."""
        if len(self._known) > _KNOWN_MAX:
            self._known.clear()
        unknown = [(queue, redis_id) for queue, redis_id in wanted if redis_id not in self._known]
        if not unknown:
            return
        with self._client.pipeline(transaction=False) as pipeline:
            for queue, redis_id in unknown:
                pipeline.hget(f"{NAMESPACE}:{queue}.msgs", redis_id)
            bodies = pipeline.execute()
        for (_, redis_id), body in zip(unknown, bodies, strict=True):
            if body is not None:
                self._known[redis_id] = dramatiq.Message.decode(body)


def _at(place: Place, queue: str, redis_ids: Sequence[bytes]) -> list[Spot]:
    return [(place, queue, text(redis_id)) for redis_id in redis_ids]
