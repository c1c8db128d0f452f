"""PostgreSQL and Valkey for `./run` and `./run test`, without installation, root or Docker."""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from msgspec import Struct

from ops.local.daemon import Daemon, ServerError
from ops.local.guard import Guard, is_alive
from ops.local.postgres import DATABASE, ROLE, Cluster, find_postgres
from ops.local.secret_file import load_secrets
from ops.local.unprivileged import Runner, choose_place, choose_runner
from ops.local.valkey import find_valkey, start_valkey

PASSWORD_BYTES = 24
PREDECESSOR_SECONDS_MAX = 20

Report = Callable[[str], None]


class Servers(Struct, frozen=True):
    """Where the servers are. The Redis URL names database 0."""

    database_url: str
    redis_url: str
    daemons: tuple[Daemon, ...] = ()

    def tend(self) -> list[str]:
        """Start again what has died. Return the names. Raise ServerError if one does not start."""
        return [daemon.name for daemon in self.daemons if daemon.tend()]


class DataInUseError(ServerError):
    """Another run works on the same data folder."""


@contextmanager
def local_servers(
    data_dir: Path,
    *,
    durable: bool = True,
    report: Report,
    database_url: str | None = None,
    redis_url: str | None = None,
) -> Iterator[Servers]:
    """Run both servers on `data_dir` for the time of the context; a given URL replaces one.

    They listen on free ports of 127.0.0.1 and ask for passwords. Not `durable` means fast and
    forgetful, for tests. They end with this process, even if it is killed. Call it from the main
    thread. Raise ServerError if one cannot start, DataInUseError if the folder is taken.
    """
    if database_url and redis_url:
        yield Servers(database_url, redis_url)
        return
    data_dir = data_dir.resolve()
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as stack:
        lock = stack.enter_context(_only_run(data_dir))
        guard = stack.enter_context(Guard([lock]))
        stage = _Stage(data_dir, stack, guard, report, durable)
        database_url, redis_url = database_url or stage.postgres(), redis_url or stage.valkey()
        yield Servers(database_url, redis_url, tuple(stage.daemons))


class _Stage:
    """Starts each server and leaves its end to the stack."""

    def __init__(
        self, data_dir: Path, stack: ExitStack, guard: Guard, report: Report, durable: bool
    ) -> None:
        self._data_dir = data_dir
        self._stack = stack
        self._guard = guard
        self._report = report
        self._durable = durable
        self.daemons: list[Daemon] = []
        self._logs = data_dir / "log"
        self._logs.mkdir(exist_ok=True)
        self._passwords = data_dir / "servers.json"
        self._new_passwords = not self._passwords.exists()
        names = {"postgresql": PASSWORD_BYTES, "valkey": PASSWORD_BYTES}
        self._secrets = load_secrets(self._passwords, names)

    def postgres(self) -> str:
        """Start PostgreSQL. Return the application's URL."""
        began = time.monotonic()
        found = find_postgres()
        runner, place = self._somewhere(found.home / "bin" / "postgres")
        password = self._secrets["postgresql"]
        log = self._logs / "postgres.log"
        cluster = Cluster(found, place, log, runner, durable=self._durable)
        is_new = not cluster.exists
        cluster.prepare(password)
        if self._new_passwords and not is_new:
            cluster.change_password(password)
        port = self._keep(cluster.start(self._guard))
        data = "new data" if is_new else "existing data"
        self._tell(f"PostgreSQL {found.version} on port {port}, {data}", began)
        return f"postgresql://{ROLE}:{password}@127.0.0.1:{port}/{DATABASE}"

    def valkey(self) -> str:
        """Start Valkey. Return the URL of its database 0."""
        began = time.monotonic()
        found = find_valkey()
        runner, place = self._somewhere(found.program)
        password = self._secrets["valkey"]
        log = self._logs / "valkey.log"
        daemon = start_valkey(
            found, place, log, runner, self._guard, password, durable=self._durable
        )
        port = self._keep(daemon)
        self._tell(f"{found.version} on port {port}", began)
        return f"redis://:{password}@127.0.0.1:{port}/0"

    def _keep(self, daemon: Daemon) -> int:
        self.daemons.append(daemon)
        self._stack.callback(daemon.stop)
        return daemon.port

    def _somewhere(self, program: Path) -> tuple[Runner, Path]:
        runner = choose_runner(self._data_dir, program)
        place = choose_place(self._data_dir, runner)
        if place != self._data_dir:
            if self._durable:
                self._report(f"{self._data_dir} is closed to unprivileged users; data in {place}")
            else:
                self._stack.callback(shutil.rmtree, place, ignore_errors=True)
        return runner, place

    def _tell(self, what: str, began: float) -> None:
        self._report(f"{what} ({time.monotonic() - began:.1f} s)")


@contextmanager
def _only_run(data_dir: Path) -> Iterator[int]:
    path = data_dir / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + PREDECESSOR_SECONDS_MAX
        while not _take(descriptor):
            owner = path.read_text().strip()
            # The guard of a run that was killed holds the lock while it stops the servers.
            if (owner and is_alive(int(owner))) or time.monotonic() > deadline:
                raise DataInUseError(
                    f"{data_dir} is in use by another run (process {owner or 'unknown'}). Stop "
                    "that one first, or choose another folder with --data."
                )
            time.sleep(0.05)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
