"""Word of a broker that is away: a line when it goes, a line when it is back.

Each of a worker's consumers, two for every queue, notices by itself and tries again and again.
Dramatiq says so each time, and pika with traces of its own.
"""

import logging
import threading
import time

log = logging.getLogger(__name__)

# What a consumer of Dramatiq's says again and again, and pika beneath it.
_LOST = "Consumer encountered a connection error: %s"
_REPEATED = (
    _LOST,
    "Restarting consumer in ",
    "Failed to post_process_message(%s) due to a connection error",
    "Failed to wait for all callbacks to complete",
)
_CONSUMER = "dramatiq.worker.ConsumerThread({})"
_CLOSING = "dramatiq.brokers.rabbitmq._RabbitmqConsumer"
_PIKA = "pika"


class Presence:
    """Which consumers of a process have lost the broker."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lost: set[str] = set()
        self._is_said = False
        self._since = 0.0
        self._heard: set[str] = set()

    def lost(self, queue_name: str, error: object) -> None:
        """A consumer has no connection: said of the first one that tried again in vain.

        One that notices late, when the others have found the broker again, finds it at once.
        """
        with self._lock:
            if not self._lost:
                self._since = time.monotonic()
            is_new = queue_name in self._lost and not self._is_said
            self._is_said = self._is_said or is_new
            self._lost.add(queue_name)
        if is_new:
            log.error("the broker is away, its consumers try again: %s", error)

    def found(self, queue_name: str) -> None:
        """A consumer has a connection: said of the last one to find it again."""
        if not self._lost:
            return
        with self._lock:
            is_back = self._is_said and self._lost == {queue_name}
            self._lost.discard(queue_name)
            self._is_said = self._is_said and not is_back
            seconds = time.monotonic() - self._since
        if is_back:
            log.warning("the broker is back after %.0f s", seconds)

    def listen(self, queue_name: str) -> None:
        """Hear of a consumer's failures by what it logs, and keep the repetitions of it quiet."""
        if queue_name in self._heard:
            return
        self._heard.add(queue_name)
        logging.getLogger(_PIKA).setLevel(logging.CRITICAL)
        for name in (_CONSUMER.format(queue_name), _CLOSING):
            logger = logging.getLogger(name)
            for old in [given for given in logger.filters if isinstance(given, _Failures)]:
                logger.removeFilter(old)
            logger.addFilter(_Failures(self, queue_name))


class _Failures(logging.Filter):
    """Takes a consumer's lines about its lost connection, and passes the others on."""

    def __init__(self, presence: Presence, queue_name: str) -> None:
        super().__init__()
        self._presence = presence
        self._queue_name = queue_name

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is kept."""
        if record.msg == _LOST:
            self._presence.lost(self._queue_name, record.getMessage().partition(": ")[2])
        return not str(record.msg).startswith(_REPEATED)
