"""One embedded server process: started in a session of its own, guarded, stopped by its signals."""

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from ops.local.guard import Guard, is_alive
from ops.local.unprivileged import Runner

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 10
ATTEMPTS_MAX = 20
POLL_SECONDS = 0.01
LOG_BYTES_MAX = 10_000_000
LOG_LINES_SHOWN = 8
# Another program took the port between choosing and binding it, or backends of a killed
# PostgreSQL have not noticed yet that they should end.
WORTH_ANOTHER_TRY = ("Address already in use", "shared memory block")


# The port, or None for any free one; the process that serves, and its port.
Start = Callable[[int | None], tuple[subprocess.Popen[bytes], int]]


class ServerError(RuntimeError):
    """A server is missing or does not start; the message says what to do."""


class Daemon:
    """A running server. `signals` stop it, each after the one before had its time.

    `start` starts it on a port, or on any free one, and returns when it serves.
    """

    def __init__(self, name: str, start: Start, guard: Guard, *signals: signal.Signals) -> None:
        self.name = name
        self._start = start
        self._guard = guard
        self._signals = signals
        self.process, self.port = start(None)
        guard.watch(self.process.pid, signals[0])

    def tend(self) -> bool:
        """If it has died, start it again on the same port and return True."""
        if self.process.poll() is None:
            return False
        self._guard.forget(self.process.pid)
        self.process, self.port = self._start(self.port)
        self._guard.watch(self.process.pid, self._signals[0])
        return True

    def stop(self) -> None:
        """Stop it and wait. An interruption while waiting kills it."""
        try:
            for number in self._signals:
                self.process.send_signal(number)
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(STOP_SECONDS_MAX)
                    break
        finally:
            self.process.kill()
            self.process.wait()
            self._guard.forget(self.process.pid)


def launch(
    command: Sequence[str],
    runner: Runner,
    folder: Path,
    log: Path,
    *,
    death_signal: str,
    configuration: str = "",
) -> subprocess.Popen[bytes]:
    """Start a server in `folder`, its output going to `log`, with `configuration` on its stdin."""
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603
            [*runner.prefix, *_dying_with_us(death_signal), *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            start_new_session=True,
            **runner.options(),
        )
    assert process.stdin is not None
    with suppress(BrokenPipeError), process.stdin:
        process.stdin.write(configuration.encode())
    return process


def _dying_with_us(death_signal: str) -> tuple[str, ...]:
    # The guard suffices; this helps where somebody kills all of Python at once. The kernel means
    # the parent *thread*, so only the main thread, which ends last, may ask for it.
    setpriv = shutil.which("setpriv")
    if setpriv is None or threading.current_thread() is not threading.main_thread():
        return ()
    return (setpriv, "--pdeathsig", death_signal, "--")


def start_server(
    name: str,
    log: Path,
    start: Callable[[int], subprocess.Popen[bytes]],
    is_ready: Callable[[int, int], bool],
    wanted_port: int | None,
) -> tuple[subprocess.Popen[bytes], int]:
    """Start a server on a port, or on a free one; `is_ready(pid, port)` tells when it serves.

    Raise ServerError, with the end of its log, if it does not.
    """
    if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
        log.unlink()
    deadline = time.monotonic() + START_SECONDS_MAX
    for _ in range(ATTEMPTS_MAX):
        port, seen = wanted_port or free_port(), log.stat().st_size if log.exists() else 0
        process = start(port)
        if _becomes_ready(process, port, is_ready, deadline):
            return process, port
        output = log.read_bytes()[seen:].decode(errors="replace")
        if not any(reason in output for reason in WORTH_ANOTHER_TRY):
            break
        time.sleep(0.2)
    shown = "\n".join(f"    {line}" for line in output.splitlines()[-LOG_LINES_SHOWN:])
    raise ServerError(f"{name} did not start. The end of {log}:\n{shown}")


def _becomes_ready(
    process: subprocess.Popen[bytes],
    port: int,
    is_ready: Callable[[int, int], bool],
    deadline: float,
) -> bool:
    try:
        while process.poll() is None and time.monotonic() < deadline:
            if is_ready(process.pid, port):
                return True
            time.sleep(POLL_SECONDS)
    except BaseException:
        process.kill()
        process.wait()
        raise
    process.kill()
    process.wait()
    return False


def free_port() -> int:
    """A port of the loopback address that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def stop_orphan(pid_file: Path, program: str, number: signal.Signals) -> bool:
    """Stop the server that a pid file names. Return False if it names none of that program.

    The caller holds the folder's lock, so a server found here has lost its supervisor.
    """
    try:
        pid = int(pid_file.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return False
    if pid == os.getpid() or not is_alive(pid) or not _runs(pid, program, pid_file.parent):
        return False
    deadline = time.monotonic() + STOP_SECONDS_MAX
    os.kill(pid, number)
    while is_alive(pid):
        if time.monotonic() > deadline:
            raise ServerError(f"{program} (process {pid}) still uses {pid_file.parent}: stop it")
        time.sleep(POLL_SECONDS)
    return True


def _runs(pid: int, program: str, folder: Path) -> bool:
    process = Path(f"/proc/{pid}")
    try:
        if process.exists():
            command = (process / "cmdline").read_bytes().decode(errors="replace")
            return program in command and (process / "cwd").samefile(folder)
    except OSError:
        return False
    shown = subprocess.run(  # noqa: S603
        ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return program in shown.stdout
