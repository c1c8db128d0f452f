"""The processes of an installation, each on a clock of its own; two of every kind.

A process that is killed loses what it held in memory, and comes back after a while.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from litestar import Litestar
from msgspec import Struct
from msgspec.structs import replace

from api.networks import networks
from api.web_base.services import Services
from engine.core.piece import Piece
from engine.core.timeline import Timetable
from models.base.db import DATABASE_ERRORS, Database
from models.intents.follow_ups import deliver_overdue
from models.intents.queue import overdue_pieces
from runtime.broker.bells import Bells
from schedules.due import DueWork
from schedules.timetable import Entry, entries
from trials.asgi import Reply, call
from trials.simulation.caches import SteadyCatalogue, SteadyConfigurations, SteadyReputation
from trials.simulation.clocks import ProcessClock, clock_of_task
from trials.simulation.database import FailingDatabase, Killed
from trials.simulation.scheduler import Mailbox
from trials.simulation.seed import Seed
from trials.simulation.sendings import SENDINGS, record_sending
from workers.apply import drain
from workers.workshop import Workshop

# What bears on members' coins. The rest of the upkeep reads, or concerns longer times.
TIMETABLE = frozenset({"credit", "settle", "reset"})
# While somebody is there, and while nobody is.
WAKE_SECONDS = (20, 300), (200, 1500)
RELAY_SECONDS = (10, 120), (120, 900)
DOWN_SECONDS = (1, 90)
REDELIVERY_SECONDS = (1, 30)


class Request(Struct):
    """One request on its way, and where its answer is awaited."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    answer: Mailbox[Reply | None]


class Network(Bells):
    """Carries bells to the workers: late, twice, or not at all."""

    def __init__(self, seed: Seed) -> None:
        self._seed = seed
        self.inboxes: list[Mailbox[Piece]] = []

    async def ring(self, *pieces: Piece) -> None:
        """Send a bell for each piece."""
        for piece in pieces:
            self.send(piece)

    def send(self, piece: Piece) -> None:
        """Send one bell."""
        faults, random = self._seed.faults, self._seed.random
        if faults.happens("bell lost"):
            return
        for _ in range(2 if faults.happens("bell doubled") else 1):
            seconds = random.uniform(0.001, 0.2)
            if faults.happens("bell late"):
                seconds = random.uniform(1, 40)
            self._seed.scheduler.spawn(self._deliver(piece), seconds)

    async def _deliver(self, piece: Piece) -> None:
        self._seed.random.choice(self.inboxes).put(piece)

    async def close(self) -> None:
        """Nothing to close."""


class Process(ABC):
    """What all kinds share: a name, a clock, a database, a death."""

    def __init__(self, name: str, connections: Sequence[Any], seed: Seed) -> None:
        self.name = name
        self.seed = seed
        self.clock = ProcessClock(seed)
        self.database = FailingDatabase(name, connections, seed)
        self.start_anew()

    def start_anew(self) -> None:  # noqa: B027 - most have nothing in memory
        """Start, with nothing in memory."""

    async def live(self) -> None:
        """Work and die, and come back."""
        clock_of_task.set(self.clock)
        while True:
            try:
                await self.work()
            except Killed:
                self.seed.note(f"{self.name} is dead")
                if self.seed.at_death is not None:
                    await self.seed.at_death()
                await self.seed.scheduler.sleep(self.seed.random.uniform(*DOWN_SECONDS))
                self.start_anew()

    @abstractmethod
    async def work(self) -> None:
        """Until death."""


class Worker(Process):
    """Answers bells, one after the other."""

    def __init__(
        self,
        name: str,
        connections: Sequence[Any],
        seed: Seed,
        services: Services,
        network: Network,
    ) -> None:
        self._services = services
        self._network = network
        self.inbox: Mailbox[Piece] = Mailbox(seed.scheduler)
        network.inboxes.append(self.inbox)
        super().__init__(name, connections, seed)

    def start_anew(self) -> None:
        """A new workshop."""
        self.shop = make_workshop(self.database, self._services, self.seed)

    async def work(self) -> None:
        """Drain; a bell whose drain failed is delivered again, as Dramatiq does."""
        while True:
            piece = await self.inbox.get()
            self.clock.may_err()
            if self.seed.faults.happens("copies flushed"):
                await self._services.redis.flushdb()
            try:
                done = await drain(self.shop, piece)
            except DATABASE_ERRORS as error:
                self.seed.note(f"{self.name} {piece}: {type(error).__name__}")
                seconds = self.seed.random.uniform(*REDELIVERY_SECONDS)
                self.seed.scheduler.spawn(self._again(piece), seconds)
            else:
                self.seed.note(f"{self.name} {piece}: {done} applied", shown=done > 0)

    async def _again(self, piece: Piece) -> None:
        self._network.send(piece)


class Clock(Process):
    """Records what is due."""

    def __init__(
        self,
        name: str,
        connections: Sequence[Any],
        seed: Seed,
        services: Services,
        network: Network,
    ) -> None:
        self._network = network
        self._table = coin_entries(services.installation.table)
        super().__init__(name, connections, seed)

    def start_anew(self) -> None:
        """It does not remember what it has recorded."""
        self._due_work = DueWork(self.database, self._table)

    async def work(self) -> None:
        """Wake every few minutes; now and then it oversleeps by half an hour."""
        random, faults = self.seed.random, self.seed.faults
        while True:
            seconds = random.uniform(*WAKE_SECONDS[self.seed.is_idle])
            if faults.happens("timetable asleep"):
                seconds += random.uniform(600, 2400)
            await self.seed.scheduler.sleep(seconds)
            self.clock.may_err()
            await self._network.ring(*await self._due_work.record(self.clock.now()))


class Relay(Process):
    """Rings for what nobody applied, and delivers what nobody did."""

    def __init__(self, name: str, connections: Sequence[Any], seed: Seed, network: Network) -> None:
        self._network = network
        super().__init__(name, connections, seed)

    async def work(self) -> None:
        """Look for what is overdue."""
        while True:
            seconds = self.seed.random.uniform(*RELAY_SECONDS[self.seed.is_idle])
            await self.seed.scheduler.sleep(seconds)
            self.clock.may_err()
            try:
                await self._network.ring(*await overdue_pieces(self.database, self.clock.now()))
                await self._network.ring(*await deliver_overdue(self.database, self.clock.now()))
            except DATABASE_ERRORS as error:
                self.seed.note(f"{self.name}: {type(error).__name__}")


class Api(Process):
    """The application, one request at a time."""

    def __init__(
        self,
        name: str,
        connections: Sequence[Any],
        seed: Seed,
        services: Services,
        app: Litestar,
        network: Network,
    ) -> None:
        self._app = app
        self._given = services
        self._network = network
        self.inbox: Mailbox[Request] = Mailbox(seed.scheduler)
        super().__init__(name, connections, seed)

    def start_anew(self) -> None:
        """Services with nothing read yet."""
        given = self._given
        self.services = self._app.state.services = replace(
            given,
            database=self.database,
            bells=self._network,
            networks=networks(given.config, self.database, given.http),
            catalogue=SteadyCatalogue(self.database, self.seed.facts.library),
            configurations=SteadyConfigurations(self.database),
        )

    async def work(self) -> None:
        """Answer; whoever is being answered when the process dies hears nothing."""
        while True:
            request = await self.inbox.get()
            self.clock.may_err()
            try:
                reply = await self._answer(request)
            except Killed:
                request.answer.put(None)
                raise
            path = request.path.partition("?")[0]
            line = f"{self.name} {request.method} {path}: {reply.status}"
            self.seed.note(line, shown=request.method == "POST")
            request.answer.put(reply)

    async def _answer(self, request: Request) -> Reply:
        if request.path == SENDINGS:
            return await record_sending(self.services, request.headers, request.body)
        method, path = request.method, request.path
        return await call(self._app, method, path, request.headers, request.body)


def make_workshop(database: Database, services: Services, seed: Seed) -> Workshop:
    """A worker's tools, with nothing read yet."""
    return Workshop(
        database,
        services.installation,
        services.copies,
        SteadyCatalogue(database, seed.facts.library),
        SteadyConfigurations(database),
        SteadyReputation(),
    )


def coin_entries(table: Timetable) -> list[Entry]:
    """The timetable's lines that bear on coins."""
    return [entry for entry in entries(table) if entry.name in TIMETABLE]
