"""RabbitMQ as the broker; that it is away is said once (decision 0051)."""

from typing import Any

from dramatiq.brokers.rabbitmq import RabbitmqBroker

from runtime.broker.presence import Presence


class CalmRabbitmqBroker(RabbitmqBroker):
    """Says once that the server is away and once that it is back, for all its consumers."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._presence = Presence()

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Any:
        """A consumer of one queue, connected."""
        self._presence.listen(queue_name)
        consumer = super().consume(queue_name, prefetch, timeout)
        self._presence.found(queue_name)
        return consumer
