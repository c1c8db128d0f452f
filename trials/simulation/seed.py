"""What everything in one seed shares: time, chance, faults, and what has happened."""

from collections import Counter, deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from hashlib import sha256
from random import Random
from typing import Any

import msgspec

from trials.simulation.content import Content
from trials.simulation.database import Event
from trials.simulation.faults import Faults, draw_profile
from trials.simulation.scheduler import Scheduler

SHOWN_LINES = 120


class Acknowledged(msgspec.Struct, frozen=True):
    """An answer somebody has seen: this intent is recorded."""

    intent_id: str
    recorded_at: datetime
    what: str


class Seed:
    """One simulated world's chance and memory."""

    def __init__(self, number: int, start: datetime, facts: Content, monitor: Any) -> None:
        self.number = number
        self.facts = facts
        self.random = Random(f"twtc:{number}")  # noqa: S311
        self.ids = Random(f"twtc:ids:{number}")  # noqa: S311
        self.scheduler = Scheduler(start, self.is_blocked, self._cancel)
        self.faults = Faults(draw_profile(self.random), Random(f"twtc:faults:{number}"))  # noqa: S311
        self.history: list[Event] = []
        self.acknowledged: list[Acknowledged] = []
        self.keys: set[tuple[str, str]] = set()  # of all that phones asked for, by origin
        self.confirmed: list[str] = []  # events whose callback was answered
        self.shown: deque[str] = deque(maxlen=SHOWN_LINES)
        self.outcomes: Counter[str] = Counter()  # what intents came to, and what was paid
        self.problems: list[str] = []
        self.at_death: Callable[[], Awaitable[None]] | None = None
        self.visitors = 0
        self.lock_waits = 0
        self._digest = sha256()
        self._monitor = monitor

    def note(self, line: str, *, shown: bool = True) -> None:
        """Write down what happens: all of it in the digest, the most telling to be shown."""
        stamped = f"{self.scheduler.now:%d %H:%M:%S.%f} {line}"
        self._digest.update(stamped.encode() + b"\n")
        if shown:
            self.shown.append(stamped)

    @property
    def is_idle(self) -> bool:
        """Whether nobody visits; the processes then look less often, to save the reader's time."""
        return self.visitors == 0 and not self.faults.is_calm

    @property
    def digest(self) -> str:
        """Of everything that happened: equal for equal lives."""
        return self._digest.hexdigest()[:16]

    async def is_blocked(self, pid: int) -> bool:
        """Whether a server process waits for another's lock."""
        blocking = await self._monitor.fetchval("SELECT cardinality(pg_blocking_pids($1))", pid)
        return bool(blocking)

    async def _cancel(self, pid: int) -> None:
        await self._monitor.fetchval("SELECT pg_cancel_backend($1)", pid)
