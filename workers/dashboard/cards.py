"""What the dashboard is told of a message: numbers and names, nothing that a member has written."""

import traceback
from datetime import UTC, datetime
from typing import Any

import dramatiq
from dramatiq.broker import MessageProxy
from dramatiq.common import q_name
from msgspec import Struct

TRACEBACK_CHARACTERS_MAX = 20_000
# rq-dashboard puts tracebacks into its page as they are, and an exception may quote anybody.
_HARMLESS = str.maketrans({"<": "‹", ">": "›"})

AnyMessage = dramatiq.Message[Any] | MessageProxy


class Card(Struct, frozen=True):
    """A message, as it may be shown."""

    id: str
    queue: str
    actor: str
    arguments: tuple[int, ...]
    attempt: int
    created_at: datetime

    @property
    def description(self) -> str:
        """For people."""
        call = f"{self.actor}({', '.join(map(str, self.arguments))})"
        return f"{call}, attempt {self.attempt}" if self.attempt > 1 else call


def card_of(message: AnyMessage) -> Card:
    """What is shown of a message. Arguments that are no numbers are left out."""
    return Card(
        message.message_id,
        q_name(message.queue_name),
        message.actor_name,
        tuple(value for value in message.args if isinstance(value, int)),
        message.options.get("retries", 0) + 1,
        datetime.fromtimestamp(message.message_timestamp / 1000, UTC),
    )


def traceback_of(message: AnyMessage) -> str:
    """Why its last attempt failed, without angle brackets; empty if nobody wrote it down."""
    text: str = message.options.get("traceback") or ""
    error = getattr(message, "_exception", None)
    if not text and error is not None:
        text = "".join(traceback.format_exception(error))
    return text[-TRACEBACK_CHARACTERS_MAX:].translate(_HARMLESS)
