"""A Redis broker whose idle consumers wait to be woken, instead of asking again and again.

Dramatiq's consumers poll, each in a thread of its own, two for every queue. Polling often costs a
worker half of its processor, because every poll takes the interpreter from the thread that drains;
polling seldom delays what people wait for. So whoever enqueues says for which queue, and one
listener per worker wakes that queue's consumer. Should the word be lost, the consumer asks within a
second, as Dramatiq's do.
"""

import os
import socket
import threading
from collections import defaultdict
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from redis import ConnectionPool, Redis
from redis.exceptions import RedisError

from runtime.broker.presence import Presence

CHANNEL = "twtc:enqueued"
BUSY_PAUSE_MS_MAX = 50
LISTEN_SECONDS = 60
REST_SECONDS = 1
# What listeners are called at Redis, which knows who is connected: so workers are counted.
WORKER_NAME = "twtc-worker:"


class PromptConsumer(_RedisConsumer):
    """Pauses as Dramatiq's while it has messages in hand; without any, until it is woken."""

    def __init__(self, *arguments: Any) -> None:
        broker, queue_name, _prefetch, timeout = arguments
        super().__init__(*arguments)  # type: ignore[no-untyped-call]
        self._idle_seconds = timeout / 1000
        self._woken = broker.woken[queue_name]
        self._presence: Presence = broker.presence

    def __next__(self) -> Any:
        """A message, or None after a pause."""
        is_idle = not self.outstanding_message_count
        if is_idle and self.misses:
            self._woken.wait(self._idle_seconds)
        self.timeout = 0 if is_idle else BUSY_PAUSE_MS_MAX
        # Before the look at the queue: who enqueues after it wakes us anew.
        self._woken.clear()
        message = super().__next__()  # type: ignore[no-untyped-call]
        self._presence.found(self.queue_name)
        return message


class PromptRedisBroker(RedisBroker):
    """Enqueueing tells the queue's idle consumers."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self.woken: dict[str, threading.Event] = defaultdict(threading.Event)
        self.presence = Presence()
        self._listener: threading.Thread | None = None
        self._is_closed = threading.Event()

    @property
    def consumer_class(self) -> type[PromptConsumer]:
        """Ours."""
        return PromptConsumer

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Any:
        """A consumer of one queue, which is woken by what is enqueued anywhere."""
        if self._listener is None:
            self._listener = threading.Thread(target=self._listen, daemon=True)
            self._listener.start()
        self.presence.listen(queue_name)
        return super().consume(queue_name, prefetch, timeout)

    def enqueue(
        self, message: dramatiq.Message[Any], *, delay: int | None = None
    ) -> dramatiq.Message[Any]:
        """Enqueue, then tell."""
        enqueued = super().enqueue(message, delay=delay)
        if delay is None:
            self.client.publish(CHANNEL, message.queue_name)
        return enqueued

    def close(self) -> None:
        """Listen no more."""
        self._is_closed.set()
        super().close()

    def _listen(self) -> None:
        """Wake consumers, until the broker is closed."""
        pool = self.client.connection_pool
        named = {"client_name": f"{WORKER_NAME}{socket.gethostname()}:{os.getpid()}"}
        options = pool.connection_kwargs | named
        client = Redis(connection_pool=ConnectionPool(pool.connection_class, **options))
        while not self._is_closed.is_set():
            try:
                with client.pubsub(ignore_subscribe_messages=True) as channel:  # type: ignore[no-untyped-call]
                    channel.subscribe(CHANNEL)
                    self.presence.found(CHANNEL)
                    self._wake_until_silent(channel)
            except (RedisError, OSError) as error:
                if self._is_closed.wait(REST_SECONDS):
                    break
                self.presence.lost(CHANNEL, error)

    def _wake_until_silent(self, channel: Any) -> None:
        while True:
            said = channel.get_message(timeout=LISTEN_SECONDS)
            if said is not None:
                self.woken[said["data"].decode()].set()
