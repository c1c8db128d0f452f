"""The guard: ends what a supervisor started, even if the supervisor is killed outright.

It runs beside the supervisor in a session of its own and learns over a pipe which processes there
are. When the pipe closes, however that came about, it stops those that are still listed. Plain
standard library, because it runs as `python -I -S guard.py`.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType

GRACE_SECONDS = 10
POLL_SECONDS = 0.02


def is_alive(pid: int) -> bool:
    """Whether the process runs. A zombie, which nobody has waited for yet, does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - pathlib doubles the start-up time
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return True  # there is no procfs here


class Guard:
    """The supervisor's end of the pipe, a context. `lock_fds` stay open until all is over."""

    def __init__(self, lock_fds: Sequence[int] = ()) -> None:
        self._lock_fds = tuple(lock_fds)

    def __enter__(self) -> "Guard":
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-S", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            pass_fds=self._lock_fds,
            text=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()

    def watch(self, pid: int, number: signal.Signals) -> None:
        """Send that signal to `pid` if the supervisor dies; a negative pid names a group."""
        self._tell(pid, number)

    def forget(self, pid: int) -> None:
        """The process has ended and been waited for."""
        self._tell(pid, 0)

    def _tell(self, pid: int, number: int) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(f"{pid} {number}\n")
            self._process.stdin.flush()


def _stop(watched: dict[int, int]) -> None:
    for pid, number in watched.items():
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    # Groups are killed outright above; only servers need time to close their files.
    waiting = {pid for pid in watched if pid > 0}
    deadline = time.monotonic() + GRACE_SECONDS
    while waiting and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        waiting = {pid for pid in waiting if is_alive(pid)}
    for pid in waiting:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _main() -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    watched: dict[int, int] = {}
    for line in sys.stdin:
        pid, number = (int(part) for part in line.split())
        if number:
            watched[pid] = number
        else:
            watched.pop(pid, None)
    _stop(watched)


if __name__ == "__main__":
    _main()
