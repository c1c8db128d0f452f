"""The processes of one program on one machine, and what each tells the others.

Granian and Dramatiq run several processes behind one master, and whichever is asked has to answer
for all. So each writes its figures and a sign of life to a file beside those of its siblings, every
two seconds. A file of a dead process is taken over by the next one that starts.
"""

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from runtime.telemetry.exposition import expose
from runtime.telemetry.meter import Figures, meter
from runtime.telemetry.metrics import METRICS, PROCESSES

log = logging.getLogger(__name__)

WRITE_SECONDS = 2
SILENCE_SECONDS_MAX = 30
PROGRAMS = ("web", "worker", "clock")


class Sign(Struct):
    """What a process wrote last. `at` is the machine's monotonic clock, which all of it share."""

    pid: int
    at: float
    figures: Figures


_signs = msgspec.json.Decoder(Sign)


def signs_dir(database_url: str) -> Path:
    """Where the processes of an installation leave their signs: readable to their user alone."""
    installation = sha256(database_url.encode()).hexdigest()[:8]
    return Path(tempfile.gettempdir()) / f"twtc-{os.getuid()}-{installation}"


class Siblings:
    """This process among those of its program. None of it may stop the program."""

    def __init__(self, program: str, database_url: str) -> None:
        self.program = program
        # The clock has no master: two of them are two programs.
        family = os.getpid() if program == "clock" else os.getppid()
        self._root = signs_dir(database_url)
        self._dir = self._root / f"{program}-{family}"
        self._file = self._dir / f"{os.getpid()}.json"
        self._has_joined = False
        meter.set(PROCESSES, 1, program)

    def join(self) -> None:
        """Begin to leave signs, after those of the dead were taken over."""
        try:
            self._root.mkdir(mode=0o700, exist_ok=True)
            if self._root.stat().st_uid != os.getuid():
                log.warning("%s is somebody else's: no sign of life is left there", self._root)
                return
            self._clear_up()
            self._dir.mkdir(exist_ok=True)
            self._adopt()
        except OSError as error:
            log.warning("no sign of life can be left in %s: %s", self._dir, error)
            return
        self._has_joined = True
        self.write()

    def write(self) -> None:
        """Tell how things stand here."""
        if not self._has_joined:
            return
        sign = Sign(os.getpid(), time.monotonic(), meter.figures())
        unfinished = self._file.with_suffix(".new")
        try:
            unfinished.write_bytes(msgspec.json.encode(sign))
            unfinished.replace(self._file)
        except OSError as error:
            log.warning("no sign of life can be left in %s: %s", self._dir, error)

    def leave(self) -> None:
        """Leave the last figures to the next process of the program."""
        self.write()

    def expose(self, accept: str) -> tuple[bytes, str]:
        """The figures of the whole program for an Accept header, and their media type."""
        others = [sign for sign in read_signs(self._dir) if sign.pid != os.getpid()]
        live = [sign.figures for sign in others if _is_alive(sign.pid)]
        dead = [sign.figures for sign in others if not _is_alive(sign.pid)]
        return expose(METRICS, [meter.figures(), *live], dead, accept)

    def _clear_up(self) -> None:
        """Remove what programs left that are no more."""
        for folder in self._root.iterdir():
            if folder != self._dir and not _is_alive(int(folder.name.rpartition("-")[2])):
                shutil.rmtree(folder, ignore_errors=True)

    def _adopt(self) -> None:
        """Take over the figures of the dead. Whoever renames a file first has it."""
        for path in self._dir.glob("*.json"):
            if path != self._file and _is_alive(int(path.stem)):
                continue
            mine = path.with_suffix(f".{os.getpid()}")
            with suppress(FileNotFoundError):
                path.rename(mine)
                for sign in _read(mine):
                    meter.adopt(sign.figures, METRICS)
                mine.unlink()


def read_signs(folder: Path) -> list[Sign]:
    """What the processes of one program wrote last, the dead ones included."""
    return [sign for path in folder.glob("*.json") for sign in _read(path)]


def find_faults(program: str, database_url: str) -> list[str]:
    """Why a program on this machine is not well; nothing if it is."""
    folders = sorted(signs_dir(database_url).glob(f"{program}-*"))
    signs = [sign for folder in folders for sign in read_signs(folder) if _is_alive(sign.pid)]
    now = time.monotonic()
    silent = [sign for sign in signs if now - sign.at > SILENCE_SECONDS_MAX]
    if not signs:
        return [f"no {program} process has left a sign of life"]
    return [f"process {sign.pid} has been silent for {now - sign.at:.0f} s" for sign in silent]


def _read(path: Path) -> Iterator[Sign]:
    with suppress(FileNotFoundError, msgspec.DecodeError):
        yield _signs.decode(path.read_bytes())


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    # A process that has ended and was not waited for yet still has its number.
    stat = Path(f"/proc/{pid}/stat")
    with suppress(OSError):
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    return True
