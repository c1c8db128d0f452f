"""The system under fire: its servers, the proxies before them, and its processes."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from engine.core.timeline import EPOCH
from models.base.db import DATABASE_ERRORS, Database, connected, open_database, rows, sql
from ops.local.daemon import Daemon, ServerError, free_port
from ops.local.guard import Guard
from ops.local.servers import Servers
from ops.local.up import ROOT, Ports, environment
from runtime.clock import utcnow
from runtime.environment import postgresql_url
from trials.chaos.nodes import Node, halted
from trials.chaos.place import Disk
from trials.chaos.proxy import Proxy, proxy_of

# A whole cycle in 20 s; a rule of the timing wants its window and two proofs within it.
TIMING = {"CYCLE": 20, "TICK": 1, "STAGGER": 2, "WINDOW": 2, "AD": 1, "PROOF": 8}
BACKOFF_SECONDS = 0.5
LOOK_SECONDS = 0.05
STOP_SECONDS_MAX = 20
READY_SECONDS_MAX = 150
PROGRAMS = ("web", "worker", "clock")

AT_WORK = sql("""
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = :name
      AND backend_start >= CAST(:since AS timestamptz)
""")


class ChaosError(RuntimeError):
    """The run cannot be carried out, or the system did not come back."""


class Site:
    """The programs run on 127.0.0.1. What dies is started again, unless a fault holds it down.

    The servers are our own, which are daemons, or somebody's. A broker is named if it is not the
    Redis beside the hints'.
    """

    def __init__(
        self,
        servers: Servers,
        data_dir: Path,
        disk: Disk | None,
        guard: Guard,
        seed: int,
        broker_url: str = "",
        nodes: Sequence[Node] = (),
    ) -> None:
        self.web_port, partner_port = free_port(), free_port()
        self.proxies = {
            "PostgreSQL": proxy_of(servers.database_url, seed),
            "Valkey": proxy_of(servers.redis_url, seed + 1),
            "web": Proxy(self.web_port, seed + 2),
        }
        if broker_url:
            self.proxies["broker"] = proxy_of(broker_url, seed + 3)
        self.nodes = {node.name: node for node in nodes}
        self.url = f"http://127.0.0.1:{self.proxies['web'].port}"
        self.disk = disk
        self.daemons: dict[str, Daemon] = {daemon.name: daemon for daemon in servers.daemons}
        self.redis_url = servers.redis_url
        self.database: Database = open_database(
            postgresql_url(servers.database_url), pool_size=2, application_name="chaos"
        )
        self.environment = self._environment(servers, broker_url, data_dir, partner_port)
        self.outbox = Path(self.environment["TWTC_OUTBOX_DIR"])
        self.exits: Counter[str] = Counter()
        self._guard = guard
        self._logs = data_dir / "programs"
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._held: set[str] = set()
        self._http = httpx.AsyncClient(timeout=2, limits=httpx.Limits(max_keepalive_connections=0))

    def _environment(
        self, servers: Servers, broker_url: str, data_dir: Path, partner_port: int
    ) -> dict[str, str]:
        # The settings of whoever runs this must not change what is tested.
        given = {name: value for name, value in os.environ.items() if not name.startswith("TWTC_")}
        given.pop("BROKER_URL", None)
        spoiled = Servers(
            self.proxies["PostgreSQL"].before(servers.database_url),
            self.proxies["Valkey"].before(servers.redis_url),
        )
        if broker_url:
            given["BROKER_URL"] = self.proxies["broker"].before(broker_url)
            given["TWTC_DASHBOARD"] = "off"
        ports = Ports(self.proxies["web"].port, partner_port, 0)  # nobody looks at the dashboard
        made = environment(given, spoiled, data_dir, "development", ports)
        short = {f"TWTC_{name}_SECONDS": str(value) for name, value in TIMING.items()}
        return made | short | {"TWTC_BREACHES_URL": ""}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Release, start everything, keep it running; kill it in the end."""
        self._logs.mkdir(parents=True, exist_ok=True)
        try:
            async with AsyncExitStack() as stack:
                for proxy in self.proxies.values():
                    await stack.enter_async_context(proxy)
                await asyncio.to_thread(self._release)
                for name in (*PROGRAMS, "partner"):
                    self.start(name)
                await self.until_ready(self.web_port)
                keeper = asyncio.create_task(self._keep())
                try:
                    yield
                finally:
                    keeper.cancel()
        finally:
            for name in list(self._running):
                self._kill(self._running.pop(name))
            await self._http.aclose()
            await self.database.dispose()

    def _release(self) -> None:
        command = [sys.executable, "-m", "ops.cli", "release"]
        subprocess.run(  # noqa: S603
            command, cwd=ROOT, env=self.environment, check=True, stdout=subprocess.DEVNULL
        )

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """Start a program, in a process group of its own."""
        commands: Mapping[str, tuple[str, ...]] = {
            "web": ("api", "--port", str(self.web_port), "--stop-seconds", "5"),
            "worker": ("dramatiq", "workers.main", "--processes", "1", "--threads", "8"),
            "clock": ("schedules",),
            "partner": ("partner", "--port", _port(self.environment["TWTC_PARTNER_URL"])),
        }  # fmt: skip
        with (self._logs / f"{name}.log").open("ab") as output:
            process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", *commands[name]],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._guard.watch(-process.pid, signal.SIGKILL)
        self._running[name] = process
        return process

    @contextmanager
    def held_down(self, name: str) -> Iterator[None]:
        """Kill a program or server outright; it is started again after the block."""
        self._held.add(name)
        try:
            if name in self.nodes:
                self.nodes[name].kill()
            elif name in self.daemons:
                self.daemons[name].process.kill()
            else:
                self._kill(self._running.pop(name))
            yield
        finally:
            self._held.discard(name)
            if name in self.nodes:
                self.nodes[name].start()
            elif name not in self.daemons and name not in self._running:
                self.start(name)

    @contextmanager
    def stopped(self, name: str) -> Iterator[None]:
        """SIGSTOP a program or server with all its processes; SIGCONT after the block."""
        if name in self.nodes or name in self.daemons:
            is_node = name in self.nodes
            with halted(self.nodes[name].pid if is_node else self.daemons[name].process.pid):
                yield
            return
        pid = -self._running[name].pid
        try:
            _signal(pid, signal.SIGSTOP)
            yield
        finally:
            _signal(pid, signal.SIGCONT)

    async def replace(self, name: str) -> int:
        """A rolling restart: the new one serves before the old one is asked to end.

        Return the exit status of the old one. Raise ChaosError if it does not end by itself.
        """
        self._held.add(name)
        try:
            old, is_web = self._running[name], name == "web"
            await (self.until_ready() if is_web else self._until_at_work(name, EPOCH))
            # A program that is only just starting installs its handlers after it has connected.
            await asyncio.sleep(1)
            if is_web:
                self.web_port = free_port()
            since = utcnow()
            self.start(name)
            if is_web:
                await self.until_ready(self.web_port)
                self.proxies["web"].target = self.web_port
            else:
                await self._until_at_work(name, since)
            # To its head only: it lets its workers finish.
            old.send_signal(signal.SIGTERM)
            try:
                return await asyncio.wait_for(_ended(old), STOP_SECONDS_MAX)
            except TimeoutError:
                raise ChaosError(f"{name} does not end within {STOP_SECONDS_MAX} s") from None
            finally:
                self._kill(old)
        finally:
            self._held.discard(name)

    async def is_ready(self, port: int | None = None) -> bool:
        """Whether the API can record intents."""
        url = self.url if port is None else f"http://127.0.0.1:{port}"
        try:
            return (await self._http.get(f"{url}/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    async def until_ready(self, port: int | None = None) -> None:
        """Wait for that. Raise TimeoutError if it does not come."""
        async with asyncio.timeout(READY_SECONDS_MAX):
            while True:
                if await self.is_ready(port):
                    return
                await asyncio.sleep(LOOK_SECONDS)

    async def _until_at_work(self, name: str, since: datetime) -> None:
        """Wait until a program has connected to PostgreSQL since an instant."""
        params = {"name": f"twtc-{name}", "since": since}
        async with asyncio.timeout(READY_SECONDS_MAX):
            while True:
                with suppress(*DATABASE_ERRORS):
                    async with connected(self.database) as connection:
                        if await rows(connection, AT_WORK, params):
                            return
                await asyncio.sleep(LOOK_SECONDS)

    async def _keep(self) -> None:
        """Start again what has died by itself or was killed."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for name, daemon in self.daemons.items():
                if name not in self._held:
                    with suppress(ServerError):  # its disk is full: another try after this one
                        await asyncio.to_thread(daemon.tend)
            for name, process in list(self._running.items()):
                if name not in self._held and process.poll() is not None:
                    self.exits[name] += 1
                    self._kill(process)
                    await asyncio.sleep(BACKOFF_SECONDS)
                    if name not in self._held:
                        self.start(name)

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        _signal(-process.pid, signal.SIGKILL)
        process.wait()
        self._guard.forget(-process.pid)


async def _ended(process: subprocess.Popen[bytes]) -> int:
    while True:
        status = process.poll()
        if status is not None:
            return status
        await asyncio.sleep(LOOK_SECONDS)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if pid < 0:
            os.killpg(-pid, number)
        else:
            os.kill(pid, number)


def _port(url: str) -> str:
    return str(urlsplit(url).port)
