"""Hears what becomes of a worker's messages, and notes it down for the writer."""

from datetime import datetime, timedelta
from typing import Any

import dramatiq
from dramatiq.broker import Broker, MessageProxy
from dramatiq.middleware import Middleware
from msgspec.structs import replace

from runtime.clock import utcnow
from workers.dashboard.board import Board
from workers.dashboard.cards import card_of, traceback_of
from workers.dashboard.journal import Failed, Finished, Journal, Retried
from workers.dashboard.writer import Writer


class Projection(Middleware):
    """Put it last: it must hear what the other middleware made of a failure.

    A hook costs some microseconds. All writing is the writer's, in a thread of its own.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._journal = Journal()
        self._writer: Writer | None = None

    def before_worker_boot(self, broker: Broker, worker: dramatiq.Worker) -> None:
        """Begin to write, before a thread can consume."""
        queues = sorted(worker.consumer_whitelist or broker.get_declared_queues())
        self._writer = Writer(Board(self._url), self._journal, queues)
        self._writer.start()

    def after_worker_shutdown(self, broker: Broker, worker: dramatiq.Worker) -> None:
        """Write the rest, and that this worker is gone."""
        if self._writer is not None:
            self._writer.stop()

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """It begins to run."""
        self._journal.running[message.message_id] = card_of(message), utcnow()

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """It ran. What becomes of a failure is heard when it is tried again or given up."""
        card, started_at = self._take(message)
        if exception is None:
            self._journal.note(Finished(card, started_at, utcnow()))

    def after_skip_message(self, broker: Broker, message: MessageProxy) -> None:
        """It did not run."""
        self._take(message)

    def after_enqueue(
        self, broker: Broker, message: dramatiq.Message[Any], delay: int | None
    ) -> None:
        """It is tried again later. What is enqueued at once is seen by the keeper."""
        if delay is not None:
            due_at = utcnow() + timedelta(milliseconds=delay)
            self._journal.note(Retried(card_of(message), due_at, traceback_of(message)))

    def after_nack(self, broker: Broker, message: MessageProxy) -> None:
        """It is a dead letter now."""
        card, letter = card_of(message), message.options.get("redis_message_id", "")
        last = replace(card, attempt=max(1, card.attempt - 1))  # the one that was to come is not
        self._journal.note(Failed(last, letter, traceback_of(message), utcnow()))

    def _take(self, message: MessageProxy) -> tuple[Any, datetime]:
        return self._journal.running.pop(message.message_id, None) or (card_of(message), utcnow())
