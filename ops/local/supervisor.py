"""Keeps processes running: prefixes their output, restarts the dead, stops them in order."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

from msgspec import Struct

from ops.local.guard import Guard

STOP_SECONDS_MAX = 10
BACKOFF_SECONDS_MIN = 0.5
BACKOFF_SECONDS_MAX = 30.0
HEALTHY_SECONDS = 60
POLL_SECONDS = 0.1
SAME_REQUEST_SECONDS = 0.5

# (name of the program or "", one line of text)
Say = Callable[[str, str], None]


class StopRequests:
    """Counts the user's wishes to stop: SIGINT, SIGTERM, SIGHUP, or the end of `uv run`."""

    def __init__(self) -> None:
        self.count = 0
        self._last = float("-inf")
        # Killing `uv run` itself leaves us alive, with nobody who could pass a signal on.
        self._uv = os.getppid() if "UV_RUN_RECURSION_DEPTH" in os.environ else None

    def listen(self) -> None:
        """Install the handlers. A SIGHUP that is ignored (nohup) stays ignored."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._note)

    def leave(self) -> None:
        """From now on an interruption raises KeyboardInterrupt again."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, signal.default_int_handler)

    def __bool__(self) -> bool:
        if self._uv is not None and os.getppid() != self._uv:
            self.count = max(self.count, 1)
        return self.count > 0

    def _note(self, number: int, frame: FrameType | None) -> None:
        # One Ctrl-C reaches us from the terminal and once more from `uv run`.
        now = time.monotonic()
        if now - self._last > SAME_REQUEST_SECONDS:
            self.count += 1
        self._last = now


class Program(Struct, frozen=True):
    """What to run, under which name."""

    name: str
    command: tuple[str, ...]


class _Kept:
    """One program, its process while it has one, and when it may be started next."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.reader: threading.Thread | None = None
        self.failures = 0
        self.started_at = 0.0
        self.start_at = 0.0


class Supervisor:
    """Runs programs, each as a group of processes of its own."""

    def __init__(
        self, programs: Sequence[Program], env: Mapping[str, str], cwd: Path, guard: Guard, say: Say
    ) -> None:
        self._kept = [_Kept(program) for program in programs]
        self._env = dict(env)
        self._cwd = cwd
        self._guard = guard
        self._say = say

    @property
    def failures(self) -> int:
        """How often a program has died since it last ran well, at the worst."""
        return max(kept.failures for kept in self._kept)

    def tend(self) -> None:
        """Start what is due and notice what has died. Call it every POLL_SECONDS."""
        now = time.monotonic()
        for kept in self._kept:
            if kept.process is not None:
                self._check(kept, now)
            elif now >= kept.start_at:
                self._start(kept, now)

    def stop(self, requests: StopRequests) -> None:
        """Stop one program after another; a second request kills them all at once."""
        for kept in self._kept:
            if kept.process is not None:
                self._stop(kept, requests)

    def kill(self) -> None:
        """End every process without asking."""
        for kept in self._kept:
            if kept.process is not None:
                self._bury(kept)

    def _start(self, kept: _Kept, now: float) -> None:
        kept.process = subprocess.Popen(  # noqa: S603
            kept.program.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self._cwd,
            env=self._env,
            start_new_session=True,
        )
        self._guard.watch(-kept.process.pid, signal.SIGKILL)
        kept.started_at = now
        kept.reader = threading.Thread(
            target=self._read, args=(kept.program.name, kept.process), daemon=True
        )
        kept.reader.start()

    def _read(self, name: str, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            # Output must not be able to stop a program, or a full terminal would.
            with suppress(OSError, ValueError):
                self._say(name, line.decode(errors="replace").rstrip())

    def _check(self, kept: _Kept, now: float) -> None:
        assert kept.process is not None
        if not _has_exited(kept.process):
            if now - kept.started_at > HEALTHY_SECONDS:
                kept.failures = 0
            return
        status = self._bury(kept)
        kept.failures += 1
        wait = min(BACKOFF_SECONDS_MAX, BACKOFF_SECONDS_MIN * 2 ** (kept.failures - 1))
        kept.start_at = now + wait
        self._say("", f"{kept.program.name} {_ending(status)}; starting it again in {wait:g} s")

    def _stop(self, kept: _Kept, requests: StopRequests) -> None:
        assert kept.process is not None
        began = time.monotonic()
        # To its head only: Dramatiq's and Granian's masters let their workers finish.
        with suppress(ProcessLookupError):
            os.kill(kept.process.pid, signal.SIGTERM)
        waited = 0.0
        while requests.count < 2 and waited < STOP_SECONDS_MAX and not _has_exited(kept.process):
            time.sleep(POLL_SECONDS / 4)
            waited = time.monotonic() - began
        manner = "stopped" if _has_exited(kept.process) else "killed"
        self._bury(kept)
        self._say("", f"{kept.program.name} {manner} ({waited:.1f} s)")

    def _bury(self, kept: _Kept) -> int:
        """End what is left of the group, wait for its head and read its last words."""
        assert kept.process is not None and kept.reader is not None
        # Before it is waited for, its pid cannot belong to anybody else.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(kept.process.pid, signal.SIGKILL)
        status = kept.process.wait()
        self._guard.forget(-kept.process.pid)
        kept.reader.join(timeout=1)
        kept.process = kept.reader = None
        return status


def _has_exited(process: subprocess.Popen[bytes]) -> bool:
    flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, process.pid, flags) is not None


def _ending(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    return f"was ended by {signal.Signals(-status).name}"
