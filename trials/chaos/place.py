"""A small file system of our own for the servers' data, so that its disk can be made full."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE = "2g"
CLONE_NEWNS = 0x0002_0000


class Disk:
    """A mounted tmpfs. It is full when its size is what is used."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def fill(self) -> None:
        """Leave no room: whoever writes is told that the disk is full."""
        usage = os.statvfs(self._path)
        used = (usage.f_blocks - usage.f_bfree) * usage.f_frsize
        # Between the look and the mount something may be written: a page more is as good as none.
        for more in range(100):
            if _mount("-o", f"remount,size={used + more * usage.f_frsize}", str(self._path)):
                return
        raise RuntimeError("the scratch file system cannot be made full")

    def free(self) -> None:
        """As much room as before."""
        _mount("-o", f"remount,size={SIZE}", str(self._path))


@contextmanager
def scratch_disk(path: Path) -> Iterator[Disk | None]:
    """Mount a file system at `path`, or yield None where that is not allowed.

    It lives in a mount namespace of this process, so that it ends with it, however that ends. Call
    it from the main thread before there are others.
    """
    path.mkdir(parents=True, exist_ok=True)
    libc = ctypes.CDLL(None, use_errno=True)
    if (
        os.geteuid() != 0
        or shutil.which("mount") is None
        or not hasattr(libc, "unshare")
        or libc.unshare(CLONE_NEWNS) != 0
        or not _mount("--make-rprivate", "/")
        or not _mount("-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "tmpfs", str(path))
    ):
        yield None
        return
    disk = Disk(path)
    try:
        yield disk
    finally:
        disk.free()
        subprocess.run(["umount", "--lazy", str(path)], check=False)  # noqa: S603, S607


def _mount(*options: str) -> bool:
    done = subprocess.run(["mount", *options], capture_output=True, check=False)  # noqa: S603, S607
    return done.returncode == 0
