"""Simulated time, and whose turn it is.

One coroutine runs at a time, until it sleeps, waits or ends; then the earliest wake-up has its
turn. Real I/O happens within a turn, so how long it takes changes nothing. Only a statement that
waits for another transaction's lock gives its turn back before it is done.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Any, Generic, TypeVar

T = TypeVar("T")

TURN_SECONDS_MAX = 60
LOOK_AGAIN_SECONDS = 0.02
LOCK_TIMEOUT = timedelta(seconds=5)

IsBlocked = Callable[[int], Awaitable[bool]]
Cancel = Callable[[int], Awaitable[None]]
_WakeUp = tuple[datetime, int, "asyncio.Future[None] | None"]


class StuckError(RuntimeError):
    """Somebody neither slept nor ended: the simulation itself is broken."""


class Scheduler:
    """The only source of time and of order in a seed."""

    def __init__(self, start: datetime, is_blocked: IsBlocked, cancel: Cancel) -> None:
        self.now = start
        self._is_blocked = is_blocked
        self._cancel = cancel
        self._wake_ups: list[_WakeUp] = []
        self._numbers = count()
        self._turn_over = asyncio.Event()
        self._blocked: list[tuple[asyncio.Future[Any], int, asyncio.Future[None], datetime]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._error: BaseException | None = None

    def spawn(self, life: Coroutine[Any, Any, None], after_seconds: float = 0) -> None:
        """Let a coroutine begin at a later turn."""
        begin = self._at(self.now + timedelta(seconds=after_seconds))

        async def live() -> None:
            try:
                await begin
                await life
            except asyncio.CancelledError:
                life.close()
                raise
            except BaseException as error:
                self._error = self._error or error
            finally:
                self._turn_over.set()

        self._tasks.append(asyncio.create_task(live()))

    async def sleep(self, seconds: float) -> None:
        """Let simulated time pass; others have their turns meanwhile."""
        await self._until(self._at(self.now + timedelta(seconds=seconds)))

    async def sleep_until(self, at: datetime) -> None:
        """Sleep until an instant; not at all if it has passed."""
        if at > self.now:
            await self._until(self._at(at))

    async def wait_for_lock(self, statement: asyncio.Future[Any], pid: int) -> None:
        """Give the turn back until the statement is done, or took too long and was cancelled."""
        wake = asyncio.get_running_loop().create_future()
        until = self.now + LOCK_TIMEOUT
        self._blocked.append((statement, pid, wake, until))
        heappush(self._wake_ups, (until, next(self._numbers), None))
        await self._until(wake)

    async def run(self, until: datetime) -> None:
        """Give turns until nobody wants one by then. Raise what a coroutine raised."""
        while self._wake_ups and self._wake_ups[0][0] <= until:
            at, _, wake = heappop(self._wake_ups)
            self.now = max(self.now, at)
            if wake is not None:
                self._turn_over.clear()
                wake.set_result(None)
                try:
                    async with asyncio.timeout(TURN_SECONDS_MAX):
                        await self._turn_over.wait()
                except TimeoutError:
                    raise StuckError("a coroutine does not give its turn back") from None
            if self._blocked:
                await self._look_at_blocked()
            if self._error is not None:
                raise self._error
        self.now = max(self.now, until)

    async def close(self) -> None:
        """End everybody, wherever they are."""
        await asyncio.sleep(0)  # or what was spawned last would never have begun
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        self._wake_ups.clear()
        self._blocked.clear()

    def wake(self, sleeper: "asyncio.Future[None]") -> None:
        """Give somebody who waits a turn, now."""
        heappush(self._wake_ups, (self.now, next(self._numbers), sleeper))

    async def wait(self, sleeper: "asyncio.Future[None]") -> None:
        """Wait until somebody wakes this sleeper."""
        await self._until(sleeper)

    def _at(self, at: datetime) -> "asyncio.Future[None]":
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self._wake_ups, (at, next(self._numbers), wake))
        return wake

    async def _until(self, wake: "asyncio.Future[None]") -> None:
        self._turn_over.set()
        await wake

    async def _look_at_blocked(self) -> None:
        """Whoever has got its lock in the last turn is ready; whoever waits too long gives up."""
        still = []
        for statement, pid, wake, until in self._blocked:
            while not statement.done() and not await self._is_blocked(pid):
                await asyncio.wait({statement}, timeout=LOOK_AGAIN_SECONDS)
            if not statement.done() and self.now >= until:
                await self._cancel(pid)
                await asyncio.wait({statement})
            if statement.done():
                self.wake(wake)
            else:
                still.append((statement, pid, wake, until))
        self._blocked = still


class Mailbox(Generic[T]):
    """What one coroutine leaves for another, in order."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._items: deque[T] = deque()
        self._sleeper: asyncio.Future[None] | None = None

    def put(self, item: T) -> None:
        """Leave something."""
        self._items.append(item)
        if self._sleeper is not None:
            self._scheduler.wake(self._sleeper)
            self._sleeper = None

    async def get(self) -> T:
        """Wait for something, for as long as it takes."""
        while not self._items:
            self._sleeper = asyncio.get_running_loop().create_future()
            await self._scheduler.wait(self._sleeper)
        return self._items.popleft()
