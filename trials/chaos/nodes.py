"""PostgreSQL servers of somebody else's on this machine, known by their data folders.

The nodes of a cluster that DATABASE_URL leads to: chaos kills and stops them, and starts again, as
their owner and with their own command, what it has killed.
"""

import os
import pwd
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ops.local.guard import is_alive
from ops.local.unprivileged import choose_runner

START_SECONDS_MAX = 30
LOOK_SECONDS = 0.1


class NodeError(RuntimeError):
    """A folder is no running server's, or its server does not come back."""


class Node:
    """A server, by its data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.name = f"node {self.folder.name}"
        self.started: subprocess.Popen[bytes] | None = None  # by us, the last time
        if not self.is_ready():
            raise NodeError(f"no PostgreSQL runs in {folder}")

    @property
    def pid(self) -> int:
        """Of its postmaster."""
        return int((self.folder / "postmaster.pid").read_text().split()[0])

    def is_ready(self) -> bool:
        """Whether it accepts connections."""
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready" and is_alive(int(lines[0]))

    def kill(self) -> None:
        """SIGKILL, as when its machine dies."""
        signal_all(self.pid, signal.SIGKILL)

    def start(self) -> None:
        """Start it again, unless its keeper has. Raise NodeError if it does not come back."""
        command = shlex.split((self.folder / "postmaster.opts").read_text())
        prefix, whose = self._owner(Path(command[0]))
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self.is_ready():
            if time.monotonic() > deadline:
                raise NodeError(f"{self.name} does not start again")
            # At first the killed one's shared memory may be in use still.
            if self.started is None or self.started.poll() is not None:
                self._clear_lock()
                self.started = subprocess.Popen(  # noqa: S603
                    [*prefix, *command],
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                    **whose,
                )
            time.sleep(LOOK_SECONDS)

    def _clear_lock(self) -> None:
        """A killed one that nobody has waited for still counts as a server; a parent does not."""
        lock = self.folder / "postmaster.pid"
        if lock.exists() and not is_alive(self.pid):
            lines = lock.read_text().splitlines()
            lock.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")

    def _owner(self, program: Path) -> tuple[Sequence[str], dict[str, Any]]:
        """How to become who runs it: a prefix, and options of Popen."""
        owner = self.folder.stat()
        if os.geteuid() != 0 or owner.st_uid == 0:
            runner = choose_runner(self.folder, program)  # PostgreSQL refuses to run as root
            return runner.prefix, runner.options()
        name = pwd.getpwuid(owner.st_uid).pw_name
        groups = os.getgrouplist(name, owner.st_gid)
        return (), {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": groups}


@contextmanager
def halted(pid: int) -> Iterator[None]:
    """SIGSTOP a server with all its processes; SIGCONT after the block."""
    pids = signal_all(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for found in pids:
            with suppress(ProcessLookupError):
                os.kill(found, signal.SIGCONT)


def signal_all(pid: int, number: signal.Signals) -> list[int]:
    """Send a signal to a process and its children. Return whom it was sent to."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    pids = [pid, *(map(int, path.read_text().split()) if path.exists() else ())]
    for found in pids:
        with suppress(ProcessLookupError):
            os.kill(found, number)
    return pids
