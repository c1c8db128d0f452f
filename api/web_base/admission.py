"""Admission: a process takes on only what it can answer in time (decision 0039).

What is too much is refused at once, with the time to come back: an answer that comes too late costs
as much as one in time, and is of use to nobody.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import cycle

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from api.identity.passwords import PLACES, THREADS
from api.web_base.counting import leave_unsaid
from api.web_base.problems import ProblemError, send_problem

log = logging.getLogger(__name__)

# What mostly costs no more than its refusal, such as a poll that is held: refused only for lag.
LIGHT = {"is_light": True}
# The server's keepers have to hear how it is, and a page cannot ask again for its scripts.
ALWAYS = {"is_always_admitted": True}
# What hashes a password, which takes as long as a hundred polls: it has a room of its own.
HASHES = {"is_hashing": True}
# Of those, how many are worked on: enough that a thread always has something to hash. So many come
# at once that nobody else would get a turn.
HASHING_AT_ONCE = THREADS + 2
# Requests under way: five for each connection to PostgreSQL keep it busy, and more only wait.
IN_FLIGHT_MAX = 50
# Requests that wait for their outcome ask PostgreSQL again and again; they are the first to go.
WAITING_MAX = 50
# How late the event loop may be before everything is refused that may be.
LAG_SECONDS_MAX = 0.2
LOOK_SECONDS = 0.02
# A line for each refusal would cost more than the refusal.
TELL_SECONDS = 10
# Not all at the same time.
RETRY_SECONDS = range(2, 7)

_TITLE = "Too much at once"
_DETAIL = (
    "The service has more to do than it can. Nothing was recorded: send the same request again "
    "after Retry-After; the key makes it safe."
)


class Admission:
    """How busy one process is."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.hashing = 0
        self.waiting = 0
        self.lag_seconds = 0.0
        self.refused = 0
        self._told = 0
        self._turns = asyncio.Semaphore(HASHING_AT_ONCE)
        self._retry_seconds = cycle(RETRY_SECONDS)

    def is_full(self) -> bool:
        """Whether no more can be taken on."""
        return self.in_flight >= IN_FLIGHT_MAX or self.is_late()

    def is_hashing_full(self) -> bool:
        """Whether as many hash, or wait for it, as may."""
        return self.hashing >= PLACES or self.is_late()

    def is_late(self) -> bool:
        """Whether the event loop is so late that everybody waits."""
        return self.lag_seconds > LAG_SECONDS_MAX

    def refuse(self) -> ProblemError:
        """503 `busy`. Not everybody is sent to the same second."""
        self.refused += 1
        headers = {"Retry-After": str(next(self._retry_seconds))}
        return ProblemError("busy", _TITLE, 503, _DETAIL, headers)

    @contextmanager
    def room(self) -> Iterator[None]:
        """Take on a request. Raise ProblemError (503) if it is too much."""
        if self.is_full():
            raise self.refuse()
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1

    @asynccontextmanager
    async def hashing_room(self) -> AsyncIterator[None]:
        """Take on a request that hashes, when its turn comes; it takes no room of the others.

        Raise ProblemError (503) if it is too much.
        """
        if self.is_hashing_full():
            raise self.refuse()
        self.hashing += 1
        try:
            async with self._turns:
                yield
        finally:
            self.hashing -= 1

    @asynccontextmanager
    async def leaving_turn(self) -> AsyncIterator[None]:
        """What hashes lets others go on while it asks somebody elsewhere."""
        self._turns.release()
        try:
            yield
        finally:
            await self._turns.acquire()

    def may_wait(self) -> bool:
        """Whether a request may wait for its outcome: not when others are short of room."""
        return (
            self.waiting < WAITING_MAX
            and self.in_flight < IN_FLIGHT_MAX // 2
            and self.lag_seconds <= LAG_SECONDS_MAX / 2
        )

    @contextmanager
    def pausing(self) -> Iterator[None]:
        """A request that only waits takes nobody's room."""
        self.in_flight -= 1
        self.waiting += 1
        try:
            yield
        finally:
            self.waiting -= 1
            self.in_flight += 1

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Measure how late the event loop is, meanwhile."""
        tasks = [asyncio.create_task(self._watch()), asyncio.create_task(self._tell())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            self._say()

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
            self.lag_seconds = loop.time() - due

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(TELL_SECONDS)
            self._say()

    def _say(self) -> None:
        new, self._told = self.refused - self._told, self.refused
        if new:
            log.warning("%d requests were refused with 503: too much at once", new)


class AdmissionMiddleware(ASGIMiddleware):
    """Refuses what is too much with 503 `busy` and Retry-After, before any work is done for it."""

    scopes = (ScopeType.HTTP,)
    exclude_opt_key = "is_always_admitted"

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Refuse or pass on."""
        admission: Admission = scope["litestar_app"].state.services.admission
        opt = scope["route_handler"].opt
        is_light, is_hashing = "is_light" in opt, "is_hashing" in opt
        is_full = admission.is_hashing_full if is_hashing else admission.is_full
        if admission.is_late() if is_light else is_full():
            leave_unsaid(scope)
            await send_problem(admission.refuse(), send)
        elif is_light:
            await next_app(scope, receive, send)
        elif is_hashing:
            async with admission.hashing_room():
                await next_app(scope, receive, send)
        else:
            with admission.room():
                await next_app(scope, receive, send)
