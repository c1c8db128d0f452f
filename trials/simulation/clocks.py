"""Each process's own idea of the time: off by a little, set back and forth, standing still."""

from contextvars import ContextVar
from datetime import datetime, timedelta
from random import Random
from typing import Protocol

from trials.simulation.faults import Faults
from trials.simulation.scheduler import Scheduler

STALL_SECONDS_MAX = 20.0


class Setting(Protocol):
    """What a clock needs of the seed."""

    scheduler: Scheduler
    faults: Faults
    random: Random


class ProcessClock:
    """The time as one process sees it."""

    def __init__(self, setting: Setting, *, is_true: bool = False) -> None:
        self._setting = setting
        self._off_seconds = 0.0 if is_true else self._draw()
        self._stands_at: datetime | None = None
        self._stands_until = setting.scheduler.now

    def now(self) -> datetime:
        """What `utcnow` answers in this process."""
        true = self._setting.scheduler.now
        if self._stands_at is not None and true < self._stands_until:
            return self._stands_at
        self._stands_at = None
        return true + timedelta(seconds=self._off_seconds)

    def may_err(self) -> None:
        """Jump, or stand still for a while; never further off than the profile allows."""
        faults, random = self._setting.faults, self._setting.random
        if faults.happens("clock jumped"):
            self._off_seconds = self._draw()
        if faults.happens("clock stalled"):
            self._stands_at = self.now()
            seconds = random.uniform(1, STALL_SECONDS_MAX)
            self._stands_until = self._setting.scheduler.now + timedelta(seconds=seconds)

    def _draw(self) -> float:
        most = self._setting.faults.profile.skew_seconds
        return round(self._setting.random.uniform(-most, most), 6)


clock_of_task: ContextVar[ProcessClock] = ContextVar("clock_of_task")


def now_of_task() -> datetime:
    """The time of the process in which this runs."""
    return clock_of_task.get().now()
