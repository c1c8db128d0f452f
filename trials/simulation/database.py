"""Connections that fail: the product's statements run on real ones, until the seed cuts the wire.

A wire that is cut rolls the real transaction back, as PostgreSQL does; the connection itself is
kept for the next. Which intents were recorded and completed is written down as they commit: this
is the order in which everything happened.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import asyncpg
from msgspec import Struct

from models.base.db import Database, Row
from models.fraud.keep import SET_HOLDS
from models.intents import follow_ups
from models.intents.queue import COMPLETE
from models.intents.record import RECORD, RECORD_OF_VIEW
from models.mining.settlement import EXPIRE
from trials.simulation.faults import Faults
from trials.simulation.scheduler import Scheduler

FAST_SECONDS = 0.05
_IDS = COMPLETE.names.index("ids")


class Killed(BaseException):
    """The process ends at this statement. Not an Exception: no handler may survive it."""


class Recorded(Struct, frozen=True):
    """An intent of a member was committed."""

    intent_id: UUID


class Completed(Struct, frozen=True):
    """A batch was committed: these intents, in this order.

    For each sweep of unproved sessions in it, how much of the history that sweep could see.
    """

    intent_ids: tuple[UUID, ...]
    sweeps: tuple[int, ...] = ()


class Held(Struct, frozen=True):
    """A batch that is about to be committed holds somebody up."""

    user_id: int
    hold: str
    until: datetime


Event = Recorded | Completed | Held


class Journal(Protocol):
    """What the wires need of the seed."""

    scheduler: Scheduler
    faults: Faults
    history: list[Event]
    lock_waits: int

    async def is_blocked(self, pid: int) -> bool: ...

    def note(self, line: str, *, shown: bool = True) -> None: ...


class FailingDatabase(Database):
    """A process's pool: some real connections, behind wires that the seed may cut."""

    def __init__(self, name: str, connections: Sequence[Any], journal: Journal) -> None:
        super().__init__("", len(connections), name, 0)
        self._name = name
        self._free = list(connections)
        self._journal = journal

    async def pool(self) -> Any:
        """Itself."""
        return self

    @asynccontextmanager
    async def acquire(self, timeout: float = 0) -> AsyncIterator["Wire"]:  # noqa: ASYNC109
        """A wire to one of the connections."""
        real = self._free.pop()
        try:
            yield Wire(real, self._name, self._journal)
        finally:
            self._free.append(real)


class Wire:
    """What the product takes for an asyncpg connection."""

    def __init__(self, real: Any, name: str, journal: Journal) -> None:
        self._real = real
        self._name = name
        self._journal = journal
        self._is_cut = False
        self._is_aborted = False
        self._depth = 0
        self._uncommitted: list[Event] = []
        self._sweeps: list[int] = []

    async def fetch(self, query: str, *args: Any) -> list[Row]:
        """Rows of a statement."""
        found: list[Row] = await self._send(query, args, self._real.fetch)
        return found

    async def execute(self, query: str, *args: Any) -> str:
        """Run a statement."""
        status: str = await self._send(query, args, self._real.execute)
        return status

    @asynccontextmanager
    async def transaction(self, **options: Any) -> AsyncIterator[None]:
        """A transaction, or within one a savepoint."""
        self._depth += 1
        is_outer, fault = self._depth == 1, None
        try:
            async with self._real.transaction(**options):
                yield
                if is_outer:
                    fault = await self._before("COMMIT")
            if is_outer:
                self._write_down()
                self._after(fault)
        except BaseException:
            self._uncommitted.clear()
            raise
        finally:
            self._depth -= 1
            self._is_aborted = False

    def _write_down(self) -> None:
        """What was committed has happened."""
        self._journal.history += self._uncommitted
        self._uncommitted.clear()

    async def _send(self, query: str, args: Sequence[Any], send: Any) -> Any:
        fault = await self._before(query)
        if query == EXPIRE.numbered:
            self._sweeps.append(len(self._journal.history))
        result = await self._patiently(send(query, *args))
        if query == COMPLETE.numbered:
            self._uncommitted.append(Completed(tuple(args[_IDS]), tuple(self._sweeps)))
        elif query == SET_HOLDS.numbered:
            self._uncommitted += [Held(*held) for held in _held_by(args) if held[1]]
        elif query in _recordings():
            self._uncommitted += [Recorded(row.id) for row in result]
        if not self._depth:
            self._write_down()
        self._after(fault)
        return result

    async def _before(self, query: str) -> str | None:
        """Time passes; then the statement may not be sent at all. Return what befalls it later."""
        if self._is_cut:
            raise asyncpg.InterfaceError("connection is closed")
        if self._is_aborted:
            raise asyncpg.InFailedSQLTransactionError("current transaction is aborted")
        journal = self._journal
        await journal.scheduler.sleep(journal.faults.statement_seconds())
        journal.note(f"{self._name} {_name_of(query)}", shown=False)
        drawn = journal.faults.of_statement(in_worker=self._name.startswith("worker"))
        if drawn is None:
            return None
        kind, took_effect = drawn
        when = "after" if took_effect else "before"
        journal.note(f"{self._name}: {kind} {when} {_name_of(query)}")
        if took_effect:
            return kind
        self._befall(kind)
        return None

    def _after(self, fault: str | None) -> None:
        if fault is not None:
            self._befall(fault)

    def _befall(self, kind: str) -> None:
        match kind:
            case "process killed":
                self._is_cut = True
                raise Killed
            case "connection lost":
                self._is_cut = True
                raise asyncpg.ConnectionDoesNotExistError("connection was closed")
            case "transaction refused":
                self._is_aborted = bool(self._depth)
                raise asyncpg.DeadlockDetectedError("deadlock detected")
            case _:
                self._is_aborted = bool(self._depth)
                raise asyncpg.DataError("a poison that the seed has put here")

    async def _patiently(self, work: Awaitable[Any]) -> Any:
        """A statement's result. While it waits for somebody's lock, the others have their turns."""
        statement = asyncio.ensure_future(work)
        await asyncio.wait({statement}, timeout=FAST_SECONDS)
        pid = self._real.get_server_pid()
        while not statement.done():
            if await self._journal.is_blocked(pid):
                self._journal.note(f"{self._name} waits for a lock")
                self._journal.lock_waits += 1
                await self._journal.scheduler.wait_for_lock(statement, pid)
                if isinstance(statement.exception(), asyncpg.QueryCanceledError):
                    self._is_aborted = bool(self._depth)
                    raise asyncpg.LockNotAvailableError("canceling statement: lock timeout")
                break
            await asyncio.wait({statement}, timeout=FAST_SECONDS)
        return statement.result()


def _held_by(args: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    named = dict(zip(SET_HOLDS.names, args, strict=True))
    return zip(named["users"], named["holds"], named["untils"], strict=True)


def _recordings() -> set[str]:
    """Whatever records intents of members; as they are now, for bugs are planted in them."""
    return {RECORD.numbered, RECORD_OF_VIEW.numbered, follow_ups.RECORD.numbered}


def _name_of(query: str) -> str:
    """The first words of a statement."""
    return " ".join(query.split()[:4])
