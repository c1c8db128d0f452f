"""What has happened to a worker's messages and is not written yet, in bounded memory."""

from collections import deque
from datetime import datetime

from msgspec import Struct

from workers.dashboard.cards import Card

NOTES_MAX = 10_000


class Finished(Struct, frozen=True):
    """A message succeeded."""

    card: Card
    started_at: datetime
    ended_at: datetime


class Retried(Struct, frozen=True):
    """An attempt failed; the next is due at that time."""

    card: Card
    due_at: datetime
    traceback: str


class Failed(Struct, frozen=True):
    """The last attempt failed; Dramatiq keeps the message as that dead letter."""

    card: Card
    letter: str
    traceback: str
    ended_at: datetime


Note = Finished | Retried | Failed


class Journal:
    """Filled by many threads, emptied by the writer; each step is atomic in the interpreter."""

    def __init__(self) -> None:
        # What runs right now, and since when.
        self.running: dict[str, tuple[Card, datetime]] = {}
        self._notes: deque[Note] = deque(maxlen=NOTES_MAX)

    def note(self, note: Note) -> None:
        """Remember it; of too many the oldest are forgotten."""
        self._notes.append(note)

    def take(self) -> list[Note]:
        """All notes so far, oldest first; they are taken out."""
        return [self._notes.popleft() for _ in range(len(self._notes))]
