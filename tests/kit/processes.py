"""The real processes, as a deployment runs them, with a short cycle."""

import itertools
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import httpx

from models.installation.settings import timing_from
from ops.commands.release import bring_up_to_date
from runtime.environment import Config, load_config
from tests.kit.aside import aside
from tests.kit.root import ROOT

SECONDS_MAX = 40
BOOT_SECONDS_MAX = 90
PAUSE_SECONDS = 0.05

T = TypeVar("T")


class Processes:
    """Web, worker, clock and the ad partner. `timing`: seconds by name, as TWTC_…_SECONDS."""

    def __init__(
        self, config: Config, timing: Mapping[str, int], more: Mapping[str, str] | None = None
    ) -> None:
        self.port, self.partner_port, self.dashboard_port = (free_port() for _ in range(3))
        self.config = config
        self.url = f"http://127.0.0.1:{self.port}"
        self.dashboard = f"http://127.0.0.1:{self.dashboard_port}"
        self.env = os.environ | {
            "DATABASE_URL": config.database_url,
            "REDIS_URL": config.redis_url,
            "BROKER_URL": config.broker_url,
            "TWTC_SECRET": config.secret.decode(),
            "TWTC_HOUSE_SECRET": config.house_secrets[0].decode(),
            "TWTC_PII_KEYS": config.keyring.secrets[0].decode(),
            "TWTC_INDEX_KEY": config.keyring.index_secret.decode(),
            "TWTC_OUTBOX_DIR": config.outbox_dir,
            "TWTC_PARTNER_URL": f"http://127.0.0.1:{self.partner_port}",
            "TWTC_PUBLIC_URL": self.url,
            "TWTC_LIMITS": "off",
            **{f"TWTC_{name}_SECONDS": str(value) for name, value in timing.items()},
            **(more or {}),
        }
        self.env["TMPDIR"] = str(Path(config.outbox_dir).parent)  # signs of life of this test alone
        self.log = Path(os.devnull)
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.commands = {
            "web": self.web(self.port),
            "worker": ["dramatiq", "workers.main", "--processes", "1", "--threads", "4"],
            "clock": ["schedules"],
            "dashboard": ["workers.dashboard", "--port", str(self.dashboard_port)],
            "partner": ["partner", "--port", str(self.partner_port)],
        }

    @staticmethod
    def web(port: int) -> list[str]:
        """An API process on a port."""
        return ["api", "--port", str(port)]

    def start(self, name: str) -> None:
        """Start one of them, in a process group of its own."""
        command = [sys.executable, "-m", *self.commands[name]]
        with self.log.open("ab") as log:
            self.running[name] = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.env,
                start_new_session=True,
                stdout=log,
                stderr=log,
            )

    def kill(self, name: str) -> None:
        """SIGKILL the whole group."""
        process = self.running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def end(self, name: str) -> int:
        """SIGTERM as a rolling restart sends it, to the main process. Return the exit status."""
        process = self.running.pop(name)
        process.terminate()
        return process.wait(SECONDS_MAX)

    def is_up(self, url: str = "") -> bool:
        """Whether the API can record intents."""
        try:
            return httpx.get(f"{url or self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False


def release(processes: Processes) -> None:
    """What `twtc release` does, without the start of a program."""
    config, timing = load_config(processes.env), timing_from(processes.env)
    aside(bring_up_to_date(config, timing, processes.env))


@contextmanager
def running(processes: Processes, *names: str) -> Iterator[Processes]:
    """Release, then start the named ones; all are killed in the end."""
    release(processes)
    with started(processes, *names):
        until(processes.is_up, "the API", BOOT_SECONDS_MAX)
        yield processes


@contextmanager
def started(processes: Processes, *names: str) -> Iterator[Processes]:
    """The named ones, on a database that is released already; all are killed in the end."""
    try:
        for name in names:
            processes.start(name)
        yield processes
    finally:
        for name in list(processes.running):
            processes.kill(name)


def until(look: Callable[[], T | None], what: str, seconds_max: float = SECONDS_MAX) -> T:
    """The first truthy answer of `look`, or a failure that says what never came."""
    deadline = time.monotonic() + seconds_max
    for _ in range(int(seconds_max / PAUSE_SECONDS)):  # the clock may be frozen
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            break
        select.select([], [], [], PAUSE_SECONDS)  # other processes work meanwhile
    raise AssertionError(f"{what}: not within {seconds_max} s")


# Below what connections of others are given while a port is only meant to be listened at; each
# test process begins somewhere else, and goes on from there.
_PORTS = itertools.count(secrets.randbelow(20_000))


def free_port() -> int:
    """A port that nobody listens at."""
    for number in itertools.islice(_PORTS, 1_000):
        port = 10_000 + number % 20_000
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("a thousand ports are taken")
